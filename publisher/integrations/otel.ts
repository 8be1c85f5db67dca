/** Entries from OpenTelemetry spans: docs/integrations.md says which spans become what. */
import { trace, type Context } from "@opentelemetry/api";
import type { ReadableSpan, Span, SpanProcessor } from "@opentelemetry/sdk-trace-base";
import type { Log } from "../log.ts";
import { costOf as costOfCall, loadPrices } from "./cost.ts";
import { guard, warnOf } from "./guard.ts";
import { textOf, type Attributes } from "./otel-attributes.ts";
import { modelCallOf, toolCallOf } from "./otel-call.ts";
import { Conversations, type CostOf } from "./otel-conversation.ts";
import { kindOf, type Kind } from "./otel-kind.ts";
import { Nesting, type Entry, type Place } from "./otel-nesting.ts";

export type { Cost, TokenUsage } from "./otel-call.ts";
export type { CostOf, PricedCall } from "./otel-conversation.ts";

/** The log that spans go to: a publisher, or anything with these methods. */
export interface SpanLog extends Pick<Log, "mcpCall"> {
  conversation(fields: Parameters<Log["conversation"]>[0]): string;
  /** Called by `forceFlush()` and `shutdown()`, which wait for it. */
  flush?(): Promise<unknown>;
}

export interface SpanProcessorOptions {
  /**
   * Prices calls whose spans do not say what they cost; false: such calls have no cost. Default: `@pydantic/genai-prices`,
   * if it is installed.
   */
  readonly costOf?: CostOf | false;
  /** `server_name` of tool calls whose spans name no MCP server. 1 to 256 characters. Default: tools. */
  readonly serverName?: string;
}

/**
 * A span processor, to be given to a tracer provider beside others: calls of models become entries of `conversations`,
 * calls of tools entries of `mcp_usage_logs`, all other spans nothing.
 *
 * Spans are read when they end, which takes 12 us for a call with short messages and 0.3 ms for the longest that are
 * read. They are not changed. Nothing that a span or the
 * log does reaches the host: what cannot be logged is told as a process warning, at most once a minute. Spans that were not
 * sampled are left out. `forceFlush()` resolves when what was logged is flushed. `shutdown()` does the same and logs nothing
 * afterwards; the log stays open, for it is its maker's.
 */
export function createSpanProcessor(log: SpanLog, options: SpanProcessorOptions = {}): SpanProcessor {
  return new EntrySpanProcessor(log, options);
}

const SAMPLED = 1;

/** Prices by the list that all integrations share. */
const listPrice: CostOf = ({ provider, model, usage, at }) => {
  const cost = costOfCall({
    provider,
    model,
    at,
    usage: {
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      cache_read_tokens: usage.cacheReadTokens,
      cache_write_tokens: usage.cacheWriteTokens,
      output_reasoning_tokens: usage.reasoningTokens,
    },
  });
  return cost === undefined ? undefined : { usd: cost.cost_usd, source: cost.cost_source };
};

class EntrySpanProcessor implements SpanProcessor {
  readonly #log: SpanLog;
  readonly #serverName: string;
  readonly #conversations: Conversations;
  readonly #nesting = new Nesting();
  /** By the span objects themselves, so that a span that never ends is forgotten with its object. */
  readonly #places = new WeakMap<object, Place>();
  #isShutDown = false;

  constructor(log: SpanLog, { costOf = listPrice, serverName }: SpanProcessorOptions) {
    this.#log = log;
    this.#serverName = textOf(serverName, 256) ?? "tools";
    this.#conversations = new Conversations(costOf === false ? undefined : costOf);
    // Now, rather than when the first span ends.
    if (costOf === listPrice) guard("otel", () => void loadPrices());
  }

  onStart(span: Span, parentContext: Context): void {
    guard("otel", () => {
      const parent = trace.getSpan(parentContext);
      const above = parent === undefined ? undefined : this.#places.get(parent);
      const place = this.#nesting.begin(above, kindOf(span.attributes));
      this.#places.set(span, place);
      noteConversation(place, span.attributes);
    });
  }

  onEnd(span: ReadableSpan): void {
    guard("otel", () => {
      // A span that began before this processor was there has no place yet.
      const place = this.#places.get(span) ?? this.#nesting.begin(undefined, undefined);
      let kind: Kind | undefined;
      let entry: Entry | undefined;
      try {
        noteConversation(place, span.attributes);
        kind = kindOf(span.attributes);
        const { traceId, traceFlags } = span.spanContext();
        const isLogged = !this.#isShutDown && (traceFlags & SAMPLED) !== 0;
        if (kind !== undefined && isLogged && !place.loggedBelow.has(kind.group)) {
          entry = this.#entryOf(span, kind, conversationOf(place) ?? traceId);
        }
      } finally {
        // Whatever went wrong, the spans around this one wait no longer.
        this.#nesting.end(place, kind, entry);
      }
    });
  }

  async forceFlush(): Promise<void> {
    guard("otel", () => this.#nesting.release());
    try {
      await this.#log.flush?.();
    } catch (cause) {
      warnOf("otel", cause);
    }
  }

  async shutdown(): Promise<void> {
    const flushed = this.forceFlush();
    this.#isShutDown = true;
    await flushed;
  }

  #entryOf(span: ReadableSpan, kind: Kind, conversationId: string): Entry | undefined {
    if (kind.type === "tool") {
      const fields = { ...toolCallOf(span, this.#serverName), conversation_id: conversationId };
      return this.#guarded(() => {
        this.#log.mcpCall(fields);
        return true;
      });
    }
    const call = modelCallOf(span);
    const hasTokens = call.totalTokens !== undefined;
    // An agent's run is logged by what is called in it, and by itself only if it knows of calls that nobody else does.
    if (kind.type === "agent" && !hasTokens) return undefined;
    return this.#guarded(() => {
      this.#log.conversation(this.#conversations.add(conversationId, call));
      return hasTokens;
    });
  }

  /** An entry that is refused by a log that throws is not made a second time. */
  #guarded(entry: Entry): Entry {
    return () => {
      let tellsAll = true;
      guard("otel", () => {
        tellsAll = entry();
      });
      return tellsAll;
    };
  }
}

/** Remembers the conversation that a span names, for those below it and beside it. */
function noteConversation(place: Place, attributes: Attributes): void {
  const name = attributes["gen_ai.conversation.id"];
  // A longer name would have to be cut, and two conversations might become one.
  if (typeof name !== "string" || name === "" || name.length > 256 || !name.isWellFormed()) return;
  place.conversationId = name;
  place.family.conversationId = name;
}

/** The conversation that the span names, the nearest span around it, or else the latest to do so in its family. */
function conversationOf(place: Place): string | undefined {
  for (let at: Place | undefined = place; at !== undefined; at = at.parent) {
    if (at.conversationId !== undefined) return at.conversationId;
  }
  return place.family.conversationId;
}
