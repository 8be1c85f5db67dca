import type { BatchColumn } from "../row-reader.ts";

/** The text of a STRING column; undefined for NULL. */
export function textAt(column: BatchColumn, row: number): string | undefined {
  const bytes = column.bytes(row);
  return bytes === undefined ? undefined : textOf(bytes);
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

/** Most texts are short and ASCII, and are compared where they stand. */
const SHORT_TEXT = 100;

/** Whether the bytes are the UTF-8 of the text. */
export function isText(bytes: Uint8Array, text: string): boolean {
  const { length } = bytes;
  // Of one UTF-16 code unit UTF-8 makes up to three bytes.
  if (length < text.length || length > text.length * 3) return false;
  if (length === text.length && length <= SHORT_TEXT) {
    let at = 0;
    while (at < length && bytes[at] === text.charCodeAt(at) && (bytes[at] as number) < 0x80) at += 1;
    // As many bytes as code units: all are ASCII, or they are not the same text.
    return at === length;
  }
  return Buffer.from(text).equals(bytes);
}

/** What bytes that are no JSON are parsed to: nothing that JSON can say. */
export const NOT_JSON: unique symbol = Symbol("not JSON");

/** The value of a JSON text. */
export function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(bytes));
  } catch {
    return NOT_JSON;
  }
}
