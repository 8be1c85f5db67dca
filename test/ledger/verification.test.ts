import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { findingKinds, type Finding } from "@indelible/ledger/findings.ts";
import { isText } from "@indelible/ledger/verification/cells.ts";
import { FindingList } from "@indelible/ledger/verification/finding-list.ts";
import { Moves, type Stray } from "@indelible/ledger/verification/moves.ts";
import { expiresAt } from "@indelible/ledger/verification/retention.ts";
import type { Position } from "@indelible/ledger/verification/checkpoints.ts";
import { EntryIndex, PositionList, RootTable, WindowList } from "@indelible/ledger/verification/seal-index.ts";
import { Tally } from "@indelible/ledger/verification/tally.ts";
import { timeText } from "@indelible/ledger/verification/time.ts";
import { groupsOf } from "@indelible/ledger/verification/windows.ts";
import { formatTimestamp } from "@indelible/schemas/timestamp.ts";
import fc from "fast-check";

const root = Buffer.alloc(32, 7);

function windows(widths: readonly number[], rowCount = 1): WindowList {
  const list = new WindowList();
  for (const [index, width] of widths.entries()) {
    const start = list.end;
    list.push({ start, end: start + BigInt(width), rowCount, root, logIndex: BigInt(index) });
  }
  return list;
}

describe("WindowList", () => {
  it("gives back what it was given, beyond its first size too", () => {
    const list = windows(Array.from({ length: 300 }, (_, index) => index + 1));
    assert.equal(list.length, 300);
    assert.deepEqual(list.at(299), { start: 44_850n, end: 45_150n, rowCount: 1, root, logIndex: 299n });
    assert.throws(() => list.at(300), RangeError);
  });

  it("within() - has exactly the windows that share a moment with the range", () => {
    const width = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(
        fc.array(width, { maxLength: 12 }),
        fc.integer({ min: -5, max: 60 }),
        fc.option(fc.integer({ min: -5, max: 60 })),
        (widths, since, until) => {
          const list = windows(widths);
          const within = list.within(BigInt(since), until === null ? undefined : BigInt(until));
          for (let index = 0; index < list.length; index += 1) {
            const { start, end } = list.at(index);
            const shares = Number(end) > since && (until === null || Number(start) < until);
            if (until === null || until > since) assert.equal(index >= within.from && index < within.until, shares);
          }
        },
      ),
    );
  });
});

describe("PositionList", () => {
  it("gives back what it was given, in order, and one that comes again at once only once", () => {
    const list = new PositionList();
    const position = (size: bigint, byte: number): Position => ({ size, rootHash: Buffer.alloc(32, byte) });
    const all = Array.from({ length: 200 }, (_, number) => position(BigInt(number), number));
    for (const one of [...all, position(7n, 1), position(7n, 2)])
      for (let times = 0; times < 3; times += 1) list.push(one);
    assert.deepEqual([...list], [...all, position(7n, 1), position(7n, 2)]);
  });
});

describe("RootTable", () => {
  it("keeps the first root at each size that is wanted, in whatever order they were", () => {
    const table = new RootTable([9n, 3n, 9n, 0n]);
    const [first, second] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    for (const size of [0n, 1n, 9n]) {
      table.set(size, first);
      table.set(size, second);
    }
    assert.deepEqual(
      [0n, 1n, 3n, 9n].map((size) => table.get(size)),
      [first, undefined, undefined, first],
    );
    assert.deepEqual(
      [0n, 1n, 3n, 9n].map((size) => table.lacks(size)),
      [false, false, true, false],
    );
    assert.equal(new RootTable([]).get(0n), undefined);
  });
});

describe("EntryIndex", () => {
  it("finds entries by their position, in a log with holes too", () => {
    const index = new EntryIndex();
    for (const position of [0n, 1n, 7n]) index.push(position, root, position * 10n);
    assert.deepEqual(
      [0n, 1n, 2n, 7n, 8n, -1n, 2n ** 63n].map((position) => index.find(position)),
      [0, 1, undefined, 2, undefined, undefined, undefined],
    );
    assert.equal(index.sealedAt(index.firstFrom(2n)), 70n);
  });
});

describe("groupsOf()", () => {
  it("takes every window once, in order, and no more rows together than are wanted unless one has more", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 40 }),
        fc.integer({ min: 1, max: 30 }),
        (counts, most) => {
          const list = new WindowList();
          for (const rowCount of counts)
            list.push({ start: list.end, end: list.end + 1n, rowCount, root, logIndex: 0n });
          const groups = [...groupsOf(list, 0, list.length, most)];
          assert.deepEqual(
            groups.flatMap(({ from, until }) => Array.from({ length: until - from }, (_, index) => from + index)),
            [...counts.keys()],
          );
          for (const { from, until } of groups) {
            const rows = counts.slice(from, until).reduce((sum, count) => sum + count, 0);
            assert.ok(rows <= most || until - from === 1);
          }
        },
      ),
    );
  });
});

describe("FindingList", () => {
  const finding: Finding = {
    code: "missing",
    message: "m",
    table: "action_logs",
    logId: "12n",
    window: { start: 1n, end: 2n ** 62n },
    logIndex: 5n,
  };

  it("lists the first of each code and counts all, and is the same after it was saved", () => {
    const list = new FindingList(2);
    for (let number = 0; number < 5; number += 1) list.add({ ...finding, message: String(number) });
    list.add({ code: "expired", message: "e" });
    assert.equal(list.count("missing"), 5);
    assert.deepEqual(
      list.listed().map(({ message }) => message),
      ["0", "1", "e"],
    );
    const restored = FindingList.restore(JSON.parse(JSON.stringify(list.save())), 2);
    assert.deepEqual(restored.listed(), list.listed());
    assert.deepEqual(restored.counts(), list.counts());
    restored.addAll(list);
    assert.equal(restored.count("missing"), 10);
    assert.equal(restored.listed().length, 4);
  });

  it("knows violations from notices", () => {
    const list = new FindingList();
    list.add({ code: "expired", message: "" });
    assert.equal(list.hasViolations(), false);
    list.add({ code: "gap", message: "" });
    assert.equal(list.hasViolations(), true);
  });
});

describe("Moves", () => {
  const stray: Stray = {
    table: "action_logs",
    logId: "a",
    entryHash: "h",
    ingestedAt: 1n,
    window: { start: 0n, end: 2n },
    logIndex: 3n,
  };
  const collect = (max?: number): { found: string[]; moves: Moves } => {
    const found: string[] = [];
    return { found, moves: new Moves(({ code, logId }) => found.push(`${code} ${logId}`), max) };
  };

  it("takes what is missing and extra with the same log_id and hash for moved, one by one", () => {
    const { found, moves } = collect();
    moves.addExtra({ ...stray, table: "decision_logs" });
    moves.addExtra({ ...stray, table: "thinking_logs" });
    moves.addMissing(stray);
    moves.addMissing({ ...stray, logId: "b" });
    moves.addExtra({ ...stray, logId: "b", entryHash: "other" });
    assert.deepEqual(found, []);
    moves.finish();
    assert.deepEqual(found.toSorted(), ["extra a", "extra b", "missing b", "moved a"]);
  });

  it("reports at once what is beyond its bound", () => {
    const { found, moves } = collect(1);
    for (const logId of ["a", "b"]) moves.addMissing({ ...stray, logId });
    for (const logId of ["c", "d"]) moves.addExtra({ ...stray, logId });
    assert.deepEqual(found, ["missing b", "extra d"]);
  });

  it("is the same after it was saved", () => {
    const { found, moves } = collect();
    moves.addMissing(stray);
    moves.addExtra({ table: "seals" as never, logId: "x", entryHash: "", ingestedAt: undefined });
    const saved = JSON.parse(JSON.stringify(moves.save())) as ReturnType<Moves["save"]>;
    assert.throws(() => collect().moves.restore(saved), TypeError);
    const other = collect();
    other.moves.restore(saved.slice(0, 1));
    other.moves.sawUnsealed(stray);
    other.moves.finish();
    assert.deepEqual(other.found.slice(-1), ["moved a"]);
    assert.deepEqual(found, []);
  });
});

describe("Tally", () => {
  it("joins neighbours, leaves out what differs, and lists a thousand ranges", () => {
    const tally = new Tally("action_logs");
    const window = (
      start: bigint,
    ): { start: bigint; end: bigint; rowCount: number; root: Buffer; logIndex: bigint } => ({
      start,
      end: start + 1n,
      rowCount: 0,
      root,
      logIndex: 0n,
    });
    tally.add({
      rows: 3,
      windows: [
        { window: window(0n), outcome: "verified" },
        { window: window(1n), outcome: "expired" },
        { window: window(2n), outcome: "differs" },
      ],
    });
    for (let start = 3n; start < 3000n; start += 2n)
      tally.add({ rows: 0, windows: [{ window: window(start), outcome: "verified" }] });
    const { verified, rangesLeftOut, windows: count, expiredWindows, rows } = tally.result();
    assert.deepEqual(verified.slice(0, 2), [
      { start: 0n, end: 2n },
      { start: 3n, end: 4n },
    ]);
    assert.deepEqual([verified.length, rangesLeftOut, count, expiredWindows, rows], [1000, 500, 1500, 1, 3]);
    const other = new Tally("action_logs");
    other.restore(JSON.parse(JSON.stringify(tally.save())));
    assert.deepEqual([other.result(), other.done], [tally.result(), tally.done]);
  });
});

describe("timeText()", () => {
  it("is what the subscriber writes, for every time that it can write", () => {
    fc.assert(
      fc.property(fc.integer({ min: -8_520_336_000_000_000, max: 7_258_118_399_999_999 }), (micros) =>
        assert.equal(timeText(BigInt(micros)), formatTimestamp(micros)),
      ),
    );
  });

  it("says something of any time at all", () => {
    assert.equal(timeText(2n ** 63n - 1n), "9223372036854775807 µs");
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (micros) =>
        assert.ok(timeText(micros).length > 0),
      ),
    );
  });
});

describe("isText()", () => {
  it("is whether bytes are the UTF-8 of a text", () => {
    const text = fc.string({ unit: "binary", maxLength: 150 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        assert.equal(isText(Buffer.from(a), a), true);
        assert.equal(isText(Buffer.from(a), b), Buffer.from(a).equals(Buffer.from(b)));
      }),
    );
    assert.equal(isText(Uint8Array.of(0xe9), "\u00e9"), false);
  });
});

describe("docs/verify.md", () => {
  it("says of every finding what it means and what to do", () => {
    const page = readFileSync(new URL("../../docs/verify.md", import.meta.url), "utf8");
    for (const [code, { level }] of Object.entries(findingKinds)) {
      const row = page.split("\n").find((line) => line.startsWith("| `") && line.includes(`\`${code}\``));
      assert.ok(row !== undefined, code);
      assert.equal(row.includes("(notice)"), level === "notice", code);
    }
  });
});

describe("expiresAt()", () => {
  it("counts from the beginning of the day, before 1970 too", () => {
    const day = 86_400_000_000n;
    assert.equal(expiresAt(day + 5n, 1000), day + 1_000_000n);
    assert.equal(expiresAt(-1n, 0), -day);
    assert.equal(expiresAt(-day, 0), -day);
  });
});
