import { makeData } from "apache-arrow";
import { quoteName } from "../table-schema.ts";
import { rowValues } from "./column-sql.ts";
import { listAt, textAt } from "./result-vectors.ts";
import type { Data, DataType, Field, Int64, List, Schema, Struct, Utf8 } from "apache-arrow";
import type { DuckDBDataChunk } from "@duckdb/node-api";
import type { TableField, TableSchema } from "../table-schema.ts";
import type { Values } from "./column-sql.ts";

/** Makes Arrow's values of `length` of the column's from the one row of the query's result. They may share its memory. */
type Read = (result: DuckDBDataChunk, length: number) => Data;
type FixedWidth = "INTEGER" | "FLOAT" | "BOOLEAN" | "TIMESTAMP" | "DATETIME" | "DATE" | "NUMERIC";

const valueBytes: Readonly<Record<FixedWidth, number>> = {
  INTEGER: 8,
  FLOAT: 8,
  BOOLEAN: 1,
  TIMESTAMP: 8,
  DATETIME: 8,
  DATE: 4,
  NUMERIC: 16,
};
const OFFSET_BYTES = 4;

/**
 * Columns of a table as Arrow's buffers: `expressions` are aggregates over the rows, and DuckDB's answer to them, which is a single row, is what
 * `read()` makes the columns of.
 */
export class ColumnReader {
  readonly expressions: readonly string[];
  readonly #reads: readonly Read[];

  /** `base` is the number of expressions that stand before these in the query. */
  constructor(schema: TableSchema, arrow: Schema, base: number) {
    const planner = new Planner(base);
    this.#reads = schema.fields.map((field, index) =>
      planner.column(field, arrow.fields[index] as Field, rowValues(quoteName(field.name))),
    );
    this.expressions = planner.expressions;
  }

  read(result: DuckDBDataChunk, rowCount: number): readonly Data[] {
    return this.#reads.map((read) => read(result, rowCount));
  }
}

class Planner {
  readonly expressions: string[] = [];
  readonly #base: number;

  constructor(base: number) {
    this.#base = base;
  }

  column(field: TableField, { type }: Field, values: Values): Read {
    if (field.mode !== "REPEATED") return this.#values(field, type, values, field.mode === "NULLABLE");
    const lengths = this.#add(values.list((value) => `CAST(len(coalesce(${value}, [])) AS INTEGER)`));
    const readElements = this.#values(field, elementType(type), values.elements(), false);
    return (result, length) => {
      const valueOffsets = offsetsOf(listAt(result, lengths, length, OFFSET_BYTES).values);
      const child = readElements(result, valueOffsets[length] ?? 0);
      return makeData({ type: type as List, length, nullCount: 0, valueOffsets, child });
    };
  }

  #values(field: TableField, type: DataType, values: Values, nullable: boolean): Read {
    switch (field.type) {
      case "STRING":
        return this.#texts(type, values, (value) => value, strlen, asItIs);
      case "JSON":
        return this.#texts(type, values, asText, (value) => strlen(asText(value)), asItIs);
      case "BYTES":
        return this.#texts(
          type,
          values,
          (value) => `hex(${value})`,
          (value) => `octet_length(${value})`,
          fromHex,
        );
      case "RECORD":
        return this.#structs(field, type as Struct, values, nullable);
      default:
        return this.#fixed(field.type, type, values);
    }
  }

  #texts(
    type: DataType,
    values: Values,
    text: (value: string) => string,
    length: (value: string) => string,
    decode: (bytes: Uint8Array) => Uint8Array,
  ): Read {
    const lengths = this.#add(values.list((value) => `CAST(${length(value)} AS INTEGER)`));
    const texts = this.#add(values.text(text));
    return (result, count) => {
      const { values: counts, nullCount, nullBitmap } = listAt(result, lengths, count, OFFSET_BYTES);
      const valueOffsets = offsetsOf(counts, nullBitmap);
      const data = decode(textAt(result, texts));
      // All types of texts and bytes are built in the same way.
      return makeData({ type: type as Utf8, length: count, nullCount, nullBitmap, valueOffsets, data });
    };
  }

  #fixed(fieldType: FixedWidth, type: DataType, values: Values): Read {
    const place = this.#add(values.list((value) => value));
    const bytes = valueBytes[fieldType];
    return (result, length) => {
      const { values: data, nullCount, nullBitmap } = listAt(result, place, length, bytes);
      const packed = fieldType === "BOOLEAN" ? bitsOf(data) : data;
      return makeData({ type: type as Int64, length, nullCount, nullBitmap, data: packed });
    };
  }

  #structs(field: TableField, type: Struct, values: Values, nullable: boolean): Read {
    const present = nullable ? this.#add(values.list((value) => `${value} IS NOT NULL`)) : undefined;
    const children = (field.fields ?? []).map((child, index) =>
      this.column(child, type.children[index] as Field, values.field(child.name)),
    );
    return (result, length) => {
      const nullBitmap = present === undefined ? undefined : bitsOf(listAt(result, present, length, 1).values);
      const read = children.map((child) => child(result, length));
      const nulls = nullBitmap === undefined ? { nullCount: 0 } : { nullCount: -1, nullBitmap };
      return makeData({ type, length, ...nulls, children: read });
    };
  }

  #add(expression: string): number {
    return this.#base + this.expressions.push(expression) - 1;
  }
}

function elementType(list: DataType): DataType {
  return ((list as List).children[0] as Field).type;
}

function strlen(value: string): string {
  return `strlen(${value})`;
}

function asText(value: string): string {
  return `CAST(${value} AS VARCHAR)`;
}

function asItIs(bytes: Uint8Array): Uint8Array {
  return bytes;
}

function fromHex(bytes: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1"), "hex");
}

/** Arrow's offsets of values of these lengths, 32-bit numbers; what stands where there is NULL counts nothing. */
function offsetsOf(lengths: Uint8Array, nullBitmap?: Uint8Array): Int32Array {
  const counts = new Int32Array(lengths.buffer, lengths.byteOffset, lengths.byteLength / OFFSET_BYTES);
  const offsets = new Int32Array(counts.length + 1);
  let end = 0;
  for (let index = 0; index < counts.length; index++) {
    const valid = nullBitmap === undefined || ((nullBitmap[index >>> 3] ?? 0) & (1 << (index & 7))) !== 0;
    if (valid) end += counts[index] ?? 0;
    offsets[index + 1] = end;
  }
  return offsets;
}

/** A bit for each byte that is not 0. */
function bitsOf(bytes: Uint8Array): Uint8Array {
  const bits = new Uint8Array(Math.ceil(bytes.length / 64) * 8);
  for (let index = 0; index < bytes.length; index++) {
    if (bytes[index] !== 0) bits[index >>> 3] = (bits[index >>> 3] ?? 0) | (1 << (index & 7));
  }
  return bits;
}
