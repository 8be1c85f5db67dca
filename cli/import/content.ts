import { canonicalize } from "@indelible/schemas/canonical.ts";
import type { JsonValue } from "@indelible/schemas/columns.ts";
import { DEFAULT_MAX_LENGTH } from "@indelible/schemas/columns.ts";
import { assertLossless } from "@indelible/schemas/strict-json.ts";
import { isObject } from "../json.ts";
import type { Message } from "./transcript.ts";

/**
 * The text of a message: its content or, without any, its refusal. Parts of another kind than text stand as their type
 * in square brackets; content that is no text at all stands as JSON. Undefined when there is none.
 */
export function textOf(message: Message): string | undefined {
  const text = plainText(message["content"]) ?? plainText(message["refusal"]);
  return text === undefined ? undefined : loggable(text);
}

function plainText(content: unknown): string | undefined {
  if (content === null || content === undefined) return undefined;
  if (typeof content === "string") return content;
  if (Array.isArray(content)) return content.map(partText).join("\n");
  return JSON.stringify(content);
}

function partText(part: unknown): string {
  if (typeof part === "string") return part;
  if (!isObject(part)) return JSON.stringify(part);
  for (const text of [part["text"], part["refusal"]]) if (typeof text === "string") return text;
  return typeof part["type"] === "string" ? `[${part["type"]}]` : JSON.stringify(part);
}

/** What any text column takes: well-formed, and cut to the longest text that is allowed. */
export function loggable(text: string, maxLength: number = DEFAULT_MAX_LENGTH): string {
  const wellFormed = text.toWellFormed();
  if (wellFormed.length <= maxLength) return wellFormed;
  // Lengths are in code points, of which a text has no more than code units.
  return Array.from(wellFormed.slice(0, maxLength * 2))
    .slice(0, maxLength)
    .join("");
}

/**
 * The arguments of a tool call, which OpenAI sends as the text of a JSON value. Text that is not JSON, or that a JSON
 * reader would not give back exactly, is kept as it is under `arguments_text`.
 */
export function argumentsOf(value: unknown): JsonValue {
  if (value === undefined || value === null || value === "") return {};
  const text = typeof value === "string" ? value : JSON.stringify(value);
  try {
    const parsed = JSON.parse(text) as JsonValue;
    assertLossless(text);
    // Throws for what an event cannot carry: half a surrogate pair, -0, too many levels.
    canonicalize(parsed, 1);
    // A JSON null in a JSON column means that nothing is there.
    return parsed ?? {};
  } catch {
    return { arguments_text: text.toWellFormed() };
  }
}

/** Tool results carry no flag of success in this form; by convention a failure begins with the word Error. */
export function isFailure(result: string): boolean {
  return /^\s*error\b/i.test(result);
}
