import assert from "node:assert/strict";
import type { Report } from "../../cli/delivery/report.ts";

/** The sample day went through everything, into a warehouse that had none of it: one event of it twice, and one of it broken. */
export function assertSampleDay({ totals, hashes, tables }: Report): void {
  assert.equal(totals.published, totals.rows + totals.duplicates + totals.deadLetters);
  assert.deepEqual([totals.missing, totals.extra, totals.duplicates, totals.deadLetters], [0, 0, 1, 1]);
  assert.ok(totals.rows > 100, `${totals.rows} rows`);
  assert.deepEqual(hashes, { checked: totals.rows, right: totals.rows });
  assert.equal(tables.length, 7, "every table that is published to");
}
