import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import type { Column, Columns } from "@indelible/schemas/columns.ts";
import { descriptorOf, rowEncoderOf, type Recorded } from "@indelible/schemas/protobuf.ts";
import { rowColumns, tableNames, tables } from "@indelible/schemas/tables.ts";
import { parseTimestamp } from "@indelible/schemas/timestamp.ts";
import fc from "fast-check";
import protobuf from "protobufjs";
import { messageTypeOf } from "../subscriber/rows.ts";
import { eventsOf } from "./samples.ts";

/** What a decoder must give for the columns of an event. */
function expected(columns: Columns, values: { readonly [name: string]: unknown }): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, column] of Object.entries(columns)) {
    const value = values[name];
    if (value === undefined || value === null) {
      if (column.type === "array") result[name] = [];
    } else result[name] = expectedValue(column, value);
  }
  return result;
}

function expectedValue(column: Column, value: unknown): unknown {
  switch (column.type) {
    case "timestamp":
      return typeof value === "number" ? String(value) : String(parseTimestamp(value as string));
    case "int64":
      return String(value);
    case "json":
      return canonicalize(value);
    case "array":
      return (value as unknown[]).map((item) => expectedValue(column.items, item));
    case "struct":
      return expected(column.fields, value as { [name: string]: unknown });
    default:
      return value;
  }
}

const recorded: Recorded = {
  published_at: Date.UTC(2026, 0, 31) * 1000 + 123_456,
  message_id: "42",
  ingested_at: Date.UTC(2026, 1, 1) * 1000 + 1,
  schema_version: 1,
  entry: "{}",
  entry_hash: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
};

describe("rowEncoderOf()", () => {
  for (const name of tableNames) {
    it(`${name} - a decoder built from the descriptor reads back every column`, () => {
      const encode = rowEncoderOf(tables[name]);
      const type = messageTypeOf(descriptorOf(tables[name]));
      new protobuf.Root().add(type).resolveAll();
      fc.assert(
        fc.property(eventsOf(name), (event) => {
          const row = { ...event, log_id: event["log_id"] ?? "00000000-0000-7000-8000-000000000000" };
          const message = type.decode(encode(row, recorded));
          const read = type.toObject(message, { longs: String, arrays: true }) as Record<string, unknown>;
          assert.deepEqual(read, expected(rowColumns(tables[name]), { ...row, ...recorded }));
        }),
        { numRuns: 40 },
      );
    });
  }
});
