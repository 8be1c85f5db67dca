import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { Admission } from "@indelible/subscriber/admission.ts";
import { createDedup } from "@indelible/subscriber/dedup.ts";
import { Metrics } from "@indelible/subscriber/metrics.ts";
import { Receiver } from "@indelible/subscriber/receiver.ts";

/** What a delivery of this data logs. BigQuery refuses every append. */
async function logOf(t: TestContext, data: string): Promise<{ readonly [field: string]: unknown }[]> {
  const admission = new Admission();
  const refusal = new IndelibleError("ERR_APPEND_REFUSED", "append to conversations: 5 NOT_FOUND");
  const receiver = new Receiver(
    {
      admission,
      appender: { append: () => Promise.reject(refusal), close: async () => {} },
      dedup: createDedup(),
      deadLetters: { publish: async () => {} },
    },
    new Metrics(admission),
  );
  const lines: string[] = [];
  const write = t.mock.method(process.stderr, "write", (line: string) => lines.push(line) > 0);
  const message = { id: "1", publishedAt: 1_800_000_000_000_000, data: Buffer.from(data), attributes: {} };
  await receiver.receive("conversations", message).catch(() => undefined);
  write.mock.restore();
  return lines.map((line) => JSON.parse(line) as { readonly [field: string]: unknown });
}

describe("what alerts and metrics know deliveries by", () => {
  it("is severity ERROR, table and code of one that failed", async (t) => {
    const event = {
      conversation_id: "c1",
      business_id: "b",
      agent_position: "CFO",
      started_at: "2026-01-31T09:30:00Z",
    };
    const [line, ...others] = await logOf(t, JSON.stringify(event));
    assert.equal(others.length, 0);
    const { severity, table, code } = line ?? {};
    assert.deepEqual([severity, table, code], ["ERROR", "conversations", "ERR_APPEND_REFUSED"]);
  });

  it("is the number of events that were dead-lettered, with the table and without a code", async (t) => {
    const [line, ...others] = await logOf(t, "no JSON");
    assert.equal(others.length, 0);
    const { severity, table, code, deadLettered } = line ?? {};
    assert.deepEqual([severity, table, code, deadLettered], ["WARNING", "conversations", undefined, 1]);
  });
});
