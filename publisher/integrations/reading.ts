/** Reads what a host library gave: its shape is the library's affair, so nothing is taken for granted. */

/** `value[key]`, or undefined where there is nothing to read it from. A getter's error is passed on. */
export function field(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as { readonly [key: string]: unknown })[key] : undefined;
}

/** {@link field} after {@link field}. */
export function fieldAt(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce(field, value);
}

/** A text that is not empty, or undefined. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A whole number of things, or undefined. */
export function countOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/**
 * At most `maxLength` UTF-16 units of a text. Half a surrogate pair, from the cut or from the host, becomes U+FFFD: it
 * could not be logged.
 */
export function clip(text: string, maxLength: number): string {
  return text.slice(0, maxLength).toWellFormed();
}

/** What an error says, or what was thrown instead of one; fits every column for it. */
export function messageOf(error: unknown): string {
  const message = textOf(field(error, "message"));
  return clip(
    message ?? (typeof error === "object" ? (textOf(field(error, "name")) ?? "error") : String(error)),
    8_192,
  );
}

/** The columns that say on whose behalf a call is made. Left out: those of the log, or of the conversation. */
export interface CallFields {
  readonly business_id?: string;
  readonly agent_position?: string;
  /** The conversation that the call belongs to. */
  readonly conversation_id?: string;
}
