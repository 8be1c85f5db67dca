import type { Usage } from "./cost.ts";
import { clip, countOf, field, fieldAt, listOf, textOf } from "./reading.ts";

/** UTF-16 units of a preview: as many as 500 code points can have. The publisher cuts at 500 code points. */
const MAX_PREVIEW_LENGTH = 1_000;

/** What a call has brought so far. */
export interface Received {
  model: string | undefined;
  /** The beginning of the answer's text. */
  text: string;
  /** The beginning of the tool calls that the model asks for, each as its name and arguments. */
  toolCalls: string;
  usage: Usage;
  totalTokens: number | undefined;
  /** Anything but the standard tier has other prices than the price list's. */
  hasStandardPrice: boolean;
  /** The model has said its last word. */
  isFinished: boolean;
  /** True: the provider goes on working after its answer (`background: true`). */
  isPending: boolean;
  /** What the provider says went wrong, within an answer that is none of an error. */
  error: string | undefined;
}

export function nothingReceived(): Received {
  return {
    model: undefined,
    text: "",
    toolCalls: "",
    usage: {},
    totalTokens: undefined,
    hasStandardPrice: true,
    isFinished: false,
    isPending: false,
    error: undefined,
  };
}

/** The beginning of what the user said last in a request to any endpoint. */
export function promptOf(body: unknown): string | undefined {
  const turns = field(body, "messages") ?? field(body, "input") ?? field(body, "prompt");
  if (!Array.isArray(turns)) return preview(textOf(turns));
  const last = turns.findLast((turn: unknown) => field(turn, "role") === "user");
  if (last !== undefined) return preview(contentText(field(last, "content")));
  return preview(turns.find((turn: unknown) => typeof turn === "string"));
}

/** Reads a whole answer: of chat completions, completions, responses or embeddings. */
export function readAnswer(received: Received, answer: unknown): void {
  readCommon(received, answer);
  const choice: unknown = listOf(field(answer, "choices"))[0];
  const message = field(choice, "message");
  addText(received, contentText(field(message, "content") ?? field(message, "refusal")) ?? field(choice, "text"));
  for (const call of listOf(field(message, "tool_calls"))) addToolCall(received, field(call, "function"));
  for (const item of listOf(field(answer, "output"))) {
    const type = field(item, "type");
    if (type === "message") addText(received, contentText(field(item, "content")));
    if (type === "function_call") addToolCall(received, item);
  }
  const status = field(answer, "status");
  received.isPending = status === "queued" || status === "in_progress";
  received.isFinished = !received.isPending;
  const error = field(answer, "error") ?? field(choice, "error");
  if (error !== undefined && error !== null) received.error = textOf(field(error, "message")) ?? "error";
  if (status === "failed" || status === "cancelled") received.error ??= `the response is ${status}`;
}

/** Reads one chunk of a streamed chat completion or completion, or one event of a streamed response. */
export function readChunk(received: Received, chunk: unknown): void {
  const response = field(chunk, "response");
  const type = textOf(field(chunk, "type"));
  if (type === undefined) readCommon(received, chunk);
  for (const choice of listOf(field(chunk, "choices"))) {
    if ((field(choice, "index") ?? 0) !== 0) continue;
    const delta = field(choice, "delta");
    addText(received, textOf(field(delta, "content")) ?? textOf(field(delta, "refusal")) ?? field(choice, "text"));
    for (const call of listOf(field(delta, "tool_calls"))) addToolCall(received, field(call, "function"));
    if (textOf(field(choice, "finish_reason")) !== undefined) received.isFinished = true;
  }
  if (type === "response.output_text.delta" || type === "response.refusal.delta") {
    addText(received, field(chunk, "delta"));
  } else if (type === "error") {
    received.error = textOf(field(chunk, "message")) ?? "error";
  } else if (type !== undefined && /^response\.(completed|failed|incomplete)$/.test(type)) {
    // The event has the whole response, of which deltas gave the beginning.
    received.text = "";
    received.toolCalls = "";
    readAnswer(received, response);
  } else if (response !== undefined) {
    readCommon(received, response);
  }
}

/** The beginning of the answer: its text, or the tool calls of one that has none. */
export function responsePreview(received: Received): string | undefined {
  return preview(received.text === "" ? received.toolCalls : received.text);
}

function readCommon(received: Received, answer: unknown): void {
  received.model = textOf(field(answer, "model")) ?? received.model;
  const tier = textOf(field(answer, "service_tier"));
  if (tier !== undefined) received.hasStandardPrice = tier === "default" || tier === "auto" || tier === "standard";
  const usage = field(answer, "usage");
  if (typeof usage !== "object" || usage === null) return;
  received.usage = usageOf(usage);
  received.totalTokens = countOf(field(usage, "total_tokens"));
}

/**
 * Chat completions say prompt and completion, responses say input and output. In both, tokens of a cache are part of
 * the former and reasoning is part of the latter, so that nothing is added up here.
 */
function usageOf(usage: object): Usage {
  const input = field(usage, "prompt_tokens_details") ?? field(usage, "input_tokens_details");
  const output = field(usage, "completion_tokens_details") ?? field(usage, "output_tokens_details");
  return {
    input_tokens: countOf(field(usage, "prompt_tokens") ?? field(usage, "input_tokens")),
    output_tokens: countOf(field(usage, "completion_tokens") ?? field(usage, "output_tokens")),
    cache_read_tokens: countOf(field(input, "cached_tokens")),
    cache_write_tokens: countOf(field(input, "cache_write_tokens")),
    input_audio_tokens: countOf(field(input, "audio_tokens")),
    output_audio_tokens: countOf(field(output, "audio_tokens")),
    output_reasoning_tokens: countOf(field(output, "reasoning_tokens")),
    cost_usd: statedCost(usage),
  };
}

/**
 * OpenRouter's `cost`, in dollars. For a model that is paid for with the caller's own key it is OpenRouter's fee, and
 * what the model's provider takes stands beside it.
 */
function statedCost(usage: object): number | undefined {
  const cost = field(usage, "cost");
  if (typeof cost !== "number") return undefined;
  const upstream = fieldAt(usage, "cost_details", "upstream_inference_cost");
  return field(usage, "is_byok") === true && typeof upstream === "number" ? cost + upstream : cost;
}

function addText(received: Received, text: unknown): void {
  const room = MAX_PREVIEW_LENGTH - received.text.length;
  if (typeof text === "string" && room > 0) received.text += text.slice(0, room);
}

/** A tool call, or a piece of one: the name comes first, then its arguments bit by bit. */
function addToolCall(received: Received, call: unknown): void {
  const name = textOf(field(call, "name"));
  if (name !== undefined) addToolText(received, `${received.toolCalls === "" ? "" : "\n"}${name} `);
  addToolText(received, textOf(field(call, "arguments")) ?? "");
}

function addToolText(received: Received, text: string): void {
  received.toolCalls += text.slice(0, Math.max(0, MAX_PREVIEW_LENGTH - received.toolCalls.length));
}

/** The text of a content: a text, or a list of parts, of which those that are no text are named. */
function contentText(content: unknown): string | undefined {
  if (!Array.isArray(content)) return textOf(content);
  let text = "";
  for (const part of content) {
    if (text.length >= MAX_PREVIEW_LENGTH) break;
    text += `${text === "" ? "" : "\n"}${(partText(part) ?? "").slice(0, MAX_PREVIEW_LENGTH)}`;
  }
  return text;
}

function partText(part: unknown): string | undefined {
  if (part === undefined || part === null) return undefined;
  if (typeof part === "string") return part;
  return textOf(field(part, "text")) ?? textOf(field(part, "refusal")) ?? `[${String(field(part, "type"))}]`;
}

function preview(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : clip(text, MAX_PREVIEW_LENGTH);
}
