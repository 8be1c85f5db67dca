import type { JsonValue } from "@indelible/schemas/columns.ts";
import type { EventOf } from "@indelible/schemas/tables.ts";
import type { Entry } from "../delivery/entries.ts";
import { BUSINESS, type Agent, type Script } from "./script.ts";

const usdPerInputToken = 3e-6;
const usdPerOutputToken = 15e-6;

export interface ToolUse {
  readonly server: string;
  readonly tool: string;
  readonly parameters: JsonValue;
  readonly durationMs: number;
  /** What it gave, or what went wrong. */
  readonly result?: string;
  readonly error?: string;
  readonly costUsd?: number;
}

type Step = Omit<
  EventOf<"thinking_logs">,
  "thinking_id" | "conversation_id" | "business_id" | "agent_position" | "timestamp" | "step_number"
>;
type Decision = Omit<EventOf<"decision_logs">, "decision_id" | "business_id" | "agent_position" | "decided_at">;
type Raised = Omit<
  EventOf<"escalation_logs">,
  "escalation_id" | "business_id" | "source_agent" | "source_conversation_id" | "escalated_at"
>;

/** One conversation of an agent, from its start to its end. Times are of the day, such as 09:30:00. */
export class Talk {
  readonly id: string;
  readonly #script: Script;
  readonly #agent: Agent;
  readonly #name: string;
  readonly #startedAt: string;
  #steps = 0;
  #actions = 0;

  constructor(script: Script, agent: Agent, name: string, time: string, prompt: string) {
    this.#script = script;
    this.#agent = agent;
    this.#name = name;
    this.#startedAt = script.at(time);
    this.id = script.id("conversation", name);
    this.#log(this.#startedAt, {
      model_provider: "openrouter",
      model_name: "claude-3.5-sonnet",
      command_executed: `/${name}`,
      user_prompt_preview: prompt,
    });
  }

  think(time: string, step: Step): Entry {
    this.#steps += 1;
    return this.#script.log(this.#agent, this.#script.at(time), "thinking_logs", {
      ...this.#context,
      thinking_id: this.#script.id("thinking", this.#name, this.#steps),
      timestamp: this.#script.at(time),
      step_number: this.#steps,
      model_used: "claude-3.5-sonnet",
      ...step,
    });
  }

  /** @returns the decision's ID */
  decide(time: string, decision: Decision): string {
    const decision_id = this.#script.id("decision", this.#name, time);
    const at = this.#script.at(time);
    this.#script.log(this.#agent, at, "decision_logs", { ...this.#who, decision_id, decided_at: at, ...decision });
    return decision_id;
  }

  /** A tool call: an action's start, its end, and the call itself. */
  use(time: string, { server, tool, parameters, durationMs, result, error, costUsd }: ToolUse): void {
    const outcome = { success: error === undefined, error_message: error, result_summary: result };
    this.act(time, durationMs, "mcp_call", `${server}/${tool}`, parameters, outcome);
    const calledAt = this.#script.at(time);
    this.#script.log(this.#agent, this.#script.after(time, durationMs), "mcp_usage_logs", {
      ...this.#context,
      ...outcome,
      usage_id: this.#script.id("usage", this.#name, this.#actions),
      server_name: server,
      tool_name: tool,
      called_at: calledAt,
      parameters,
      duration_ms: durationMs,
      cost_usd: costUsd,
    });
  }

  /** An action in two entries: when it began and when it was done. */
  act(
    time: string,
    durationMs: number,
    type: NonNullable<EventOf<"action_logs">["action_type"]>,
    target: string,
    details: JsonValue,
    outcome: Pick<EventOf<"action_logs">, "success" | "error_message" | "result_summary">,
  ): void {
    this.#actions += 1;
    const begun = {
      ...this.#context,
      action_id: this.#script.id("action", this.#name, this.#actions),
      started_at: this.#script.at(time),
    };
    this.#script.log(this.#agent, begun.started_at, "action_logs", {
      ...begun,
      action_type: type,
      action_target: target,
      action_details: details,
    });
    const completed_at = this.#script.after(time, durationMs);
    this.#script.log(this.#agent, completed_at, "action_logs", {
      ...begun,
      ...outcome,
      completed_at,
      duration_ms: durationMs,
    });
  }

  /** An escalation until it is settled, in three entries; `by` takes and settles it. */
  escalate(
    [raised, acknowledged, resolved]: readonly [raised: string, acknowledged: string, resolved: string],
    escalation: Raised & { readonly sla_target: string },
    by: string,
    resolution: string,
  ): void {
    const identity = {
      escalation_id: this.#script.id("escalation", this.#name, raised),
      business_id: BUSINESS,
      source_agent: this.#agent,
      escalated_at: this.#script.at(raised),
    };
    const [raisedAt, takenAt, settledAt] = [raised, acknowledged, resolved].map((time) => this.#script.at(time));
    const details = { target: escalation.target ?? null, urgency: escalation.urgency ?? null };
    this.act(raised, 800, "escalation", escalation.subject ?? "", details, { success: true });
    this.#script.log(this.#agent, raisedAt!, "escalation_logs", {
      ...identity,
      source_conversation_id: this.id,
      ...escalation,
    });
    this.#script.log(this.#agent, takenAt!, "escalation_logs", { ...identity, acknowledged_at: takenAt });
    this.#script.log(this.#agent, settledAt!, "escalation_logs", {
      ...identity,
      resolved_at: settledAt,
      resolution,
      resolved_by: by,
      sla_met: settledAt! <= escalation.sla_target,
    });
  }

  /** The end, with what it took in tokens; `error` when it failed. */
  end(time: string, tokens: readonly [input: number, output: number], response: string, error?: string): Entry {
    const [input, output] = tokens;
    const endedAt = this.#script.at(time);
    const elapsedMs = Date.parse(endedAt) - Date.parse(this.#startedAt);
    return this.#log(endedAt, {
      ended_at: endedAt,
      duration_seconds: Math.floor(elapsedMs / 1000),
      input_tokens: input,
      output_tokens: output,
      total_tokens: input + output,
      // Rounded, so that the entry shows cents and not the traces of a multiplication.
      cost_usd: Number((input * usdPerInputToken + output * usdPerOutputToken).toFixed(6)),
      response_preview: response,
      status: error === undefined ? "completed" : "error",
      error_message: error,
    });
  }

  get #who(): { business_id: string; agent_position: string } {
    return { business_id: BUSINESS, agent_position: this.#agent };
  }

  get #context(): { business_id: string; agent_position: string; conversation_id: string } {
    return { ...this.#who, conversation_id: this.id };
  }

  #log(at: string, fields: Partial<EventOf<"conversations">>): Entry {
    return this.#script.log(this.#agent, at, "conversations", {
      ...this.#context,
      started_at: this.#startedAt,
      ...fields,
    });
  }
}
