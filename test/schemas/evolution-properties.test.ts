import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Columns } from "@indelible/schemas/columns.ts";
import { rules, type RuleName } from "@indelible/schemas/evolution-rules.ts";
import { changesBetween } from "@indelible/schemas/evolution.ts";
import { jsonSchemaOf } from "@indelible/schemas/json-schema.ts";
import type { ColumnsSnapshot, ColumnSnapshot, Snapshot } from "@indelible/schemas/snapshot.ts";
import { tables, type Table } from "@indelible/schemas/tables.ts";
import { Ajv } from "ajv";
import fc from "fast-check";
import { allowedCases, draftOf, optional, refusedCases, sampleSnapshot, type Draft } from "./evolution-cases.ts";

const before = sampleSnapshot();

/** A change that is allowed, to be done to whatever others have left. */
type Edit = (draft: Draft) => void;

const types = ["string", "timestamp", "int64", "float64", "bool", "json", "array", "struct"] as const;

/** Changes of any column of any table that are allowed. */
const edits: fc.Arbitrary<Edit> = fc
  .tuple(
    fc.nat(),
    fc.nat(),
    fc.constantFrom("add", "enum", "open", "length", "maximum", "minimum", "format", "relax", "field"),
    fc.nat(50),
  )
  .map(([table, at, what, by]): Edit => {
    return ({ tables: all }) => {
      const names = Object.keys(all);
      const chosen = all[names[table % names.length] ?? ""];
      assert.ok(chosen);
      const own = Object.keys(chosen.columns);
      const name = own[at % own.length] ?? "";
      const outer = chosen.columns[name];
      assert.ok(outer);
      const column = outer.items ?? outer;
      chosen.version += 1;
      if (what === "add") chosen.columns[`added_${own.length}`] = optional(types[by % types.length] ?? "bool");
      if (what === "enum") column.enum?.push(`value ${column.enum.length} ${by}`);
      if (what === "open") delete column.enum;
      if (what === "length" && column.maxLength !== undefined) column.maxLength += by;
      if (what === "maximum" && column.maximum !== undefined) column.maximum += by;
      if (what === "minimum" && column.minimum !== undefined) column.minimum -= by;
      if (what === "format") delete column.format;
      if (what === "field" && column.fields !== undefined)
        column.fields[`added_${Object.keys(column.fields).length}`] = optional("timestamp");
      if (what === "relax" && chosen.kind === "log" && name !== chosen.entity && name !== chosen.occurredAt)
        outer.required = false;
    };
  });

function edited(snapshot: Snapshot, sequence: readonly Edit[]): Draft {
  const draft = draftOf(snapshot);
  for (const edit of sequence) edit(draft);
  return draft;
}

describe("changesBetween(), of any changes", () => {
  it("allows in sum what it allows one by one, and never the way back", () => {
    fc.assert(
      fc.property(fc.array(edits, { minLength: 1, maxLength: 12 }), (sequence) => {
        const after = edited(before, sequence);
        const forth = changesBetween(before, after);
        assert.deepEqual(
          forth.filter(({ allowed }) => !allowed),
          [],
        );
        const back = changesBetween(after, before).filter(({ rule }) => rule !== "version lowered");
        const columns = forth.filter(({ rule }) => rule !== "version raised");
        assert.equal(back.length, columns.length);
        assert.ok(back.every(({ allowed }) => !allowed));
      }),
    );
  });

  it("refuses a change whatever allowed ones stand beside it", () => {
    // The others raise the version, add no topic and leave these columns as wide as they were, or wider.
    const byVersion = new Set(["version not raised", "version lowered"]);
    const withoutVersion = refusedCases.filter(({ rule }) => !byVersion.has(rule));
    fc.assert(
      fc.property(
        fc.array(edits, { maxLength: 6 }),
        fc.constantFrom(...withoutVersion),
        (sequence, { rule, edit, table = "samples", column, noTable }) => {
          const middle = edited(before, sequence);
          const changes = changesBetween(middle, edited(middle, [edit]));
          const found = changes.filter((change) => !change.allowed && change.rule === rule);
          // What would narrow a column may not do so after it has been widened.
          if (found.length === 0) return fc.pre(false);
          assert.ok(found.some((change) => change.column === column && (noTable || change.table === table)));
        },
      ),
    );
  });

  it("allows the way back of nothing but descriptions, order and clustering", () => {
    const symmetric = new Set(["description changed", "order changed", "clustering changed"]);
    for (const { rule, title, edit } of allowedCases) {
      const after = edited(before, [edit]);
      const back = changesBetween(after, before);
      assert.equal(
        back.every(({ allowed }) => allowed),
        symmetric.has(rule),
        title,
      );
    }
  });
});

describe("an event that was valid", () => {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true, formats: { "date-time": true, uuid: /^[0-9a-f-]{36}$/ } });
  const validator = (snapshot: Snapshot): ReturnType<Ajv["compile"]> => {
    const { columns = {} } = snapshot.tables["samples"] ?? {};
    const table: Table = { ...tables.conversations, columns: columnsOf(columns) };
    const { $id: _, ...schema } = jsonSchemaOf(table);
    return ajv.compile(schema);
  };

  it("is valid after each change that is allowed", () => {
    const wasValid = validator(before);
    const cases = allowedCases
      .filter(({ rule }) => rules[rule].raisesVersion && rules[rule].allowed)
      .map(({ title, edit }) => ({ title, isValid: validator(edited(before, [edit])) }));
    let valid = 0;
    fc.assert(
      fc.property(eventOf(before.tables["samples"]?.columns ?? {}), (event) => {
        assert.ok(wasValid(event), JSON.stringify(wasValid.errors));
        valid += 1;
        for (const { title, isValid } of cases)
          assert.ok(isValid(event), `${title}: ${JSON.stringify(isValid.errors)}`);
      }),
      { numRuns: 40 },
    );
    assert.ok(valid > 0 && cases.length > 15);
  });

  it("may be invalid after each change that is refused because it narrows what a column takes", () => {
    // The table cannot take a struct with a required field in a struct; an event may do without it.
    const narrowing = refusedCases.filter(
      ({ rule, column }) => column !== undefined && narrows.has(rule) && column !== "inner.more",
    );
    const events = fc.sample(eventOf(before.tables["samples"]?.columns ?? {}), { numRuns: 200, seed: 7 });
    assert.ok(narrowing.length >= narrows.size);
    for (const { title, edit } of narrowing) {
      const isValid = validator(edited(before, [edit]));
      assert.ok(!events.every((event) => isValid(event)), title);
    }
  });
});

const narrows: ReadonlySet<RuleName> = new Set([
  "column removed",
  "required column added",
  "column made required",
  "enum narrowed",
  "enum closed",
  "length lowered",
  "range narrowed",
  "format set",
]);

/** The declaration that a snapshot was made of. */
function columnsOf(columns: ColumnsSnapshot): Columns {
  const column = ({ required, items, fields, ...rest }: ColumnSnapshot): object => ({
    ...rest,
    ...(required && { required }),
    ...(items !== undefined && { items: column(items) }),
    ...(fields !== undefined && { fields: columnsOf(fields) }),
  });
  return Object.fromEntries(Object.entries(columns).map(([name, of]) => [name, column(of)])) as Columns;
}

function eventOf(columns: ColumnsSnapshot): fc.Arbitrary<{ [name: string]: unknown }> {
  const members = Object.entries(columns).map(([name, column]) => [name, valueOf(column)] as const);
  const requiredKeys = Object.keys(columns).filter((name) => columns[name]?.required === true);
  return fc.record(Object.fromEntries(members), { requiredKeys });
}

function valueOf(column: ColumnSnapshot): fc.Arbitrary<unknown> {
  const value = presentOf(column);
  return column.required ? value : fc.option(value);
}

function presentOf({ type, required, ...limits }: ColumnSnapshot): fc.Arbitrary<unknown> {
  const { minimum, maximum, items, fields } = limits;
  switch (type) {
    case "string":
      if (limits.enum !== undefined) return fc.constantFrom(...limits.enum);
      if (limits.format !== undefined) return fc.constant("0198c0de-0000-7000-8000-000000000001");
      return fc.string({
        unit: fc.constantFrom("a", "é", "☃", "\u{1F732}", '"'),
        minLength: required ? 1 : 0,
        maxLength: limits.maxLength ?? 10,
        size: "max",
      });
    case "timestamp":
      return fc.constant("2026-01-31T09:30:00Z");
    case "int64":
      return fc.integer({ min: minimum ?? 0, max: maximum ?? 0 });
    case "float64":
      return fc.double({ min: minimum ?? -1e9, max: maximum ?? 1e9, noNaN: true });
    case "bool":
      return fc.boolean();
    case "json":
      return fc.jsonValue({ maxDepth: 2 });
    case "array":
      return fc.array(presentOf({ ...(items as ColumnSnapshot), required: true }), { maxLength: 3 });
    case "struct":
      return eventOf(fields ?? {});
  }
}
