/** What an ended span says about a call of a model or a tool, read once and no longer untrusted. */
import type { Fields } from "../fields.ts";
import { amountOf, argumentsOf, firstCount, firstText, isObject, parsedOf, textOf } from "./otel-attributes.ts";
import type { Attributes } from "./otel-attributes.ts";
import { toolNameOf } from "./otel-kind.ts";
import { promptOf, responseOf, type SpanEvent } from "./otel-messages.ts";

/** What is read of a span; the SDK's ReadableSpan is one. */
export interface EndedSpan {
  readonly startTime: readonly [seconds: number, nanoseconds: number];
  readonly endTime: readonly [seconds: number, nanoseconds: number];
  readonly status: { readonly code: number; readonly message?: string | undefined };
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  readonly instrumentationScope: { readonly name: string; readonly version?: string | undefined };
}

/** Tokens of one call. Cached tokens are part of `inputTokens`, and reasoning is part of `outputTokens`. */
export interface TokenUsage {
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  /** What was read from the provider's cache. */
  readonly cacheReadTokens?: number | undefined;
  /** What was written to the provider's cache. */
  readonly cacheWriteTokens?: number | undefined;
  readonly reasoningTokens?: number | undefined;
}

export interface Cost {
  readonly usd: number;
  /** `provider`, or who computed it, as package@version. */
  readonly source: string;
}

/** One call of a model. Times are in milliseconds since 1970, NaN where the span has none that can be used. */
export interface ModelCall {
  readonly provider: string | undefined;
  readonly model: string | undefined;
  readonly usage: TokenUsage;
  readonly totalTokens: number | undefined;
  /** What the span itself says that it cost. */
  readonly cost: Cost | undefined;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly prompt: string | undefined;
  readonly response: string | undefined;
  readonly status: "completed" | "error" | "timeout";
  readonly errorMessage: string | undefined;
}

export function modelCallOf(span: EndedSpan): ModelCall {
  const { attributes, events } = span;
  const usage = usageOf(attributes);
  const failure = failureOf(span);
  return {
    provider: providerOf(attributes),
    model: firstText(attributes, modelNames, 256),
    usage,
    totalTokens: firstCount(attributes, totalNames) ?? sumOf(usage.inputTokens, usage.outputTokens),
    cost: costIn(span),
    startedAtMs: msOf(span.startTime),
    endedAtMs: msOf(span.endTime),
    prompt: promptOf(attributes, events),
    response: responseOf(attributes, events),
    status: failure === undefined ? "completed" : failure.isTimeout ? "timeout" : "error",
    errorMessage: failure?.message,
  };
}

/** @param serverName where the span names no server */
export function toolCallOf(span: EndedSpan, serverName: string): Omit<Fields<"mcp_usage_logs">, "conversation_id"> {
  const { attributes } = span;
  const failure = failureOf(span);
  const startedAtMs = msOf(span.startTime);
  const durationMs = Math.floor(msOf(span.endTime) - startedAtMs);
  return {
    server_name: serverOf(attributes) ?? serverName,
    tool_name: toolNameOf(attributes) ?? "unknown",
    called_at: timeOf(startedAtMs),
    parameters: argumentsOf(argumentNames.map((name) => attributes[name]).find((value) => value !== undefined)),
    duration_ms: durationMs >= 0 ? durationMs : undefined,
    success: failure === undefined,
    error_message: failure?.message,
    result_summary: firstText(attributes, resultNames),
  };
}

/** RFC 3339; undefined for a time that the log would not take: before 1700, after 2199, or none at all. */
export function timeOf(ms: number): string | undefined {
  return ms >= FIRST_MS && ms < LAST_MS ? new Date(ms).toISOString() : undefined;
}

const FIRST_MS = Date.UTC(1700, 0, 1);
const LAST_MS = Date.UTC(2199, 11, 31);

// The conventions, what they were before, and what the Vercel AI SDK had of its own.
const modelNames = ["gen_ai.response.model", "ai.response.model", "gen_ai.request.model", "ai.model.id"] as const;
const inputNames = [
  "gen_ai.usage.input_tokens",
  "gen_ai.usage.prompt_tokens",
  "ai.usage.inputTokens",
  "ai.usage.promptTokens",
  "ai.usage.tokens",
] as const;
const outputNames = [
  "gen_ai.usage.output_tokens",
  "gen_ai.usage.completion_tokens",
  "ai.usage.outputTokens",
  "ai.usage.completionTokens",
] as const;
const totalNames = ["gen_ai.usage.total_tokens", "llm.usage.total_tokens", "ai.usage.totalTokens"] as const;
const cacheReadNames = [
  "gen_ai.usage.cache_read.input_tokens",
  "gen_ai.usage.cache_read_input_tokens",
  "ai.usage.inputTokenDetails.cacheReadTokens",
  "ai.usage.cachedInputTokens",
] as const;
const cacheWriteNames = [
  "gen_ai.usage.cache_creation.input_tokens",
  "gen_ai.usage.cache_creation_input_tokens",
  "ai.usage.inputTokenDetails.cacheWriteTokens",
] as const;
const reasoningNames = [
  "gen_ai.usage.reasoning.output_tokens",
  "gen_ai.usage.reasoning_tokens",
  "ai.usage.outputTokenDetails.reasoningTokens",
  "ai.usage.reasoningTokens",
] as const;
const costNames = [
  "gen_ai.usage.cost",
  "gen_ai.usage.cost_usd",
  "gen_ai.usage.total_cost",
  "gen_ai.cost.total_cost",
  "operation.cost",
] as const;
const argumentNames = ["gen_ai.tool.call.arguments", "ai.toolCall.args", "traceloop.entity.input"] as const;
const resultNames = ["gen_ai.tool.call.result", "ai.toolCall.result", "traceloop.entity.output"] as const;

function usageOf(attributes: Attributes): TokenUsage {
  return {
    inputTokens: firstCount(attributes, inputNames),
    outputTokens: firstCount(attributes, outputNames),
    cacheReadTokens: firstCount(attributes, cacheReadNames),
    cacheWriteTokens: firstCount(attributes, cacheWriteNames),
    reasoningTokens: firstCount(attributes, reasoningNames),
  };
}

function sumOf(input: number | undefined, output: number | undefined): number | undefined {
  if (input === undefined || output === undefined) return input ?? output;
  return Math.min(input + output, Number.MAX_SAFE_INTEGER);
}

/** The Vercel AI SDK adds the sort of model: openrouter.chat is openrouter. */
function providerOf(attributes: Attributes): string | undefined {
  const name = firstText(attributes, ["gen_ai.provider.name", "gen_ai.system", "ai.model.provider"], 256);
  return name?.replace(/\.(?:chat|completion|embedding|messages|responses)$/, "");
}

function costIn({ attributes, instrumentationScope }: EndedSpan): Cost | undefined {
  const fromProvider = providerCostOf(attributes["ai.response.providerMetadata"]);
  if (fromProvider !== undefined) return { usd: fromProvider, source: "provider" };
  for (const name of costNames) {
    const usd = amountOf(attributes[name]);
    if (usd === undefined) continue;
    // The span does not say by which prices; whoever made it knows.
    const { name: scope, version } = instrumentationScope;
    return { usd, source: textOf(version ? `${scope}@${version}` : scope, 200) ?? "unknown" };
  }
  return undefined;
}

/** In the Vercel AI SDK's provider metadata: OpenRouter's `usage.cost`, or the `cost` of Vercel's gateway. */
function providerCostOf(value: unknown): number | undefined {
  const metadata = parsedOf(value);
  if (!isObject(metadata)) return undefined;
  const { openrouter, gateway } = metadata;
  const usage = isObject(openrouter) ? openrouter["usage"] : undefined;
  return (
    amountOf(isObject(usage) ? usage["cost"] : undefined) ?? amountOf(isObject(gateway) ? gateway["cost"] : undefined)
  );
}

function serverOf(attributes: Attributes): string | undefined {
  const name = firstText(attributes, ["mcp.server.name", "gen_ai.mcp.server.name"], 256);
  if (name !== undefined) return name;
  const address = attributes["mcp.method.name"] === undefined ? undefined : textOf(attributes["server.address"], 240);
  const port = attributes["server.port"];
  return address !== undefined && Number.isSafeInteger(port) ? `${address}:${port as number}` : address;
}

interface Failure {
  readonly message: string | undefined;
  readonly isTimeout: boolean;
}

const STATUS_ERROR = 2;
const MAX_ERROR_CHARACTERS = 65_536;

/** Undefined when the span did not fail. An exception alone is no failure: it may have been dealt with. */
function failureOf({ status, attributes, events }: EndedSpan): Failure | undefined {
  const type = textOf(attributes["error.type"], MAX_ERROR_CHARACTERS);
  if (status.code !== STATUS_ERROR && type === undefined) return undefined;
  const exception = events.findLast(({ name }) => name === "exception")?.attributes;
  const exceptionType = textOf(exception?.["exception.type"], MAX_ERROR_CHARACTERS);
  const exceptionMessage = textOf(exception?.["exception.message"], MAX_ERROR_CHARACTERS);
  const message = textOf(status.message, MAX_ERROR_CHARACTERS) ?? exceptionMessage;
  // The SDK writes a DOMException's type as its code, 23: then only its message tells that it was a timeout.
  const told = [type, exceptionType, exceptionMessage, message];
  return {
    message: message ?? exceptionType ?? type,
    isTimeout: told.some((text) => text !== undefined && isTimeout(text)),
  };
}

function isTimeout(text: string): boolean {
  return /time[d_ ]*-?out|deadline/i.test(text);
}

function msOf([seconds, nanoseconds]: readonly [number, number]): number {
  return seconds * 1_000 + nanoseconds / 1_000_000;
}
