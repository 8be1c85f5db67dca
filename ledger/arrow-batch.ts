import { Message } from "apache-arrow";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { columnOf } from "./arrow-columns.ts";
import type { MessageHeader, Schema } from "apache-arrow";
import type { ColumnParts } from "./arrow-columns.ts";
import type { BatchColumn, RowBatch } from "./row-reader.ts";

type BatchHeader = ReturnType<Message<MessageHeader.RecordBatch>["header"]>;

/** A schema as BigQuery serializes it. @throws ERR_READ when it is something else */
export function readArrowSchema(bytes: Uint8Array): Schema {
  const { message } = decode(bytes);
  if (message.isSchema()) return message.header();
  throw new IndelibleError("ERR_READ", "BigQuery sent something else where a schema belongs");
}

/**
 * Rows as BigQuery serializes them. The columns are views into `bytes`: the library's own reader copies all of it when it does not begin at
 * a multiple of 8, and as a part of a response it rarely does.
 * @throws ERR_READ when it is something else
 */
export function readArrowBatch(schema: Schema, bytes: Uint8Array): RowBatch {
  const { message, body } = decode(bytes);
  if (!message.isRecordBatch()) throw new IndelibleError("ERR_READ", "BigQuery sent something else where rows belong");
  const header = message.header();
  if (header.compression !== null) throw new IndelibleError("ERR_READ", "BigQuery sent compressed rows unasked");
  const parts = new BodyParts(header, body);
  const columns = new Map(schema.fields.map(({ name, type }) => [name, columnOf(name, type, parts)]));
  return new ArrowBatch(header.length, columns);
}

/** An encapsulated message: perhaps -1, the length of its head, the head, the body. */
function decode(bytes: Uint8Array): { readonly message: Message; readonly body: Uint8Array } {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const start = view.getInt32(0, true) === -1 ? 8 : 4;
    const end = start + view.getInt32(start - 4, true);
    return { message: Message.decode(bytes.subarray(start, end)), body: bytes.subarray(end) };
  } catch (error) {
    throw new IndelibleError("ERR_READ", "BigQuery sent what is no Arrow message", { cause: error });
  }
}

/** The parts of a batch, one after the other, as its columns need them. */
class BodyParts implements ColumnParts {
  readonly #header: BatchHeader;
  readonly #body: Uint8Array;
  #node = 0;
  #buffer = 0;

  constructor(header: BatchHeader, body: Uint8Array) {
    this.#header = header;
    this.#body = body;
  }

  hasNulls(): boolean {
    return (this.#header.nodes[this.#node++]?.nullCount ?? 0) > 0;
  }

  next(): Uint8Array {
    const { offset = 0, length = 0 } = this.#header.buffers[this.#buffer++] ?? {};
    if (offset + length > this.#body.length)
      throw new IndelibleError("ERR_READ", "BigQuery sent rows that are cut off");
    return this.#body.subarray(offset, offset + length);
  }
}

class ArrowBatch implements RowBatch {
  readonly length: number;
  readonly #columns: ReadonlyMap<string, BatchColumn>;

  constructor(length: number, columns: ReadonlyMap<string, BatchColumn>) {
    this.length = length;
    this.#columns = columns;
  }

  column(name: string): BatchColumn {
    const column = this.#columns.get(name);
    if (column === undefined) throw new IndelibleError("ERR_READ", `the column ${name} was not asked for`);
    return column;
  }
}
