import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { unusableColumns, type StoredField } from "@indelible/ledger/table-columns.ts";
import { bigQueryTableOf } from "@indelible/schemas/bigquery.ts";
import { tableNames, tables } from "@indelible/schemas/tables.ts";

const declared = (): StoredField[] => [...bigQueryTableOf(tables.decision_logs).schema.fields];

describe("unusableColumns()", () => {
  it("has none of a table as it is declared, by either name of a type, required or not, with columns of somebody else's", () => {
    for (const name of tableNames) {
      const { fields } = bigQueryTableOf(tables[name]).schema;
      assert.deepEqual(unusableColumns(name, fields), []);
      const relaxed = fields.map((field) => ({ ...field, mode: field.mode === "REPEATED" ? field.mode : "NULLABLE" }));
      assert.deepEqual(unusableColumns(name, [...relaxed, { name: "other", type: "BYTES" }]), []);
    }
    const renamed = JSON.parse(
      JSON.stringify(declared()).replaceAll("FLOAT", "FLOAT64").replaceAll("RECORD", "STRUCT"),
    ) as StoredField[];
    assert.deepEqual(unusableColumns("decision_logs", renamed), []);
  });

  it("has columns that were dropped or have another type or mode, also within a struct", () => {
    const change = (name: string, changed: (field: StoredField) => StoredField | undefined): string[] =>
      unusableColumns(
        "decision_logs",
        declared().flatMap((field) => (field.name === name ? (changed(field) ?? []) : field)),
      );
    assert.deepEqual(
      change("rationale", () => undefined),
      ["rationale"],
    );
    assert.deepEqual(
      change("confidence", (field) => ({ ...field, type: "STRING" })),
      ["confidence"],
    );
    assert.deepEqual(
      change("affected_agents", (field) => ({ ...field, mode: "NULLABLE" })),
      ["affected_agents"],
    );
    const without = (field: StoredField): StoredField => ({ ...field, fields: (field.fields ?? []).slice(1) });
    assert.deepEqual(change("options_evaluated", without), ["options_evaluated"]);
    assert.equal(unusableColumns("decision_logs", []).length, declared().length);
  });
});
