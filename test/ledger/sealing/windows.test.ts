import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compareLeafRows, type LeafRow } from "@indelible/ledger/identities.ts";
import { EMPTY_ROOT } from "@indelible/ledger/merkle.ts";
import { cut } from "@indelible/ledger/sealing/windows.ts";

const DAY = 86_400_000_000n;
const rowAt = (ingestedAt: bigint, at = 0): LeafRow => ({
  ingestedAt,
  logId: `id${at}`,
  data: `row ${ingestedAt} ${at}`,
});

/** A range, and sorted rows in it, of which many share their time. */
const cases = fc
  .record({
    start: fc.bigInt({ min: 0n, max: 3n * DAY }),
    length: fc.bigInt({ min: 1n, max: 4n * DAY }),
    places: fc.array(fc.bigInt({ min: 0n, max: 60n }), { maxLength: 60 }),
    maxRows: fc.integer({ min: 1, max: 10 }),
  })
  .map(({ start, length, places, maxRows }) => ({
    start,
    end: start + length,
    maxRows,
    rows: places.map((place, at) => rowAt(start + (place * (length - 1n)) / 60n, at)).sort(compareLeafRows),
  }));

describe("cut()", () => {
  it("tiles the range up to the last day with rows, and puts each row into the window of its time", () => {
    fc.assert(
      fc.property(cases, ({ start, end, rows, maxRows }) => {
        const { windows, next } = cut(start, end, rows, maxRows);
        let at = start;
        for (const window of windows) {
          assert.equal(window.start, at);
          assert.ok(window.end > window.start);
          at = window.end;
        }
        assert.equal(at, next);
        assert.ok(next <= end);
        const leaves = windows.flatMap((window) => window.leaves);
        assert.deepEqual(
          leaves,
          rows.map(({ data }) => data),
        );
        for (const { start: from, end: until, leaves: own, rowCount } of windows) {
          assert.equal(rowCount, own.length);
          const inside = rows.filter(({ ingestedAt }) => ingestedAt >= from && ingestedAt < until);
          assert.deepEqual(
            inside.map(({ data }) => data),
            own,
          );
        }
      }),
    );
  });

  it("makes no window with rows that crosses midnight or has too many rows, unless they share their microsecond", () => {
    fc.assert(
      fc.property(cases, ({ start, end, rows, maxRows }) => {
        for (const window of cut(start, end, rows, maxRows).windows) {
          if (window.rowCount === 0) continue;
          assert.equal(window.start / DAY, (window.end - 1n) / DAY);
          const times = new Set(
            rows.filter(({ data }) => window.leaves.includes(data)).map(({ ingestedAt }) => ingestedAt),
          );
          assert.ok(window.rowCount <= maxRows || times.size === 1);
        }
      }),
    );
  });

  it("leaves a range without rows over", () => {
    assert.deepEqual(cut(5n, 10n, [], 3), { windows: [], next: 5n });
  });

  it("gives the days before the first row a window of their own, without rows", () => {
    const { windows, next } = cut(0n, 20n * DAY + 5n, [rowAt(20n * DAY + 1n)], 10);
    assert.deepEqual(
      windows.map(({ start, end, rowCount }) => [start, end, rowCount]),
      [
        [0n, 20n * DAY, 0],
        [20n * DAY, 20n * DAY + 5n, 1],
      ],
    );
    assert.equal(windows[0]?.rootHash, EMPTY_ROOT.toString("hex"));
    assert.equal(next, 20n * DAY + 5n);
  });
});
