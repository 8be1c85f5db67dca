import type { CellValue } from "@indelible/ledger/row-reader.ts";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import type { Column, Columns } from "@indelible/schemas/columns.ts";
import { rowEncoderOf } from "@indelible/schemas/protobuf.ts";
import { rowColumns, tables, type Event, type TableName } from "@indelible/schemas/tables.ts";
import { hash, type Entry } from "@indelible/subscriber/hash.ts";
import { validate } from "@indelible/subscriber/validate.ts";
import type { Fault } from "@indelible/subscriber/decode.ts";
import { readRow } from "../subscriber/rows.ts";
import type { CellRow } from "./memory-warehouse.ts";

export interface Recorded {
  readonly publishedAt: number;
  readonly messageId: string;
  readonly ingestedAt: number;
}

/** The row that an event becomes: validated, hashed and encoded by the subscriber's own code, and decoded as a warehouse does. */
export function rowOf(table: TableName, event: Event, recorded: Recorded): CellRow {
  return rowOfEntry(table, entryOf(table, event, recorded), recorded);
}

export function entryOf(table: TableName, event: Event, { publishedAt, messageId }: Recorded): Entry {
  const faults: Fault[] = [];
  const message = { id: messageId, publishedAt, data: Buffer.alloc(0), attributes: {} };
  const [entry] = hash(
    table,
    message,
    validate(table, [{ index: 0, text: canonicalize(event) }], faults, false),
    faults,
  );
  if (entry === undefined) throw new Error(`the event is refused: ${faults[0]?.detail}`);
  return entry;
}

export function rowOfEntry(table: TableName, { event, entry, entryHash }: Entry, recorded: Recorded): CellRow {
  const bytes = rowEncoderOf(tables[table])(event, {
    published_at: recorded.publishedAt,
    message_id: recorded.messageId,
    ingested_at: recorded.ingestedAt,
    schema_version: tables[table].version,
    entry,
    entry_hash: entryHash,
  });
  return cellsOf(rowColumns(tables[table]), readRow(table, bytes));
}

function cellsOf(columns: Columns, values: { readonly [name: string]: unknown }): CellRow {
  return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, cellOf(column, values[name])]));
}

function cellOf(column: Column, value: unknown): CellValue {
  if (value === undefined || value === null) return column.type === "array" ? [] : null;
  switch (column.type) {
    case "timestamp":
    case "int64":
      return BigInt(value as string);
    case "array":
      return (value as unknown[]).map((item) => cellOf(column.items, item));
    case "struct":
      return cellsOf(column.fields, value as Record<string, unknown>);
    default:
      return value as string | number | boolean;
  }
}
