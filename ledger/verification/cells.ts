import type { BatchColumn } from "../row-reader.ts";

/** The text of a STRING column; undefined for NULL. */
export function textAt(column: BatchColumn, row: number): string | undefined {
  const bytes = column.bytes(row);
  return bytes === undefined ? undefined : textOf(bytes);
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
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
