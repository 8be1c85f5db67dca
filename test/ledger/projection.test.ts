import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { projectionOf } from "@indelible/ledger/projection.ts";
import type { CellValue } from "@indelible/ledger/row-reader.ts";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import type { Column } from "@indelible/schemas/columns.ts";
import { eventColumns, rowColumns, tableNames, tables, type Event, type TableName } from "@indelible/schemas/tables.ts";
import fc from "fast-check";
import { oddEventsOf } from "../schemas/odd-events.ts";
import { eventsOf } from "../schemas/samples.ts";
import { batchOf, type CellRow } from "./memory-warehouse.ts";
import { rowOf } from "./real-rows.ts";

const recorded = { publishedAt: 1_770_000_000_000_000, messageId: "17", ingestedAt: 1_770_000_000_100_000 };

/** The first column of the row that does not say what its entry, or another text, says. */
function difference(table: TableName, row: CellRow, entry: string = row["entry"] as string): string | undefined {
  return projectionOf(table)(batchOf(table, [row]))(JSON.parse(entry), 0);
}

const decision: Event = {
  decision_id: "d1",
  business_id: "acme",
  agent_position: "CFO",
  decision_type: "approval",
  decided_at: "2026-03-02T09:00:00.5+01:00",
  options_evaluated: [{ option: "cut", pros: ["cheap", "ü"], cons: [], score: 0.5 }, { option: "keep" }],
  affected_agents: ["CEO"],
  requires_human_review: true,
  seq: 7,
};

describe("projectionOf()", () => {
  for (const table of tableNames) {
    it(`${table} - says nothing of a row as the subscriber writes it`, () => {
      fc.assert(
        fc.property(eventsOf(table), (event) => {
          assert.equal(difference(table, rowOf(table, event, recorded)), undefined);
        }),
        { numRuns: 60 },
      );
    });

    it(`${table} - names a column that holds anything else`, () => {
      fc.assert(
        fc.property(eventsOf(table), fc.constantFrom(...Object.keys(eventColumns(tables[table]))), (event, name) => {
          const row = rowOf(table, event, recorded);
          const other = otherValue(eventColumns(tables[table])[name] as Column, row[name] ?? null);
          assert.equal(difference(table, { ...row, [name]: other }), name);
          const emptied = row[name] === null || (Array.isArray(row[name]) && row[name].length === 0);
          if (!emptied) assert.equal(difference(table, { ...row, [name]: null }), name);
        }),
        { numRuns: 100 },
      );
    });

    it(`${table} - never throws, whatever the entry is`, () => {
      fc.assert(
        fc.property(eventsOf(table), oddEventsOf(table), fc.jsonValue(), (event, odd, json) => {
          const row = rowOf(table, event, recorded);
          for (const value of [odd, json, [], null, Symbol("none")])
            projectionOf(table)(batchOf(table, [row]))(value, 0);
        }),
        { numRuns: 60 },
      );
    });
  }

  it("takes a column that the entry does not have for null, and an array that it does not have for empty", () => {
    const row = rowOf("decision_logs", decision, recorded);
    assert.equal(difference("decision_logs", { ...row, affected_entities: null }), undefined);
    assert.equal(difference("decision_logs", { ...row, affected_entities: ["x"] }), "affected_entities");
    assert.equal(difference("decision_logs", { ...row, logged_at: 0n }), "logged_at");
    assert.equal(difference("decision_logs", { ...row, publisher_id: "" }), "publisher_id");
  });

  it("names an array of structs of which any member differs", () => {
    const row = rowOf("decision_logs", decision, recorded);
    const [cut, keep] = row["options_evaluated"] as [CellRow, CellRow];
    const others: CellValue[] = [
      [cut],
      [keep, cut],
      [cut, keep, keep],
      [{ ...cut, score: 0.6 }, keep],
      [{ ...cut, score: null }, keep],
      [{ ...cut, pros: ["cheap"] }, keep],
      [{ ...cut, pros: null }, keep],
      [{ ...cut, cons: ["dear"] }, keep],
      [cut, { ...keep, score: 0 }],
      [cut, null],
    ];
    for (const options of others) {
      assert.equal(difference("decision_logs", { ...row, options_evaluated: options }), "options_evaluated");
    }
    assert.equal(difference("decision_logs", { ...row, options_evaluated: [{ ...cut, cons: null }, keep] }), undefined);
  });

  it("names a key of the entry that no column has, also inside a struct", () => {
    const row = rowOf("decision_logs", decision, recorded);
    const entry = JSON.parse(row["entry"] as string) as Event;
    for (const key of ["unknown", "__proto__", "constructor", "0", "entry_hash"]) {
      const text = `${(row["entry"] as string).slice(0, -1)},${JSON.stringify(key)}:1}`;
      assert.equal(difference("decision_logs", row, text), key);
    }
    const options = [{ option: "cut", pros: ["cheap", "ü"], score: 0.5, hidden: 1 }, { option: "keep" }];
    const text = canonicalize({ ...entry, options_evaluated: options });
    assert.equal(difference("decision_logs", row, text), "options_evaluated");
  });

  it("compares JSON as JSON: neither the order of keys nor the text of numbers matters", () => {
    const event = { action_id: "a", business_id: "b", agent_position: "c", started_at: "2026-03-02T09:00:00Z" };
    const row = rowOf("action_logs", { ...event, action_details: { b: [1, { y: 1e21, x: null }], a: 1.5 } }, recorded);
    const says = (text: string): string | undefined => difference("action_logs", { ...row, action_details: text });
    assert.equal(says('{ "b": [1.0, {"x": null, "y": 1000000000000000000000}], "a": 15e-1 }'), undefined);
    for (const text of [
      '{"a":1.5,"b":[1,{"x":0,"y":1e21}]}',
      '{"a":1.5}',
      "null",
      "",
      "{",
      '{"a":1.5,"b":[1],"c":1}',
    ]) {
      assert.equal(says(text), "action_details");
    }
  });

  it("compares timestamps by their moment, to the microsecond", () => {
    const row = rowOf("decision_logs", { ...decision, decided_at: "2026-03-02T09:00:00.123456999+23:59" }, recorded);
    assert.equal(difference("decision_logs", row), undefined);
    const decidedAt = (row["decided_at"] as bigint) + 1n;
    assert.equal(difference("decision_logs", { ...row, decided_at: decidedAt }), "decided_at");
  });

  it("names schema_version when it is none that the declaration has had", () => {
    const row = rowOf(
      "conversations",
      { conversation_id: "c", business_id: "b", agent_position: "a", started_at: "2026-03-02T09:00:00Z" },
      recorded,
    );
    assert.equal(difference("conversations", { ...row, schema_version: 1n }), undefined);
    for (const version of [null, 0n, -1n, BigInt(tables.conversations.version) + 1n]) {
      assert.equal(difference("conversations", { ...row, schema_version: version }), "schema_version");
    }
  });

  it("does not take a whole number for one that a double rounds to", () => {
    const row = rowOf("decision_logs", decision, recorded);
    const entry = (row["entry"] as string).replace('"seq":7', '"seq":9007199254740992');
    assert.equal(difference("decision_logs", { ...row, seq: 2n ** 53n + 1n }, entry), "seq");
  });

  it("asks a batch only for columns that a row has", () => {
    for (const table of tableNames) {
      const names = Object.keys(rowColumns(tables[table]));
      projectionOf(table)({
        length: 0,
        column(name) {
          assert.ok(names.includes(name));
          return batchOf(table, []).column(name);
        },
      });
    }
  });
});

/** A value of the column's type that differs from this one. */
function otherValue(column: Column, value: CellValue): CellValue {
  switch (column.type) {
    case "string":
      return value === "x" ? "y" : "x";
    case "json":
      return value === "7" ? "8" : "7";
    case "timestamp":
    case "int64":
      return ((value ?? 0n) as bigint) + 1n;
    case "float64":
      return value === 0.25 ? 0.5 : 0.25;
    case "bool":
      return value !== true;
    case "struct":
      return {};
    case "array":
      return [...((value ?? []) as CellValue[]), column.items.type === "struct" ? {} : "x"];
  }
}
