/**
 * How a transcript becomes log entries. A run is one conversation:
 *
 * | in the transcript | in the log |
 * |---|---|
 * | the first system message, or the run itself | the start entry of `conversations` |
 * | user message | a further entry of `conversations` with `user_prompt_preview` |
 * | assistant's text | a further entry of `conversations` with `response_preview` |
 * | tool call | the start entry of an action in `action_logs` |
 * | tool message | the completion entry of that action, and one entry of `mcp_usage_logs` |
 * | further system message | a further entry of `conversations` without text: prompts have no column |
 * | message of an unknown role | a further entry of `conversations` with `[role] text` in `response_preview` |
 * | the end | an entry of `conversations` with `status` and `ended_at` |
 *
 * Every message becomes at least one entry. Everything in an entry derives from the run and the options, so that doing
 * it twice gives the same bytes and the log takes the second for what it is.
 */
import { derivedId, entryHash } from "@indelible/schemas/entry.ts";
import type { EventOf } from "@indelible/schemas/tables.ts";
import type { Entry, LoggedTable } from "../delivery/entries.ts";
import { callsIn, nameOf, OpenCalls, type ToolCall } from "./calls.ts";
import { timesOf, type RunTimes } from "./clock.ts";
import { isFailure, loggable, textOf } from "./content.ts";
import type { Tally } from "./tally.ts";
import type { Message, Run } from "./transcript.ts";

export interface ImportOptions {
  readonly businessId: string;
  readonly agentPosition: string;
  /** `server_name` of the tool calls. */
  readonly serverName: string;
  readonly modelProvider?: string;
  /** For runs that do not name their model. */
  readonly modelName?: string;
  /** When a run without any time began, in microseconds since 1970. */
  readonly startedAt: number;
}

/** Part of every identity: to be raised when the same transcript becomes other entries than before. */
const mappingVersion = 1;
/** Actions carry the beginning of a result, as previews do; the whole of it stands in `mcp_usage_logs`. */
const summaryLength = 500;

/** The entries of one run, in order. What was read and made of it is added to `tally`. */
export function entriesOf(run: Run, options: ImportOptions, tally: Tally): readonly Entry[] {
  const mapper = new RunMapper(run, options);
  const [first] = run.messages;
  // A system message at the beginning is the start; a run without one starts by itself.
  if (first === undefined || !isSystem(first)) mapper.start();
  for (const [index, message] of run.messages.entries()) {
    const before = mapper.entries.length;
    if (index === 0 && isSystem(message)) mapper.start();
    else mapper.add(message, index, tally);
    tally.countMessage(message.role, mapper.entries.length > before);
  }
  mapper.end();
  tally.countRun(mapper.entries.length, mapper.openCalls.count);
  return mapper.entries;
}

interface MadeCall extends ToolCall {
  readonly actionId: string;
  /** Position of the message that made it. */
  readonly index: number;
}

type Own<N extends LoggedTable> = Omit<EventOf<N>, "log_id" | "logged_at" | "publisher_id" | "seq">;

class RunMapper {
  readonly entries: Entry[] = [];
  readonly openCalls: OpenCalls<MadeCall> = new OpenCalls();
  readonly #run: Run;
  readonly #options: ImportOptions;
  readonly #times: RunTimes;
  /** Of the run and of how it is read: another reading of the same run is another conversation. */
  readonly #hash: string;
  readonly #conversation: {
    readonly conversation_id: string;
    readonly business_id: string;
    readonly agent_position: string;
  };

  constructor(run: Run, options: ImportOptions) {
    this.#run = run;
    this.#options = options;
    this.#times = timesOf(run, options.startedAt);
    this.#hash = entryHash(JSON.stringify([mappingVersion, options, run.content]));
    this.#conversation = {
      conversation_id: derivedId("transcript", this.#hash),
      business_id: options.businessId,
      agent_position: options.agentPosition,
    };
  }

  start(): void {
    const { model } = this.#run.fields;
    this.#converse(0, {
      model_provider: this.#options.modelProvider,
      model_name: typeof model === "string" && model !== "" ? nameOf(model) : this.#options.modelName,
    });
  }

  add(message: Message, index: number, tally: Tally): void {
    switch (message.role) {
      case "system":
      case "developer":
        return this.#converse(index, {});
      case "user":
        return this.#converse(index, { user_prompt_preview: textOf(message) });
      case "assistant":
        return this.#addAssistant(message, index, tally);
      case "tool":
      case "function":
        return this.#addResult(message, index, tally);
      default:
        return this.#converse(index, { response_preview: `[${message.role.toWellFormed()}] ${textOf(message) ?? ""}` });
    }
  }

  end(): void {
    const last = Math.max(0, this.#run.messages.length - 1);
    const elapsedMs = this.#times.elapsedMs(0, last);
    this.#converse(last, {
      status: "completed",
      ended_at: this.#times.at(last),
      duration_seconds: elapsedMs === undefined ? undefined : Math.floor(elapsedMs / 1000),
    });
  }

  #addAssistant(message: Message, index: number, tally: Tally): void {
    const text = textOf(message);
    const calls = callsIn(message);
    if (calls.length === 0 || (text !== undefined && text !== "")) this.#converse(index, { response_preview: text });
    for (const [position, call] of calls.entries()) {
      tally.toolCalls += 1;
      const made = { ...call, index, actionId: derivedId("transcript-action", this.#hash, index, position) };
      this.openCalls.add(made);
      this.#act(made, index, {});
    }
  }

  #addResult(message: Message, index: number, tally: Tally): void {
    const call = this.openCalls.take(message);
    tally.countResult(call !== undefined);
    // A result whose call is not there is still an action: it began and ended when the result came.
    const made = call ?? {
      id: undefined,
      name: nameOf(message["name"]),
      arguments: {},
      index,
      actionId: derivedId("transcript-action", this.#hash, index, "result"),
    };
    const result = textOf(message) ?? "";
    const elapsedMs = call === undefined ? undefined : this.#times.elapsedMs(call.index, index);
    const outcome = isFailure(result) ? { success: false, error_message: loggable(result, 65_536) } : { success: true };
    this.#act(made, index, {
      ...outcome,
      completed_at: this.#times.at(index),
      duration_ms: elapsedMs,
      result_summary: loggable(result, summaryLength),
    });
    this.#emit("mcp_usage_logs", index, {
      ...this.#conversation,
      ...outcome,
      usage_id: derivedId("transcript-usage", made.actionId),
      server_name: this.#options.serverName,
      tool_name: made.name,
      called_at: this.#times.at(made.index),
      parameters: made.arguments,
      duration_ms: elapsedMs,
      result_summary: result,
    });
  }

  #converse(index: number, fields: Partial<Own<"conversations">>): void {
    this.#emit("conversations", index, { ...this.#conversation, started_at: this.#times.startedAt, ...fields });
  }

  #act(call: MadeCall, index: number, fields: Partial<Own<"action_logs">>): void {
    this.#emit("action_logs", index, {
      ...this.#conversation,
      action_id: call.actionId,
      action_type: "mcp_call",
      action_target: call.name,
      action_details: call.arguments,
      started_at: this.#times.at(call.index),
      ...fields,
    });
  }

  #emit<N extends LoggedTable>(table: N, index: number, fields: Own<N>): void {
    const seq = this.entries.length + 1;
    const event = {
      ...fields,
      log_id: derivedId("transcript-entry", this.#hash, seq),
      logged_at: this.#times.at(index),
      publisher_id: `import-${this.#hash.slice(0, 16)}`,
      seq,
    };
    // The compiler does not follow the tie between a table and its event through a type parameter.
    this.entries.push({ table, event } as unknown as Entry);
  }
}

function isSystem({ role }: Message): boolean {
  return role === "system" || role === "developer";
}
