import { RecordBatch, RecordBatchStreamWriter, Struct, makeData } from "apache-arrow";
import type { Data, Schema } from "apache-arrow";

/** Pieces of memory that follow each other. */
export type Bytes = { readonly parts: readonly Uint8Array[]; readonly byteLength: number };

// The library names what is for subclasses in this way.
// oxlint-disable no-underscore-dangle

/** Writes single encapsulated messages of Arrow's IPC format, where the library's writer makes a stream of them. */
class MessageWriter extends RecordBatchStreamWriter {
  readonly #parts: Uint8Array[] = [];
  #byteLength = 0;

  schema(schema: Schema): Bytes {
    this._writeSchema(schema);
    return { parts: this.#parts, byteLength: this.#byteLength };
  }

  batch(batch: RecordBatch): Bytes {
    this._writeRecordBatch(batch);
    return { parts: this.#parts, byteLength: this.#byteLength };
  }

  protected override _write(chunk: ArrayBufferView): this {
    this.#parts.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this.#byteLength += chunk.byteLength;
    return this;
  }
}

/** A schema as `serialized_schema` has it. */
export function serializeSchema(schema: Schema): Uint8Array {
  return Buffer.concat(new MessageWriter().schema(schema).parts);
}

/** Columns as `serialized_record_batch` has them, from row `from` on. The memory is that of the columns. */
export function serializeBatch(schema: Schema, rowCount: number, columns: readonly Data[], from: number): Bytes {
  const type = new Struct(schema.fields);
  const data = makeData({ type, length: rowCount, nullCount: 0, children: [...columns] });
  const batch = new RecordBatch(schema, data);
  return new MessageWriter().batch(from === 0 ? batch : batch.slice(from));
}
