import duckdb from "@duckdb/node-bindings";
import type { DuckDBDataChunk } from "@duckdb/node-api";

/** The values of a list, and which of them are NULL: DuckDB's mask of validity is Arrow's bitmap. The memory is the chunk's. */
export type ListValues = {
  readonly values: Uint8Array;
  readonly nullCount: number;
  readonly nullBitmap?: Uint8Array;
};

const ENTRY_BYTES = 16;
const INLINE_BYTES = 12;

/**
 * The list in column `column` of a chunk of one row.
 * @throws {Error} when it does not have this length: the query is not what it should be.
 */
export function listAt(chunk: DuckDBDataChunk, column: number, length: number, valueBytes: number): ListValues {
  const vector = duckdb.data_chunk_get_vector(chunk.chunk, column);
  const entry = duckdb.vector_get_data(vector, ENTRY_BYTES);
  const view = new DataView(entry.buffer, entry.byteOffset);
  const offset = Number(view.getBigUint64(0, true));
  const found = Number(view.getBigUint64(8, true));
  if (offset !== 0 || found !== length) {
    throw new Error(
      `Column ${column} of the aggregate has ${found} values from ${offset}, where it should have ${length}.`,
    );
  }
  if (length === 0) return { values: new Uint8Array(0), nullCount: 0 };
  const child = duckdb.list_vector_get_child(vector);
  const values = duckdb.vector_get_data(child, length * valueBytes);
  const nullBitmap = duckdb.vector_get_validity(child, Math.ceil(length / 64) * 8) as Uint8Array | null;
  const nullCount = nullBitmap === null ? 0 : length - countBits(nullBitmap, length);
  return nullBitmap === null || nullCount === 0 ? { values, nullCount: 0 } : { values, nullCount, nullBitmap };
}

/** The text, which is not NULL, in column `column` of a chunk of one row, as UTF-8. */
export function textAt(chunk: DuckDBDataChunk, column: number): Uint8Array {
  const text = duckdb.vector_get_data(duckdb.data_chunk_get_vector(chunk.chunk, column), ENTRY_BYTES);
  const length = new DataView(text.buffer, text.byteOffset).getUint32(0, true);
  if (length <= INLINE_BYTES) return text.subarray(4, 4 + length);
  return duckdb.get_data_from_pointer(text.buffer as ArrayBuffer, text.byteOffset + 8, length);
}

function countBits(bitmap: Uint8Array, length: number): number {
  let count = 0;
  for (let index = 0; index < length >>> 3; index++) {
    for (let byte = bitmap[index] ?? 0; byte > 0; byte &= byte - 1) count++;
  }
  for (let index = length & ~7; index < length; index++) {
    if (((bitmap[index >>> 3] ?? 0) & (1 << (index & 7))) !== 0) count++;
  }
  return count;
}
