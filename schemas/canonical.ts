import { IndelibleError } from "./errors.ts";

/** BigQuery's JSON nests to 500 levels; deeper values are refused rather than cut. */
export const MAX_DEPTH = 500;

// Anything that RFC 8785 escapes, and surrogates, of which a lone one is an error. Most texts have none of them.
// oxlint-disable-next-line no-control-regex
const special = /[\u0000-\u001f"\\\ud800-\udfff]/;

/** A JSON string as RFC 8785 writes it. @throws ERR_LONE_SURROGATE */
export function quote(text: string): string {
  if (!special.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) {
    throw new IndelibleError("ERR_LONE_SURROGATE", "a text holds half of a surrogate pair");
  }
  return JSON.stringify(text);
}

/** A JSON number as RFC 8785 writes it, which is what ECMAScript does. @throws ERR_UNSERIALIZABLE, ERR_LOSSY_NUMBER */
export function number(value: number): string {
  if (!Number.isFinite(value)) throw new IndelibleError("ERR_UNSERIALIZABLE", `${value} is not a JSON number`);
  if (Object.is(value, -0)) throw new IndelibleError("ERR_LOSSY_NUMBER", "-0 would be written as 0");
  return String(value);
}

/**
 * RFC 8785 canonical JSON of `value`.
 *
 * As with `JSON.stringify`, `toJSON` is honoured (so a Date becomes its ISO text), members that are undefined, a
 * function or a symbol are left out, and such elements of an array become null. Unlike it, whatever JSON cannot carry exactly
 * is an error: NaN, infinities, -0, lone surrogates, bigints beyond 2^53, cycles (they are too deep).
 *
 * @param depth levels that the value already stands in
 * @throws ERR_UNSERIALIZABLE, ERR_LOSSY_NUMBER, ERR_LONE_SURROGATE, ERR_TOO_DEEP
 */
export function canonicalize(value: unknown, depth = 0): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
      return number(value);
    case "boolean":
      return value ? "true" : "false";
    case "bigint":
      if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) {
        throw new IndelibleError("ERR_UNSERIALIZABLE", `${value}n is beyond 2^53`);
      }
      return String(value);
    case "object":
      return value === null ? "null" : canonicalizeObject(value, depth + 1);
    default:
      throw new IndelibleError("ERR_UNSERIALIZABLE", `a ${typeof value} is not JSON`);
  }
}

function canonicalizeObject(value: object, depth: number): string {
  if (depth > MAX_DEPTH) throw new IndelibleError("ERR_TOO_DEEP", `the value nests deeper than ${MAX_DEPTH} levels`);
  if ("toJSON" in value && typeof value.toJSON === "function") return canonicalize(value.toJSON(), depth);
  if (Array.isArray(value)) {
    let text = "[";
    for (let index = 0; index < value.length; index += 1) {
      if (index > 0) text += ",";
      const element: unknown = value[index];
      text += isAbsent(element) ? "null" : canonicalize(element, depth);
    }
    return `${text}]`;
  }
  let text = "{";
  // The default order of sort() is by UTF-16 code units, which is RFC 8785's.
  for (const key of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[key];
    if (isAbsent(member)) continue;
    text += `${text.length > 1 ? "," : ""}${quote(key)}:${canonicalize(member, depth)}`;
  }
  return `${text}}`;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || typeof value === "function" || typeof value === "symbol";
}
