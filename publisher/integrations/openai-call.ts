import type { Fields } from "../fields.ts";
import { costOf } from "./cost.ts";
import { guard } from "./guard.ts";
import { nothingReceived, promptOf, readAnswer, readChunk, responsePreview } from "./openai-answer.ts";
import { clip, field, fieldAt, messageOf, textOf, type CallFields } from "./reading.ts";

/** Where calls are logged: a publisher, or a conversation. */
export interface CallLog {
  /** Without it, a call is logged as an action of its conversation. */
  readonly conversation?: (fields: Fields<"conversations">) => string;
  readonly action: (fields: Fields<"action_logs">) => string;
}

/** What is known of a call when it begins. */
export interface CallStart {
  readonly provider: string | undefined;
  readonly body: unknown;
  readonly signal: unknown;
  readonly fields: CallFields;
}

interface Outcome {
  readonly status?: "completed" | "error" | "timeout";
  readonly error?: string;
}

/**
 * One call of a model, from its request to its entry, which is made at the first of the endings that it is told of;
 * later ones are nothing to it. None of its methods throws.
 */
export class Call {
  readonly #log: CallLog;
  readonly #start: CallStart;
  readonly #received = nothingReceived();
  readonly #startedAt = new Date();
  #model: string | undefined;
  #prompt: string | undefined;
  #isLogged = false;

  constructor(log: CallLog, start: CallStart) {
    this.#log = log;
    this.#start = start;
    // Read now: the caller's messages may be other ones when the call has ended.
    guard("openai", () => {
      this.#model = textOf(field(start.body, "model"));
      this.#prompt = promptOf(start.body);
    });
  }

  /** The whole answer came. */
  answered(answer: unknown): void {
    guard("openai", () => readAnswer(this.#received, answer));
    const { error, isPending } = this.#received;
    if (error !== undefined) this.#end({ status: "error", error });
    else this.#end(isPending ? {} : { status: "completed" });
  }

  /** A part of a streamed answer came. */
  chunk(chunk: unknown): void {
    guard("openai", () => readChunk(this.#received, chunk));
  }

  /** The stream has ended by itself, or because it was aborted. */
  streamed(isAborted: boolean): void {
    const { error, isFinished } = this.#received;
    if (error !== undefined) this.#end({ status: "error", error });
    else if (isAborted && !isFinished) this.#end({ status: this.#abortStatus(), error: "the stream was aborted" });
    else this.#end({ status: "completed" });
  }

  /** Whoever read the stream wants no more of it. */
  abandoned(): void {
    if (this.#received.isFinished) this.streamed(false);
    else this.#end({ status: "error", error: "the stream was left before its end" });
  }

  /** The raw answer was all that the caller wanted: its body is not read here. */
  responded(): void {
    this.#end({ status: "completed" });
  }

  /** The answer can no longer be read by anybody. */
  forgotten(): void {
    this.#end({ error: "nobody read the answer to its end" });
  }

  failed(error: unknown): void {
    let status: Outcome["status"] = this.#abortStatus();
    guard("openai", () => {
      const code = field(error, "status");
      if (classOf(error) === "APIConnectionTimeoutError" || code === 408 || code === 504) status = "timeout";
    });
    let message = "error";
    guard("openai", () => void (message = messageOf(error)));
    this.#end({ status, error: message });
  }

  #abortStatus(): "error" | "timeout" {
    let status: "error" | "timeout" = "error";
    guard("openai", () => {
      if (fieldAt(this.#start.signal, "reason", "name") === "TimeoutError") status = "timeout";
    });
    return status;
  }

  #end(outcome: Outcome): void {
    if (this.#isLogged) return;
    this.#isLogged = true;
    guard("openai", () => {
      const { conversation, action } = this.#log;
      const isPartOfOne = conversation === undefined || this.#start.fields.conversation_id !== undefined;
      if (isPartOfOne) action(this.#asAction(outcome));
      else conversation(this.#asConversation(outcome));
    });
  }

  #asConversation(outcome: Outcome): Fields<"conversations"> {
    const { status, error } = outcome;
    const endedAt = new Date();
    const durationMs = endedAt.getTime() - this.#startedAt.getTime();
    const isOver = status !== undefined;
    return {
      ...this.#start.fields,
      started_at: this.#startedAt,
      ...(isOver && { ended_at: endedAt }),
      ...(isOver && durationMs >= 0 && { duration_seconds: Math.floor(durationMs / 1_000) }),
      ...this.#modelColumns(),
      ...this.#cost(),
      user_prompt_preview: this.#prompt,
      response_preview: responsePreview(this.#received),
      status,
      error_message: error,
    };
  }

  #asAction(outcome: Outcome): Fields<"action_logs"> {
    const { status, error } = outcome;
    const completedAt = new Date();
    const durationMs = completedAt.getTime() - this.#startedAt.getTime();
    const isOver = status !== undefined;
    const { cost_usd, cost_source } = this.#cost() ?? {};
    const columns = this.#modelColumns();
    return {
      ...this.#start.fields,
      action_target: columns.model_name,
      action_details: { ...columns, cost_source, status, user_prompt_preview: this.#prompt },
      started_at: this.#startedAt,
      ...(isOver && { completed_at: completedAt, success: status === "completed" }),
      ...(isOver && durationMs >= 0 && { duration_ms: durationMs }),
      result_summary: responsePreview(this.#received),
      error_message: error,
      cost_usd,
    };
  }

  #modelColumns(): ModelColumns {
    const { model, usage, totalTokens } = this.#received;
    const name = this.#model ?? model;
    return {
      model_provider: nameIn(this.#start.provider),
      model_name: nameIn(name),
      model_version: model === name ? undefined : nameIn(model),
      input_tokens: usage.input_tokens,
      output_tokens: usage.output_tokens,
      total_tokens: totalTokens,
    };
  }

  #cost(): ReturnType<typeof costOf> {
    const { model, usage, hasStandardPrice } = this.#received;
    return costOf({
      provider: hasStandardPrice ? this.#start.provider : undefined,
      model: model ?? this.#model,
      usage,
      at: this.#startedAt,
    });
  }
}

interface ModelColumns {
  readonly model_provider: string | undefined;
  readonly model_name: string | undefined;
  /** Left out where the answer names the very model that was asked for. */
  readonly model_version: string | undefined;
  readonly input_tokens: number | undefined;
  readonly output_tokens: number | undefined;
  readonly total_tokens: number | undefined;
}

function nameIn(text: string | undefined): string | undefined {
  return text === undefined ? undefined : clip(text, 256);
}

/** The name of an error's class: the host's errors do not set `name`. */
function classOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null
    ? (error.constructor as { name?: string } | undefined)?.name
    : undefined;
}
