import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { entryHash, logIdOfMessage } from "@indelible/schemas/entry.ts";
import type { Event } from "@indelible/schemas/tables.ts";
import type { DeadLetter, Evidence, HistoryEntry, RowGroup } from "./evidence.ts";
import { audit } from "./oracle.ts";
import type { ExpectedEvent, Published } from "./published.ts";
import { sha256 } from "./sha256.ts";

const table = "mcp_usage_logs";
const logId = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;
const eventOf = (n: number, more: Event = {}): Event => ({ usage_id: `u${n}`, log_id: logId(n), ...more });

function entry(index: number, event: Event): ExpectedEvent {
  const text = canonicalize(event);
  const hash = entryHash(text);
  return { kind: "entry", index, logId: String(event["log_id"]), entryHash: hash, dataHash: sha256(text) };
}

function rowOf(messageId: string, event: Event, more: Partial<RowGroup> = {}): RowGroup {
  const hash = entryHash(canonicalize(event));
  return { table, logId: String(event["log_id"]), entryHash: hash, messageId, copies: 1, wrongHashes: 0, ...more };
}

function historyOf(event: Event, more: Partial<HistoryEntry> = {}): HistoryEntry {
  const text = canonicalize(event);
  return { table, logId: String(event["log_id"]), entry: text, entryHash: entryHash(text), conflict: false, ...more };
}

function deadLetterOf(messageId: string, index: number, data: string, more: Partial<DeadLetter> = {}): DeadLetter {
  const text = canonicalize({ data });
  const fixed = { table, messageId, index, data: Buffer.from(data), entry: text, entryHash: entryHash(text) };
  return { ...fixed, reason: "ERR_NOT_JSON", conflict: false, ...more };
}

const anonymous: Event = { usage_id: "anonymous" };
const named: Event = { ...anonymous, log_id: logIdOfMessage(table, "m1", 2) };
const refused = (messageId: string, index: number, event: Event): DeadLetter =>
  deadLetterOf(messageId, index, canonicalize(event), { reason: "ERR_ROW_REFUSED" });

/**
 * Message m1 holds event 1, rubbish, and an event without a `log_id`; m2 holds event 1 again and event 2; m3, which is
 * event 2 with other content, was sent twice and stored once.
 */
const published = new Map<number, Published>(
  [
    {
      number: 0,
      messageId: "m1",
      attempts: 1,
      events: [
        entry(0, eventOf(1)),
        { kind: "fault", index: 1, reason: "ERR_NOT_JSON", dataHash: sha256("{") } as const,
        { kind: "anonymous", index: 2, event: anonymous, dataHash: sha256(canonicalize(anonymous)) } as const,
      ],
    },
    { number: 1, messageId: "m2", attempts: 1, events: [entry(0, eventOf(1)), entry(1, eventOf(2))] },
    { number: 2, messageId: "m3", attempts: 2, events: [entry(0, eventOf(2, { success: true }))] },
  ].map((message) => [message.number, { table, ...message }]),
);

/** What a run without a fault leaves behind. */
const faultless: Evidence = {
  stored: [...published.values()].map(({ number, messageId }) => ({ messageId, table, publication: number })),
  sentDeadLetters: [{ messageId: "m1", index: 1 }],
  safetyNet: [{ messageId: "m1", index: 1 }],
  rows: [
    rowOf("m1", eventOf(1)),
    rowOf("m1", named),
    rowOf("m2", eventOf(2)),
    rowOf("m3", eventOf(2, { success: true })),
  ],
  history: [historyOf(eventOf(1)), historyOf(named), historyOf(eventOf(2), { conflict: true })],
  deadLetters: [deadLetterOf("m1", 1, "{")],
  deliveries: () => 1,
};

function rulesOf(more: Partial<Evidence>): string[] {
  return [...new Set(audit(published, { ...faultless, ...more }).map(({ rule }) => rule))].toSorted();
}

const without = <T>(list: readonly T[], index: number): T[] => list.toSpliced(index, 1);

describe("audit()", () => {
  it("finds nothing when every event is accounted for", () => {
    assert.deepEqual(audit(published, faultless), []);
  });

  it("takes rows that are there twice, from either message, for what they are: duplicates", () => {
    const again = [...faultless.rows, rowOf("m2", eventOf(1), { copies: 3 })];
    assert.deepEqual(rulesOf({ rows: again }), []);
  });

  it("finds an event that is nowhere", () => {
    const rows = without(faultless.rows, 0);
    const history = without(faultless.history, 0);
    assert.deepEqual(audit(published, { ...faultless, rows, history }), [
      {
        rule: "missing",
        what: `${table} ${logId(1)} (${entryHash(canonicalize(eventOf(1))).slice(0, 8)}) of message m1`,
      },
      {
        rule: "missing",
        what: `${table} ${logId(1)} (${entryHash(canonicalize(eventOf(1))).slice(0, 8)}) of message m2`,
      },
    ]);
  });

  it("finds an event without a log_id that is nowhere", () => {
    assert.deepEqual(rulesOf({ rows: without(faultless.rows, 1), history: without(faultless.history, 1) }), [
      "missing",
    ]);
  });

  it("finds one content of a conflict that is nowhere, and that the other is no conflict then", () => {
    assert.deepEqual(rulesOf({ rows: without(faultless.rows, 3) }), ["conflict", "missing"]);
  });

  it("finds a row that the history does not show", () => {
    assert.deepEqual(rulesOf({ history: without(faultless.history, 0) }), ["missing"]);
  });

  it("finds a dead letter that is missing, and one that is in its topic only", () => {
    assert.deepEqual(rulesOf({ deadLetters: [] }), ["missing"]);
    const lost = [...faultless.sentDeadLetters, { messageId: "m1", index: 0 }];
    assert.deepEqual(rulesOf({ sentDeadLetters: lost, safetyNet: lost }), ["missing"]);
  });

  it("finds a dead letter that the safety net lacks, and one that is there only", () => {
    assert.deepEqual(rulesOf({ safetyNet: [] }), ["missing"]);
    const more = [...faultless.safetyNet, { messageId: "m1", index: 0 }];
    assert.deepEqual(rulesOf({ safetyNet: more }), ["extra"]);
    assert.deepEqual(rulesOf({ safetyNet: [...faultless.safetyNet, ...faultless.safetyNet] }), []);
  });

  it("finds that a message which was acknowledged is not stored", () => {
    const evidence = { stored: without(faultless.stored, 2), rows: without(faultless.rows, 3) };
    const history = [historyOf(eventOf(1)), historyOf(named), historyOf(eventOf(2))];
    assert.deepEqual(rulesOf({ ...evidence, history }), ["missing"]);
  });

  it("finds a row and a history entry that nobody published", () => {
    const foreign = eventOf(9);
    assert.deepEqual(rulesOf({ rows: [...faultless.rows, rowOf("m1", foreign)] }), ["extra"]);
    assert.deepEqual(rulesOf({ history: [...faultless.history, historyOf(foreign)] }), ["extra"]);
  });

  it("finds a row of a message that does not hold its event", () => {
    assert.deepEqual(rulesOf({ rows: [...faultless.rows, rowOf("m3", eventOf(1))] }), ["extra"]);
  });

  it("finds more messages than there were attempts to publish them, and accepts one for each attempt", () => {
    const again = (publication: number): Evidence["stored"] => [
      ...faultless.stored,
      { messageId: "m4", table, publication },
    ];
    assert.deepEqual(rulesOf({ stored: again(2) }), []);
    assert.deepEqual(rulesOf({ stored: again(1) }), ["extra"]);
    assert.deepEqual(rulesOf({ stored: again(7) }), ["extra"]);
  });

  it("finds a dead letter of an event or a message that nobody published", () => {
    assert.deepEqual(rulesOf({ deadLetters: [...faultless.deadLetters, deadLetterOf("m1", 3, "{")] }), ["extra"]);
  });

  it("finds an entry that was changed, with its hash or without", () => {
    const forged = eventOf(1, { success: false });
    const rows = [rowOf("m1", forged), ...without(faultless.rows, 0)];
    const history = [historyOf(forged), ...without(faultless.history, 0)];
    assert.ok(rulesOf({ rows, history }).includes("changed"));
    const text = canonicalize(forged);
    const halfForged = [historyOf(eventOf(1), { entry: text }), ...without(faultless.history, 0)];
    assert.deepEqual(rulesOf({ history: halfForged }), ["changed"]);
    const wrongHashes = [rowOf("m1", eventOf(1), { wrongHashes: 1 }), ...without(faultless.rows, 0)];
    assert.deepEqual(rulesOf({ rows: wrongHashes }), ["changed"]);
  });

  it("finds a conflict that is not flagged, and a flag without a conflict", () => {
    const [first, second, third] = faultless.history as [HistoryEntry, HistoryEntry, HistoryEntry];
    assert.deepEqual(rulesOf({ history: [first, second, { ...third, conflict: false }] }), ["conflict"]);
    assert.deepEqual(rulesOf({ history: [{ ...first, conflict: true }, second, third] }), ["conflict"]);
  });

  it("finds an entry that the history shows twice", () => {
    assert.deepEqual(rulesOf({ history: [...faultless.history, historyOf(eventOf(1))] }), ["twice"]);
  });

  it("finds a dead letter with another reason, another table, other bytes, or a second one", () => {
    const wrong = (more: Partial<DeadLetter>): string[] => rulesOf({ deadLetters: [deadLetterOf("m1", 1, "{", more)] });
    assert.deepEqual(wrong({ reason: "ERR_EMPTY" }), ["reason"]);
    assert.deepEqual(wrong({ table: "conversations" }), ["reason"]);
    assert.deepEqual(wrong({ data: Buffer.from("{ ") }), ["bytes"]);
    assert.deepEqual(wrong({ entryHash: "0" }), ["changed"]);
    assert.deepEqual(rulesOf({ deadLetters: [...faultless.deadLetters, ...faultless.deadLetters] }), ["twice"]);
  });
});

describe("audit() of a row that BigQuery refused", () => {
  const withRefusal = (deadLetter: DeadLetter, more: Partial<Evidence> = {}): string[] =>
    rulesOf({ deadLetters: [...faultless.deadLetters, deadLetter], ...more });
  const noEvent2 = {
    rows: without(faultless.rows, 2),
    history: [historyOf(eventOf(1)), historyOf(named), historyOf(eventOf(2, { success: true }))],
  };

  it("accepts the dead letter in place of the row", () => {
    assert.deepEqual(withRefusal(refused("m2", 1, eventOf(2)), noEvent2), []);
  });

  it("accepts the dead letter beside a row of another message", () => {
    assert.deepEqual(withRefusal(refused("m2", 0, eventOf(1))), []);
  });

  it("accepts the dead letter beside a row of the same message only when that was delivered again", () => {
    const deadLetter = refused("m2", 1, eventOf(2));
    assert.deepEqual(withRefusal(deadLetter), ["twice"]);
    assert.deepEqual(withRefusal(deadLetter, { deliveries: (messageId) => (messageId === "m2" ? 2 : 1) }), []);
  });

  it("does not take the refusal in one message for an excuse in another", () => {
    const lost = { rows: without(faultless.rows, 0), history: without(faultless.history, 0) };
    assert.deepEqual(withRefusal(refused("m1", 0, eventOf(1)), lost), ["missing"]);
  });

  it("finds another reason than the refusal for a valid event, and other bytes", () => {
    assert.deepEqual(withRefusal({ ...refused("m2", 1, eventOf(2)), reason: "ERR_TOO_DEEP" }, noEvent2), ["reason"]);
    assert.deepEqual(withRefusal({ ...refused("m2", 1, eventOf(2)), data: Buffer.of() }, noEvent2), ["bytes"]);
  });
});
