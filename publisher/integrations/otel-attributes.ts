/** Reading what spans carry. Attributes are untrusted: of the wrong type, of any size, or cut in the middle of a pair. */
import { canonicalize } from "@indelible/schemas/canonical.ts";
import type { JsonValue } from "@indelible/schemas/columns.ts";
import { assertLossless } from "@indelible/schemas/strict-json.ts";

export type Attributes = { readonly [name: string]: unknown };

/** Longer JSON is not parsed: a span ends within its host's call, and this much takes 0.3 ms. */
export const MAX_PARSED_CHARACTERS = 262_144;

/** What a string column without a limit of its own holds. */
const MAX_TEXT_CHARACTERS = 1_048_576;

/**
 * `value` if it is a text that says something, cut to `maxLength` UTF-16 units and well-formed: an SDK that limits the
 * length of attributes cuts surrogate pairs in two, and half a pair cannot be sent.
 */
export function textOf(value: unknown, maxLength: number = MAX_TEXT_CHARACTERS): string | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  if (value.length <= maxLength) return value.toWellFormed();
  const code = value.charCodeAt(maxLength - 1);
  const isFirstOfPair = code >= 0xd800 && code <= 0xdbff;
  return value.slice(0, isFirstOfPair ? maxLength - 1 : maxLength).toWellFormed();
}

/** The first of these attributes that is a text. */
export function firstText(attributes: Attributes, names: readonly string[], maxLength?: number): string | undefined {
  for (const name of names) {
    const text = textOf(attributes[name], maxLength);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** The first of these attributes that is a whole number from 0 to 2^53 - 1. */
export function firstCount(attributes: Attributes, names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = attributes[name];
    // -0 is no JSON number; adding 0 makes it one.
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value + 0;
  }
  return undefined;
}

/** A sum of money: `value` if it is a finite number from 0, or the text of one. */
export function amountOf(value: unknown): number | undefined {
  const amount = typeof value === "string" && /^\d+(?:\.\d+)?(?:e-?\d+)?$/i.test(value) ? Number(value) : value;
  return typeof amount === "number" && Number.isFinite(amount) && amount >= 0 ? amount : undefined;
}

/** The value of a JSON text, or of what is no text already; undefined when it is not JSON or too long to be parsed here. */
export function parsedOf(value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (value.length > MAX_PARSED_CHARACTERS) return undefined;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * What a tool was called with, for a JSON column: parsed, or `{ arguments_text }` when it is not JSON, too long, or JSON
 * that would not be read back exactly.
 */
export function argumentsOf(value: unknown): JsonValue | undefined {
  if (value === undefined || value === null) return undefined;
  try {
    const parsed = parsedOf(value);
    if (parsed !== undefined) {
      if (typeof value === "string") assertLossless(value);
      canonicalize(parsed, 1);
      return parsed as JsonValue;
    }
  } catch {
    // Whatever cannot be sent as JSON is sent as its text.
  }
  const text = textOf(value);
  return text === undefined ? undefined : { arguments_text: text };
}

export function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
