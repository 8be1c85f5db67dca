import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "../../local/random.ts";
import { record, records } from "../publisher/spool/records.ts";
import { linesOf } from "./journal.ts";
import { Ledger } from "./ledger.ts";
import { audit, type Entry, type Evidence } from "./oracle.ts";
import { damage, damageOf, readSegment, type SegmentFile } from "./segments.ts";

const HASH = "ab".repeat(32);
const entry = (tick: string, index: number, logId: string, more: Partial<Entry> = {}): Entry => {
  const slot = { tick, index, hash: HASH };
  return { table: "action_logs", logId, slot, textHash: HASH, conflict: false, ...more };
};

const segment: SegmentFile = {
  path: "/s/i/1.seg",
  instance: "i",
  name: "1.action_logs",
  table: "action_logs",
  bytes: 0,
};
const texts = ["a3", "a4"].map((logId) => JSON.stringify({ log_id: logId }));
const whole = records(texts);
const torn = whole.subarray(0, -5);
const damaged = damageOf("cut", segment, readSegment(whole), readSegment(torn));

/** Tick a/0 has returned three events and a/1 two, of which a4 was damaged; a/2 was to log two and was killed in it. */
function ledgerOf(more: Partial<Pick<Ledger, "unreported" | "strangeReports" | "troubles">> = {}): Ledger {
  const ledger = new Ledger();
  ledger.take([
    { kind: "announced", tick: "a/0", events: 3 },
    { kind: "returned", tick: "a/0", logIds: ["a0", "a1", "a2"] },
    { kind: "announced", tick: "a/1", events: 2 },
    { kind: "returned", tick: "a/1", logIds: ["a3", "a4"] },
    { kind: "announced", tick: "a/2", events: 2 },
  ]);
  ledger.damages.push(damaged);
  ledger.unreported.push(...(more.unreported ?? []));
  ledger.strangeReports.push(...(more.strangeReports ?? []));
  ledger.troubles.push(...(more.troubles ?? []));
  return ledger;
}

const [kept] = damaged.quarantined;
const faultless: Evidence = {
  entries: [
    entry("a/0", 0, "a0"),
    entry("a/0", 1, "a1"),
    entry("a/0", 2, "a2"),
    entry("a/1", 0, "a3"),
    entry("a/2", 1, "a6"),
  ],
  deadLetters: [],
  quarantine: new Map([[kept!.name, kept!.bytes]]),
  left: [],
};
const rulesOf = (more: Partial<Evidence>, ledger = ledgerOf()): string[] =>
  audit(ledger, { ...faultless, ...more }).map(({ rule }) => rule);
const entriesWith = (...more: readonly Entry[]): Entry[] => [...faultless.entries, ...more];
const entriesWithout = (logId: string): Entry[] => [...faultless.entries].filter((one) => one.logId !== logId);

describe("audit()", () => {
  it("finds nothing when every returned log_id is there once, whatever became of a tick that was not finished", () => {
    assert.deepEqual(rulesOf({}), []);
    assert.deepEqual(rulesOf({ entries: entriesWithout("a6") }), []);
    assert.deepEqual(rulesOf({ entries: entriesWith(entry("a/2", 0, "a5")) }), []);
  });

  it("finds a returned log_id that is nowhere", () => {
    assert.deepEqual(audit(ledgerOf(), { ...faultless, entries: entriesWithout("a1") }), [
      { rule: "missing", what: "a1 of call a/0/1" },
    ]);
    assert.deepEqual(rulesOf({ entries: entriesWithout("a3") }), ["missing"]);
  });

  it("accepts that what was damaged is there: it had been sent before", () => {
    assert.deepEqual(rulesOf({ entries: entriesWith(entry("a/1", 1, "a4")) }), []);
  });

  it("finds a log_id that is there twice, and a call that is there under two", () => {
    assert.deepEqual(rulesOf({ entries: entriesWith(entry("a/0", 0, "a0")) }), ["twice"]);
    assert.deepEqual(rulesOf({ entries: entriesWith(entry("a/2", 1, "a7")) }), ["twice"]);
  });

  it("finds a conflict, and a text that is not what was logged", () => {
    const others = entriesWithout("a1");
    assert.deepEqual(rulesOf({ entries: [...others, entry("a/0", 1, "a1", { conflict: true })] }), ["conflict"]);
    assert.deepEqual(rulesOf({ entries: [...others, entry("a/0", 1, "a1", { textHash: "cd" })] }), ["changed"]);
  });

  it("finds what nobody has logged, and a call under another log_id than it had returned", () => {
    assert.deepEqual(rulesOf({ entries: entriesWith(entry("b/0", 0, "b0")) }), ["extra"]);
    assert.deepEqual(rulesOf({ entries: entriesWith(entry("a/2", 2, "a7")) }), ["extra"]);
    assert.deepEqual(rulesOf({ entries: entriesWith(entry("", 0, "b0", { slot: undefined })) }), ["extra"]);
    assert.deepEqual(rulesOf({ entries: [...entriesWithout("a1"), entry("a/0", 1, "b1")] }), ["extra", "missing"]);
  });

  it("finds damage that is not in quarantine, is there with other bytes, or that nobody was told of", () => {
    assert.deepEqual(rulesOf({ quarantine: new Map() }), ["silent"]);
    assert.deepEqual(rulesOf({ quarantine: new Map([[kept!.name, kept!.bytes.subarray(1)]]) }), ["silent"]);
    assert.deepEqual(rulesOf({}, ledgerOf({ unreported: [damaged] })), ["silent"]);
  });

  it("finds a piece in quarantine that nobody has damaged, unless a kill has torn it off", () => {
    const withPiece = (bytes: Buffer): string[] =>
      rulesOf({ quarantine: new Map(faultless.quarantine).set("x", bytes) });
    assert.deepEqual(withPiece(record("{}")), ["extra"]);
    assert.deepEqual(withPiece(Buffer.from("{}")), ["extra"]);
    for (let bytes = 1; bytes < record("{}").length; bytes += 1) {
      assert.deepEqual(withPiece(record("{}").subarray(0, bytes)), []);
    }
  });

  it("finds what is left in a spool, dead letters, strange reports and strange ends", () => {
    assert.deepEqual(rulesOf({ left: ["rejected/i.ndjson"], deadLetters: ["ERR_EMPTY"] }), ["left", "left"]);
    assert.deepEqual(rulesOf({}, ledgerOf({ troubles: ["exit code 1"] })), ["trouble"]);
    const report = { kind: "report", code: "ERR_QUEUE_FULL", message: "full", table: undefined, events: 1 } as const;
    const ledger = ledgerOf();
    ledger.take([
      { ...report, refused: true },
      { ...report, code: "ERR_PUBLISH", refused: false },
    ]);
    assert.deepEqual(rulesOf({}, ledger), ["report"]);
  });
});

describe("linesOf()", () => {
  it("does not take a line whose end is missing", () => {
    const line = '{"kind":"announced","tick":"a/0","events":1}';
    assert.equal(linesOf(`${line}\n${line}`).length, 1);
    assert.deepEqual(linesOf(line.slice(0, 9)), []);
  });
});

describe("damage()", () => {
  it("touches some events and leaves the others, and what it leaves of those that it touches is damaged bytes", () => {
    const random = seededRandom(5, "damage");
    const all = records(Array.from({ length: 30 }, (_, index) => JSON.stringify({ log_id: String(index), é: "x" })));
    const before = readSegment(all);
    const kinds = new Map<string, number>();
    for (let round = 0; round < 1_000; round += 1) {
      const { kind, bytes } = damage(all, random);
      const after = readSegment(bytes);
      const { touched, quarantined } = damageOf(kind, segment, before, after);
      assert.ok(touched.length > 0 && quarantined.length > 0);
      assert.equal(after.texts.length + touched.length, 30);
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    assert.deepEqual([...kinds.keys()].sort(), ["bit flipped", "cut"]);
  });
});
