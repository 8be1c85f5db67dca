import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addedFields, parseTableSchema, type TableSchema } from "../../../local/bigquery/table-schema.ts";

const schemaOf = (...fields: object[]): TableSchema => parseTableSchema({ fields });
const id = { name: "id", type: "STRING", mode: "REQUIRED" };
const step = (...fields: object[]): object => ({ name: "step", type: "STRUCT", mode: "REPEATED", fields });
const holding = (field: object): object => ({ name: "inner", type: "STRUCT", fields: [field] });
const before = schemaOf(id, { name: "note", type: "STRING" }, step({ name: "name", type: "STRING", mode: "REQUIRED" }));
const [, note, steps] = before.fields;

describe("addedFields()", () => {
  it("gives the columns at the end that may be empty, and lets descriptions change", () => {
    const after = schemaOf({ ...id, description: "Another." }, note!, steps!, { name: "n", type: "INT64" });
    assert.deepEqual(
      addedFields(before, after).map(({ within, field }) => [within, field.name]),
      [[[], "n"]],
    );
  });

  it("lets what is REQUIRED become NULLABLE, also in a struct, as BigQuery does", () => {
    const after = schemaOf({ ...id, mode: "NULLABLE" }, note!, step({ name: "name", type: "STRING" }));
    assert.deepEqual(addedFields(before, after), []);
  });

  it("gives fields at the end of a struct that may be empty, with the structs that they stand in", () => {
    const name = { name: "name", type: "STRING", mode: "REQUIRED" };
    const after = schemaOf(id, note!, step(name, { name: "score", type: "FLOAT64" }), { name: "n", type: "INT64" });
    assert.deepEqual(
      addedFields(before, after).map(({ within, field }) => [...within.map((outer) => outer.name), field.name]),
      [["step", "score"], ["n"]],
    );
  });

  const refusals: readonly (readonly [string, TableSchema])[] = [
    ["a NULLABLE column that becomes REQUIRED", schemaOf(id, { ...note, mode: "REQUIRED" }, steps!)],
    ["a REQUIRED column that becomes REPEATED", schemaOf({ ...id, mode: "REPEATED" }, note!, steps!)],
    ["another type", schemaOf(id, { ...note, type: "JSON" }, steps!)],
    ["a column that is gone", schemaOf(id, note!)],
    ["a column in the middle", schemaOf(id, { name: "n", type: "INT64" }, note!, steps!)],
    ["a column that is required", schemaOf(id, note!, steps!, { ...id, name: "n" })],
    [
      "a further field of a struct that is required",
      schemaOf(id, note!, step(steps!.fields![0]!, { name: "n", type: "INT64", mode: "REQUIRED" })),
    ],
    [
      "a further struct in a struct, with a required field somewhere in it",
      schemaOf(id, note!, step(steps!.fields![0]!, holding(holding({ name: "n", type: "INT64", mode: "REQUIRED" })))),
    ],
    [
      "a list in a struct, which the structs that are there would not have, not even empty",
      schemaOf(id, note!, step(steps!.fields![0]!, { name: "n", type: "INT64", mode: "REPEATED" })),
    ],
    ["a field of a struct that is gone or another", schemaOf(id, note!, step({ name: "other", type: "STRING" }))],
  ];
  for (const [what, after] of refusals) {
    it(`refuses ${what}`, () => {
      assert.throws(() => addedFields(before, after), { reason: "invalid" });
    });
  }

  it("refuses a field of a struct that becomes REQUIRED: rows may have it empty", () => {
    const lax = schemaOf(step({ name: "name", type: "STRING" }));
    const strict = schemaOf(step({ name: "name", type: "STRING", mode: "REQUIRED" }));
    assert.throws(() => addedFields(lax, strict), { reason: "invalid" });
  });
});
