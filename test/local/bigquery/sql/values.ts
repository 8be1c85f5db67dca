import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openDatabase } from "./database.ts";
import type { Database } from "./database.ts";

/** A sentence, an expression or a whole query, and the first value of its first row as DuckDB's JSON form writes it. */
export type ValueCase = readonly [name: string, sql: string, expected: unknown];

/** Runs each case as a test of its own against one database. */
export function runValueCases(family: string, cases: readonly ValueCase[]): void {
  let database: Database;
  before(async () => {
    database = await openDatabase();
  });
  after(() => database.close());
  for (const [name, sql, expected] of cases) {
    test(`translate() - ${family}: ${name}`, async () => {
      const rows = await database.rows(/^(?:SELECT|WITH)\b/.test(sql) ? sql : `SELECT ${sql}`);
      assert.deepEqual(rows[0]?.[0], expected);
    });
  }
}
