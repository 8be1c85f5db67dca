import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { CellValue } from "@indelible/ledger/row-reader.ts";
import type { Column } from "@indelible/schemas/columns.ts";
import { rowColumns, tables, type TableName } from "@indelible/schemas/tables.ts";
import fc from "fast-check";
import type { CellRow } from "./memory-warehouse.ts";
import { BEGINNING, sealedWorld } from "./verify-world.ts";

const anyCell: fc.Arbitrary<CellValue> = fc.oneof(
  fc.constant(null),
  fc.constantFrom<CellValue>(
    "",
    "x",
    "null",
    "{}",
    "[]",
    "\u0000",
    "0".repeat(64),
    [],
    [null],
    {},
    Number.NaN,
    -0,
    true,
  ),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: BEGINNING - 10n, max: BEGINNING + 20_000_000n }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.double(),
  fc.array(fc.string(), { maxLength: 2 }),
);

const sealed = ["action_logs", "conversations"] as const satisfies readonly TableName[];

describe("verify() - anything", () => {
  it("finds every change of every column of a sealed row, and never throws", async () => {
    const { world } = await sealedWorld(3);
    const change = fc.constantFrom(...sealed).chain((table) =>
      fc.record({
        table: fc.constant(table),
        at: fc.nat(world.warehouse.rows(table).length - 1),
        column: fc.constantFrom(...Object.keys(rowColumns(tables[table]))),
        value: anyCell,
      }),
    );
    await fc.assert(
      fc.asyncProperty(change, async ({ table, at, column, value }) => {
        const rows = world.warehouse.rows(table);
        const row = rows[at] as (typeof rows)[number];
        const before = row[column] ?? null;
        // Of what is not sealed, only that it is possible is known; an array that is NULL is an empty one.
        const isSame = before === value || (Array.isArray(value) && value.length === 0 && before === null);
        const isUnseen =
          column === "schema_version" &&
          typeof value === "bigint" &&
          value >= 1n &&
          value <= BigInt(tables[table].version);
        if (isSame || isUnseen || !isOfType(rowColumns(tables[table])[column] as Column, value)) return;
        rows[at] = { ...row, [column]: value };
        try {
          const { verified, findings } = await world.verify();
          assert.equal(verified, false, `${table}.${column} := ${String(value)}`);
          assert.ok(findings.length > 0);
        } finally {
          rows[at] = row;
        }
      }),
      { numRuns: 300 },
    );
    assert.equal((await world.verify()).verified, true);
  });

  it("finds every row that is taken away, doubled or put in, of every table", async () => {
    const { world } = await sealedWorld(4);
    const blow = fc.record({
      table: fc.constantFrom(...sealed),
      at: fc.nat(3),
      kind: fc.constantFrom("delete", "copy", "forge", "move"),
      to: fc.constantFrom(...sealed),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(blow, { minLength: 1, maxLength: 4 }), async (blows) => {
        const kept = new Map(sealed.map((table) => [table, [...world.warehouse.rows(table)]]));
        try {
          for (const { table, at, kind, to } of blows) {
            const row = world.warehouse.rows(table)[at];
            if (row === undefined) continue;
            const logId = row["log_id"] as string;
            if (kind === "delete") world.admin.delete(table, logId);
            else if (kind === "copy") world.admin.copy(table, logId);
            else if (kind === "forge") world.admin.copy(table, logId, { log_id: `forged-${at}` });
            else world.admin.move(table, logId, to === table ? "decision_logs" : to);
          }
          // By what they hold: a copy whose original is gone stands for it.
          const isSame =
            world.warehouse.rows("decision_logs").length === 0 &&
            sealed.every((table) =>
              isDeepStrictEqual(byLogId(world.warehouse.rows(table)), byLogId(kept.get(table) ?? [])),
            );
          const { verified } = await world.verify();
          assert.equal(verified, isSame);
        } finally {
          for (const [table, rows] of kept) world.warehouse.tables.set(table, rows);
          world.warehouse.rows("decision_logs").length = 0;
        }
      }),
      { numRuns: 60 },
    );
  });
});

function byLogId(rows: readonly CellRow[]): CellRow[] {
  return rows.toSorted((a, b) => ((a["log_id"] as string) < (b["log_id"] as string) ? -1 : 1));
}

/** Whether a column of this type can hold that. */
function isOfType({ type }: Column, value: CellValue): boolean {
  switch (type) {
    case "string":
    case "json":
      return value === null || typeof value === "string";
    case "timestamp":
    case "int64":
      return value === null || typeof value === "bigint";
    case "float64":
      return value === null || typeof value === "number";
    case "bool":
      return value === null || typeof value === "boolean";
    default:
      return value === null || Array.isArray(value);
  }
}
