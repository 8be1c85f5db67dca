import { canonicalize } from "./canonical.ts";
import type { Column, Columns } from "./columns.ts";
import { recordedColumns } from "./system-columns.ts";
import { rowColumns, type Event, type Table } from "./tables.ts";
import { parseTimestamp } from "./timestamp.ts";
import { WireWriter } from "./wire-writer.ts";

/** The part of `google.protobuf.DescriptorProto` that a Storage Write API writer schema needs. */
export interface DescriptorProto {
  readonly name: string;
  readonly field: readonly {
    readonly name: string;
    readonly number: number;
    readonly type: "TYPE_STRING" | "TYPE_INT64" | "TYPE_DOUBLE" | "TYPE_BOOL" | "TYPE_MESSAGE";
    readonly label: "LABEL_REQUIRED" | "LABEL_OPTIONAL" | "LABEL_REPEATED";
    readonly typeName?: string;
  }[];
  readonly nestedType: readonly DescriptorProto[];
}

/** What is recorded on the way, beside the event itself. Timestamps in microseconds since 1970. */
export interface Recorded {
  readonly published_at: number;
  readonly message_id: string;
  readonly ingested_at: number;
  readonly schema_version: number;
  readonly entry: string;
  readonly entry_hash: string;
}

const scalarTypes = {
  string: "TYPE_STRING",
  timestamp: "TYPE_INT64",
  int64: "TYPE_INT64",
  float64: "TYPE_DOUBLE",
  bool: "TYPE_BOOL",
  json: "TYPE_STRING",
} as const;

/** The writer schema (proto2) of a row of `table`: one field a column, numbered from 1 in the order of the columns. */
export function descriptorOf(table: Table): DescriptorProto {
  return descriptor(table.name, rowColumns(table));
}

function descriptor(name: string, columns: Columns): DescriptorProto {
  const nestedType: DescriptorProto[] = [];
  const field = Object.entries(columns).map(([columnName, column], index) => {
    const item = column.type === "array" ? column.items : column;
    const label =
      column.type === "array" ? "LABEL_REPEATED" : column.required === true ? "LABEL_REQUIRED" : "LABEL_OPTIONAL";
    const common = { name: columnName, number: index + 1, label } as const;
    if (item.type !== "struct") return { ...common, type: scalarTypes[item.type] };
    // A nested type shares its scope with the fields, so it needs another name than its field.
    const typeName = `${columnName}_value`;
    nestedType.push(descriptor(typeName, item.fields));
    return { ...common, type: "TYPE_MESSAGE", typeName } as const;
  });
  return { name, field, nestedType };
}

type WriteField = (writer: WireWriter, value: unknown) => void;

/** Encodes a valid event of one table, and what was recorded of it, as one row. */
export type RowEncoder = (event: Event, recorded: Recorded) => Uint8Array;

const encoders = new Map<string, RowEncoder>();

/** The encoder that goes with `descriptorOf(table)`. Column values are trusted: only validated events may come here. */
export function rowEncoderOf(table: Table): RowEncoder {
  let encoder = encoders.get(table.name);
  if (encoder === undefined) encoders.set(table.name, (encoder = compile(table)));
  return encoder;
}

/**
 * Generates a function that reads each column by its name: looking names up in a loop costs more than encoding their values.
 * Column names are ours and plain identifiers.
 */
function compile(table: Table): RowEncoder {
  const columns = rowColumns(table);
  const steps = Object.keys(columns).map((name, index) => {
    const source = name in recordedColumns ? "recorded" : "event";
    return `v = ${source}.${name}; if (v !== undefined && v !== null) w${index}(writer, v);`;
  });
  const writers = fieldWriters(columns);
  const body = `"use strict"; return (event, recorded) => { let v; ${steps.join("\n")} return writer.take(); }`;
  // Compiled from our own declaration, never from data.
  // oxlint-disable-next-line no-implied-eval, no-new-func
  const make = new Function("writer", ...writers.map((_, index) => `w${index}`), body) as (
    writer: WireWriter,
    ...writers: WriteField[]
  ) => RowEncoder;
  return make(new WireWriter(), ...writers);
}

function fieldWriters(columns: Columns): WriteField[] {
  return Object.values(columns).map((column, index) => fieldWriter(column, index + 1));
}

function fieldWriter(column: Column, number: number): WriteField {
  const tag = (wireType: number): number => (number << 3) | wireType;
  switch (column.type) {
    case "string":
      return (writer, value) => writer.text(tag(2), value as string);
    case "json":
      return (writer, value) => writer.text(tag(2), canonicalize(value));
    case "timestamp":
      return (writer, value) =>
        writer.integer(tag(0), typeof value === "number" ? value : (parseTimestamp(value as string) ?? 0));
    case "int64":
      return (writer, value) => writer.integer(tag(0), value as number);
    case "float64":
      return (writer, value) => writer.double(tag(1), value as number);
    case "bool":
      return (writer, value) => writer.integer(tag(0), value === true ? 1 : 0);
    case "struct":
      return structWriter(column.fields, tag(2));
    case "array": {
      const write = fieldWriter(column.items, number);
      return (writer, value) => {
        for (const item of value as unknown[]) write(writer, item);
      };
    }
  }
}

function structWriter(columns: Columns, tag: number): WriteField {
  const names = Object.keys(columns);
  const writers = fieldWriters(columns);
  return (writer, value) =>
    writer.nested(tag, () => {
      for (const [index, name] of names.entries()) {
        const member = (value as Record<string, unknown>)[name];
        if (member !== undefined && member !== null) writers[index]?.(writer, member);
      }
    });
}
