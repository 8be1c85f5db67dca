import type { Fields } from "../fields.ts";
import { warnOf } from "./guard.ts";
import { timeOf, type Cost, type ModelCall, type TokenUsage } from "./otel-call.ts";

/** What a price list is asked. */
export interface PricedCall {
  readonly provider: string | undefined;
  readonly model: string;
  readonly usage: TokenUsage;
  /** When the call began. */
  readonly at: Date;
}

/** What a call cost, for spans that do not say; undefined when the prices are not known. */
export type CostOf = (call: PricedCall) => Cost | undefined;

/** Conversations whose totals are remembered; beyond it, the one that was quiet for longest is forgotten. */
const MAX_CONVERSATIONS = 10_000;

/** Sources of one conversation's costs that are named. */
const MAX_SOURCES = 8;

interface Totals {
  startedAtMs: number;
  endedAtMs: number;
  input: number | undefined;
  output: number | undefined;
  total: number | undefined;
  usd: number | undefined;
  readonly sources: Set<string>;
}

/**
 * How conversations stand after each of their calls. Several calls may belong to one conversation, and the view
 * `conversations` shows the latest value of each column: so an entry has the tokens and the cost of all calls so far,
 * its start is that of the first, its end that of the last.
 */
export class Conversations {
  readonly #costOf: CostOf | undefined;
  /** In the order of their latest calls. */
  readonly #totals = new Map<string, Totals>();

  constructor(costOf: CostOf | undefined) {
    this.#costOf = costOf;
  }

  /** The conversation with one call more. */
  add(conversationId: string, call: ModelCall): Fields<"conversations"> {
    const totals = this.#take(conversationId);
    totals.startedAtMs = least(totals.startedAtMs, call.startedAtMs);
    totals.endedAtMs = greatest(totals.endedAtMs, call.endedAtMs);
    totals.input = sumOf(totals.input, call.usage.inputTokens);
    totals.output = sumOf(totals.output, call.usage.outputTokens);
    totals.total = sumOf(totals.total, call.totalTokens);
    const cost = call.cost ?? this.#priceOf(call);
    if (cost !== undefined) {
      totals.usd = (totals.usd ?? 0) + cost.usd;
      if (totals.sources.size < MAX_SOURCES) totals.sources.add(cost.source);
    }
    const seconds = Math.floor((totals.endedAtMs - totals.startedAtMs) / 1_000);
    return {
      conversation_id: conversationId,
      started_at: timeOf(totals.startedAtMs),
      ended_at: timeOf(totals.endedAtMs),
      duration_seconds: seconds >= 0 ? seconds : undefined,
      model_provider: call.provider,
      model_name: call.model,
      input_tokens: totals.input,
      output_tokens: totals.output,
      total_tokens: totals.total,
      cost_usd: totals.usd !== undefined && Number.isFinite(totals.usd) ? totals.usd : undefined,
      cost_source: totals.sources.size === 0 ? undefined : [...totals.sources].join(", ").slice(0, 256),
      user_prompt_preview: call.prompt,
      response_preview: call.response,
      status: call.status,
      error_message: call.errorMessage,
    };
  }

  /** Removes and puts back, so that the latest stands last. */
  #take(conversationId: string): Totals {
    const totals = this.#totals.get(conversationId) ?? {
      startedAtMs: Number.NaN,
      endedAtMs: Number.NaN,
      input: undefined,
      output: undefined,
      total: undefined,
      usd: undefined,
      sources: new Set(),
    };
    this.#totals.delete(conversationId);
    this.#totals.set(conversationId, totals);
    if (this.#totals.size > MAX_CONVERSATIONS) {
      for (const oldest of this.#totals.keys()) {
        this.#totals.delete(oldest);
        break;
      }
    }
    return totals;
  }

  /** A price list that fails costs the entry its cost, not the log its entry. */
  #priceOf({ provider, model, usage, startedAtMs }: ModelCall): Cost | undefined {
    if (this.#costOf === undefined || model === undefined) return undefined;
    if (usage.inputTokens === undefined && usage.outputTokens === undefined) return undefined;
    try {
      const cost = this.#costOf({ provider, model, usage, at: new Date(startedAtMs) });
      return cost !== undefined && Number.isFinite(cost.usd) && cost.usd >= 0 ? cost : undefined;
    } catch (cause) {
      warnOf("otel", cause);
      return undefined;
    }
  }
}

/** Undefined is what nobody gave, not zero. */
function sumOf(sum: number | undefined, more: number | undefined): number | undefined {
  if (sum === undefined || more === undefined) return sum ?? more;
  return Math.min(sum + more, Number.MAX_SAFE_INTEGER);
}

function least(a: number, b: number): number {
  return a <= b || Number.isNaN(b) ? a : b;
}

function greatest(a: number, b: number): number {
  return a >= b || Number.isNaN(b) ? a : b;
}
