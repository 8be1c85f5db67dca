import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { entryHash, logIdOfMessage } from "@indelible/schemas/entry.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { tables, type Event, type TableName } from "@indelible/schemas/tables.ts";
import { Admission } from "@indelible/subscriber/admission.ts";
import type { Appender, PendingRow, RefusedRow } from "@indelible/subscriber/appender.ts";
import type { DeadLetters } from "@indelible/subscriber/dead-letters.ts";
import type { Fault } from "@indelible/subscriber/decode.ts";
import { createDedup } from "@indelible/subscriber/dedup.ts";
import type { Message } from "@indelible/subscriber/message.ts";
import { ingest as ingestWhole, type Outcome, type Pipeline } from "@indelible/subscriber/pipeline.ts";
import fc from "fast-check";
import { eventsOf } from "../schemas/samples.ts";
import { readRow } from "./rows.ts";

const base = { conversation_id: "c1", business_id: "acme", agent_position: "CFO", started_at: "2026-01-31T09:30:00Z" };
const id = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;
const event = (n: number, more: Event = {}): Event => ({ ...base, log_id: id(n), ...more });

/** What became of a message, without the breakdown by code that `codes` shows better. */
async function ingest(
  ...args: Parameters<typeof ingestWhole>
): Promise<Pick<Outcome, "accepted" | "duplicates" | "deadLettered">> {
  const { accepted, duplicates, deadLettered } = await ingestWhole(...args);
  return { accepted, duplicates, deadLettered };
}

interface World extends Pipeline {
  readonly rows: Record<string, unknown>[];
  readonly faults: Fault[];
  /** What happened, in order. */
  readonly order: string[];
}

function world(fail: { append?: () => readonly RefusedRow[] | Error; publish?: () => Error | undefined } = {}): World {
  const rows: Record<string, unknown>[] = [];
  const faults: Fault[] = [];
  const order: string[] = [];
  const appender: Appender = {
    async append(table: TableName, pending: readonly PendingRow[]) {
      const result = fail.append?.() ?? [];
      if (result instanceof Error) throw result;
      const refused = new Set(result.map((row) => row.position));
      for (const [position, encode] of pending.entries()) {
        if (!refused.has(position)) rows.push(readRow(table, encode(1_800_000_000_000_000)));
      }
      order.push("append");
      return result;
    },
    close: async () => {},
  };
  const deadLetters: DeadLetters = {
    async publish(_table, _message, published) {
      const error = fail.publish?.();
      if (error !== undefined) throw error;
      faults.push(...published);
      if (published.length > 0) order.push("dead-letter");
    },
  };
  return { admission: new Admission(), appender, dedup: createDedup(), deadLetters, rows, faults, order };
}

let messages = 0;
function message(data: string | Buffer, attributes: Message["attributes"] = {}): Message {
  messages += 1;
  return { id: String(messages), publishedAt: 1_780_000_000_123_456, data: Buffer.from(data as string), attributes };
}
const ndjson = (...events: readonly unknown[]): Message =>
  message(events.map((one) => (typeof one === "string" ? one : canonicalize(one))).join("\n"), { format: "ndjson" });

const codes = (w: World): [number | undefined, string][] => w.faults.map((fault) => [fault.index, fault.code]);

describe("ingest()", () => {
  it("makes a row of a plain JSON event: typed columns, entry, hash and what was recorded on the way", async () => {
    const w = world();
    const m = message(JSON.stringify(event(1, { input_tokens: 7, cost_usd: 0.5 })));
    assert.deepEqual(await ingest(w, "conversations", m), { accepted: 1, duplicates: 0, deadLettered: 0 });
    const entry = canonicalize(event(1, { input_tokens: 7, cost_usd: 0.5 }));
    assert.deepEqual(w.rows, [
      {
        ...base,
        log_id: id(1),
        started_at: String(Date.UTC(2026, 0, 31, 9, 30) * 1000),
        input_tokens: "7",
        cost_usd: 0.5,
        published_at: "1780000000123456",
        message_id: m.id,
        ingested_at: "1800000000000000",
        schema_version: String(tables.conversations.version),
        entry,
        entry_hash: entryHash(entry),
      },
    ]);
  });

  it("writes every valid event of a packed message, whatever it holds, with an entry that is its canonical form", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(eventsOf("decision_logs"), { minLength: 1, maxLength: 5 }), async (events) => {
        const w = world();
        const m = ndjson(...events);
        await ingest(w, "decision_logs", m);
        assert.deepEqual(codes(w), []);
        const entries = events.map((one, index) =>
          canonicalize({ ...one, log_id: one["log_id"] ?? logIdOfMessage("decision_logs", m.id, index) }),
        );
        assert.deepEqual(
          w.rows.map((row) => row["entry"]),
          [...new Set(entries)],
        );
        for (const row of w.rows) assert.equal(row["entry_hash"], entryHash(row["entry"] as string));
      }),
      { numRuns: 50 },
    );
  });

  it("gives an event without a log_id that is replayed the one that it would have had at first, however often", async () => {
    const w = world();
    const attributes = {
      "indelible.replay_of": "00000000-0000-5000-8000-000000000001",
      "indelible.message_id": "9",
      "indelible.index": "5",
      format: "ndjson",
    };
    for (const data of [
      JSON.stringify(base),
      `${JSON.stringify(base)}\n${JSON.stringify({ ...base, status: "error" })}`,
    ]) {
      await ingest(w, "conversations", message(data, attributes));
    }
    assert.deepEqual(
      w.rows.map((row) => row["log_id"]),
      [logIdOfMessage("conversations", "9", 5), logIdOfMessage("conversations", "9", 6)],
    );
    const forged = message(JSON.stringify(base), { ...attributes, "indelible.index": "-1" });
    await ingest(w, "conversations", forged);
    assert.equal(w.rows.at(-1)?.["log_id"], logIdOfMessage("conversations", forged.id, 0));
  });

  it("gives an event without a log_id the same one at each redelivery", async () => {
    const w = world();
    const m = message(JSON.stringify(base));
    await ingest(w, "conversations", m);
    assert.deepEqual(await ingest(w, "conversations", m), { accepted: 0, duplicates: 1, deadLettered: 0 });
    assert.equal(w.rows[0]?.["log_id"], logIdOfMessage("conversations", m.id, 0));
    assert.match(w.rows[0]?.["entry"] as string, /"log_id":"/);
  });

  it("accepts lossless JSON that is not canonical, and hashes the canonical form", async () => {
    const w = world();
    await ingest(
      w,
      "conversations",
      message(
        ` { "started_at":"2026-01-31T09:30:00Z",\n "conversation_id":"c1", "cost_usd":1.50, "business_id":"acme","agent_position":"\\u0043FO" , "log_id":"${id(9)}"}`,
      ),
    );
    assert.equal(w.rows[0]?.["entry"], canonicalize(event(9, { cost_usd: 1.5 })));
  });

  it("cuts nanoseconds in entry and column alike", async () => {
    const w = world();
    await ingest(w, "conversations", message(JSON.stringify(event(1, { ended_at: "2026-01-31T10:00:00.123456789Z" }))));
    assert.equal(w.rows[0]?.["ended_at"], String(Date.UTC(2026, 0, 31, 10) * 1000 + 123_456));
    assert.match(w.rows[0]?.["entry"] as string, /"ended_at":"2026-01-31T10:00:00.123456Z"/);
  });

  it("strips a byte order mark and blank lines", async () => {
    const w = world();
    const text = `\ufeff${JSON.stringify(event(1))}\r\n\n${JSON.stringify(event(2))}\n`;
    assert.equal((await ingest(w, "conversations", message(text, { format: "ndjson" }))).accepted, 2);
  });

  it("dead-letters only the bad events of a packed message, with their bytes and position", async () => {
    const w = world();
    const bad = `{"conversation_id":"c1"}`;
    const lossy = canonicalize(event(3)).replace('"acme"', '"acme","input_tokens":9007199254740993');
    const m = ndjson(event(0), bad, "not json", lossy, event(4, { mood: "good" }), event(5));
    assert.deepEqual(await ingest(w, "conversations", m), { accepted: 2, duplicates: 0, deadLettered: 4 });
    assert.deepEqual(
      codes(w).sort(([a], [b]) => Number(a) - Number(b)),
      [
        [1, "ERR_INVALID_EVENT"],
        [2, "ERR_NOT_JSON"],
        [3, "ERR_INVALID_EVENT"],
        [4, "ERR_UNKNOWN_FIELD"],
      ],
    );
    assert.equal(w.faults.find((fault) => fault.index === 1)?.data.toString(), bad);
  });

  const lossy: [string, string, string][] = [
    ["a key that stands twice", `"input_tokens":1,"input_tokens":2`, "ERR_DUPLICATE_KEY"],
    ["a number with too many digits", `"cost_usd":0.12345678901234567890123`, "ERR_LOSSY_NUMBER"],
    ["minus zero", `"cost_usd":-0`, "ERR_LOSSY_NUMBER"],
    ["half a surrogate pair", `"error_message":"\\ud800"`, "ERR_LONE_SURROGATE"],
  ];
  for (const [what, member, code] of lossy) {
    it(`dead-letters ${what}`, async () => {
      const w = world();
      await ingest(w, "conversations", message(`{${member},${JSON.stringify(base).slice(1)}`));
      assert.deepEqual(codes(w), [[0, code]]);
      assert.deepEqual(w.rows, []);
    });
  }

  it("dead-letters a number that overflows as the lossy number that it is, in a JSON column too", async () => {
    const w = world();
    const action = { action_id: "a", business_id: "acme", agent_position: "CFO", started_at: base.started_at };
    await ingest(w, "action_logs", message(JSON.stringify(action).replace("{", '{"action_details":{"x":1e400},')));
    assert.deepEqual(codes(w), [[0, "ERR_LOSSY_NUMBER"]]);
  });

  it("dead-letters JSON beyond 500 levels, also where parsing it would not overflow the stack", async () => {
    const w = world();
    const action = { action_id: "a", business_id: "acme", agent_position: "CFO", started_at: base.started_at };
    const deep = JSON.stringify(action).replace("{", `{"action_details":${"[".repeat(50_000)}${"]".repeat(50_000)},`);
    await ingest(w, "action_logs", message(deep));
    assert.deepEqual(codes(w), [[0, "ERR_TOO_DEEP"]]);
  });

  const undecodable: [string, string | Buffer, Message["attributes"], string][] = [
    ["an unknown encoding", "x", { encoding: "rot13" }, "ERR_UNKNOWN_ENCODING"],
    ["an unknown format", "x", { format: "xml" }, "ERR_UNKNOWN_ENCODING"],
    ["empty data with attributes only", "", { a: "b" }, "ERR_EMPTY"],
    ["blank lines only", "\n \n", { format: "ndjson" }, "ERR_EMPTY"],
  ];
  for (const [what, data, attributes, code] of undecodable) {
    it(`dead-letters a whole message with ${what}`, async () => {
      const w = world();
      const outcome = await ingest(w, "conversations", message(data, attributes));
      assert.deepEqual(outcome, { accepted: 0, duplicates: 0, deadLettered: 1 });
      assert.deepEqual(codes(w), [[undefined, code]]);
      assert.equal(w.faults[0]?.data.toString(), data);
    });
  }

  it("dead-letters the one event that is not UTF-8, byte for byte, and writes its neighbours", async () => {
    const w = world();
    const broken = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
    const newline = Buffer.from("\n");
    const data = Buffer.concat([
      Buffer.from(canonicalize(event(1))),
      newline,
      broken,
      newline,
      Buffer.from(canonicalize(event(2))),
    ]);
    const outcome = await ingest(w, "conversations", { ...message("x"), data, attributes: { format: "ndjson" } });
    assert.deepEqual(outcome, { accepted: 2, duplicates: 0, deadLettered: 1 });
    assert.deepEqual(codes(w), [[1, "ERR_NOT_UTF8"]]);
    assert.deepEqual(w.faults[0]?.data, broken);
  });

  it("collapses duplicates within a message and from earlier ones, and counts them", async () => {
    const w = world();
    assert.deepEqual(await ingest(w, "conversations", ndjson(event(1), event(1), event(2))), {
      accepted: 2,
      duplicates: 1,
      deadLettered: 0,
    });
    assert.deepEqual(await ingest(w, "conversations", ndjson(event(2), event(3))), {
      accepted: 1,
      duplicates: 1,
      deadLettered: 0,
    });
    assert.equal(w.rows.length, 3);
  });

  it("writes the same log_id with other content: a conflict is not a duplicate", async () => {
    const w = world();
    await ingest(w, "conversations", ndjson(event(1), event(1, { status: "error" })));
    await ingest(w, "conversations", ndjson(event(1, { status: "timeout" })));
    assert.equal(w.rows.length, 3);
  });

  it("keeps tables apart: the same log_id in two tables is two entries", async () => {
    const w = world();
    const action = {
      action_id: "a",
      business_id: "acme",
      agent_position: "CFO",
      started_at: base.started_at,
      log_id: id(1),
    };
    await ingest(w, "conversations", ndjson(event(1)));
    assert.equal((await ingest(w, "action_logs", ndjson(action))).accepted, 1);
  });

  it("does not mark as seen what was not acknowledged: after a failed append the redelivery is written", async () => {
    let failing = true;
    const w = world({ append: () => (failing ? new IndelibleError("ERR_APPEND_OUTCOME_UNKNOWN", "broken") : []) });
    const m = ndjson(event(1));
    await assert.rejects(ingest(w, "conversations", m), { code: "ERR_APPEND_OUTCOME_UNKNOWN", retryable: true });
    failing = false;
    assert.equal((await ingest(w, "conversations", m)).accepted, 1);
  });

  it("dead-letters the rows that BigQuery refuses, marks only their neighbours, and acknowledges", async () => {
    const w = world({ append: () => [{ position: 1, code: "ERR_ROW_REFUSED", reason: "no such thing" }] });
    const outcome = await ingest(w, "conversations", ndjson(event(1), event(2), event(3)));
    assert.deepEqual(outcome, { accepted: 2, duplicates: 0, deadLettered: 1 });
    assert.deepEqual(codes(w), [[1, "ERR_ROW_REFUSED"]]);
    assert.equal(w.faults[0]?.data.toString(), canonicalize(event(2)));
  });

  it("rejects when the dead letters could not be published, and finds its rows again as duplicates", async () => {
    let failing = true;
    const w = world({ publish: () => (failing ? new IndelibleError("ERR_PUBLISH", "no topic") : undefined) });
    const m = ndjson(event(1), "not json");
    await assert.rejects(ingest(w, "conversations", m), { code: "ERR_PUBLISH", retryable: true });
    failing = false;
    assert.deepEqual(await ingest(w, "conversations", m), { accepted: 0, duplicates: 1, deadLettered: 1 });
    assert.equal(w.rows.length, 1);
  });
});
