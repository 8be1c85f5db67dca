import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Admission } from "@indelible/subscriber/admission.ts";
import type { Fault } from "@indelible/subscriber/decode.ts";
import { createDedup } from "@indelible/subscriber/dedup.ts";
import type { Message } from "@indelible/subscriber/message.ts";
import { ingest, ingestAudit, type Outcome, type Pipeline } from "@indelible/subscriber/pipeline.ts";
import { jobEntry, logEntry, query, queryStats, view } from "./log-entries.ts";
import { readRow } from "./rows.ts";

interface World extends Pipeline {
  readonly rows: Record<string, unknown>[];
  readonly faults: Fault[];
}

function world(): World {
  const rows: Record<string, unknown>[] = [];
  const faults: Fault[] = [];
  return {
    admission: new Admission(),
    appender: {
      append: async (table, pending) => {
        rows.push(...pending.map((encode) => readRow(table, encode(1_800_000_000_000_000))));
        return [];
      },
      close: async () => {},
    },
    dedup: createDedup(),
    deadLetters: { publish: async (_table, _message, published) => void faults.push(...published) },
    rows,
    faults,
  };
}

let messages = 0;
function message(data: string, attributes: Message["attributes"] = {}): Message {
  messages += 1;
  return { id: String(messages), publishedAt: 1_780_000_000_000_000, data: Buffer.from(data), attributes };
}

describe("ingestAudit()", () => {
  const outcome = (more: Partial<Outcome>): Outcome => ({
    accepted: 0,
    duplicates: 0,
    conflicts: 0,
    deadLettered: 0,
    reasons: {},
    ignored: 0,
    ...more,
  });
  const take = (to: World, one: Message): Promise<Outcome> => ingestAudit(to, "log_access_audit", one);

  it("makes rows, once however often and by whatever message the record comes", async () => {
    const w = world();
    const data = JSON.stringify(jobEntry({ queryConfig: query }, { queryStats }));
    assert.deepEqual(await take(w, message(data)), outcome({ accepted: 2 }));
    assert.deepEqual(
      await take(w, message(data, { "logging.googleapis.com/timestamp": "x" })),
      outcome({ duplicates: 2 }),
    );
    assert.deepEqual(
      w.rows.map((row) => [row["dataset_id"], row["rows_read"]]),
      [
        ["agent_logs_raw", "12"],
        ["agent_logs", "12"],
      ],
    );
  });

  it("acknowledges and counts what is no read", async () => {
    const w = world();
    const appended = logEntry({ tableDataChange: { reason: "WRITE_API" } });
    assert.deepEqual(await take(w, message(JSON.stringify(appended))), outcome({ ignored: 1 }));
    assert.deepEqual([w.rows, w.faults], [[], []]);
  });

  it("lets a record take the room of all that it becomes", async () => {
    const taken: number[] = [];
    const w = world();
    const admission = { admit: () => ({ resize: (bytes: number) => void taken.push(bytes), [Symbol.dispose]() {} }) };
    const statement = "x".repeat(60_000);
    const record = JSON.stringify(jobEntry({ queryConfig: { ...query, query: statement } }, { queryStats }));
    await ingestAudit({ ...w, admission: admission as unknown as Admission }, "log_access_audit", message(record));
    const [decoded = 0, translated = 0] = taken;
    assert.equal(decoded, record.length);
    assert.ok(w.rows.length === 2 && translated > record.length + 2 * statement.length, `${translated} bytes`);
  });

  it("is the only way by which a read has no reporter", async () => {
    const w = world();
    const read = {
      access_id: "a",
      principal: "me",
      access_type: "query",
      accessed_at: "2026-01-31T09:30:00Z",
      dataset_id: "d",
      table_id: "t",
    };
    const reported = { ...read, publisher_id: "mine", log_id: "0199f7a0-0000-7000-8000-000000000001" };
    const data = [read, { ...read, publisher_id: null }, reported].map((event) => JSON.stringify(event)).join("\n");
    assert.deepEqual(
      await ingest(w, "log_access_audit", message(data, { format: "ndjson" })),
      outcome({ accepted: 1, deadLettered: 2, reasons: { ERR_INVALID_EVENT: 2 } }),
    );
    assert.deepEqual(
      w.rows.map((row) => row["publisher_id"]),
      ["mine"],
    );
    assert.match(w.faults[0]?.detail ?? "", /must have a publisher_id/);
  });

  it("makes a dead letter of what cannot be understood, as it came", async () => {
    const w = world();
    const data = JSON.stringify(logEntry({ tableDataRead: { reason: "JOB" } }, { resourceName: view.slice(1) }));
    const reasons = { ERR_INVALID_EVENT: 1 };
    assert.deepEqual(await take(w, message(data)), outcome({ deadLettered: 1, reasons }));
    const { detail, ...fault } = w.faults[0]!;
    assert.deepEqual(fault, { index: undefined, data: Buffer.from(data), code: "ERR_INVALID_EVENT" });
    assert.match(detail, /cannot be understood: the name of a table is not projects\/P/);
    assert.deepEqual(await take(w, message("")), outcome({ deadLettered: 1, reasons: { ERR_EMPTY: 1 } }));
    assert.deepEqual(await take(w, message("{}\n{}", { format: "ndjson" })), outcome({ deadLettered: 1, reasons }));
  });
});
