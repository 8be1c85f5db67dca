import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { bigQueryQuestions } from "@indelible/ledger/questions.ts";
import { RAW_DATASET } from "@indelible/schemas/names.ts";
import type { Event } from "@indelible/schemas/tables.ts";
import { RawWarehouse } from "../e2e/raw-warehouse.ts";

const second = 1_000_000;
const now = Math.floor(Date.now() / 1000) * second;
const id = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;

const conversation = (publisher: string, seq: number, more: Event = {}): Event => ({
  conversation_id: "c",
  business_id: "acme",
  agent_position: "CFO",
  started_at: "2026-01-31T09:30:00Z",
  publisher_id: publisher,
  seq,
  ...more,
});

async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe("bigQueryQuestions()", () => {
  let warehouse: RawWarehouse;
  before(async () => {
    warehouse = await RawWarehouse.open("questions-test");
  });
  after(() => warehouse?.close());

  it("gives nothing while nothing is wrong", async () => {
    const questions = bigQueryQuestions(warehouse.bigquery);
    assert.deepEqual([await listOf(questions.gaps()), await listOf(questions.conflicts())], [[], []]);
  });

  it("gives every gap and conflict exactly, page by page", async () => {
    const highest = Number.MAX_SAFE_INTEGER;
    await warehouse.write("conversations", now - second, conversation("torn", 2));
    await warehouse.write("conversations", now, conversation("torn", 4));
    await warehouse.write("conversations", now, conversation("vast", highest, { log_id: id(1) }));
    await warehouse.write("conversations", now, conversation("vast", highest - 1, { log_id: id(1) }));
    await warehouse.write("conversations", now, conversation("vast", 1, { log_id: id(2) }));
    await warehouse.write("conversations", now, conversation("vast", 1, { log_id: id(2), status: "error" }));
    const questions = bigQueryQuestions(warehouse.bigquery, RAW_DATASET, 1);
    assert.deepEqual(await listOf(questions.gaps()), [
      { publisherId: "torn", firstMissing: 1n, lastMissing: 1n, seenAfterMicros: BigInt(now - second) },
      { publisherId: "torn", firstMissing: 3n, lastMissing: 3n, seenAfterMicros: BigInt(now) },
      { publisherId: "vast", firstMissing: 2n, lastMissing: BigInt(highest - 2), seenAfterMicros: BigInt(now) },
    ]);
    assert.deepEqual(await listOf(questions.conflicts()), [
      { table: "conversations", logId: id(1) },
      { table: "conversations", logId: id(2) },
    ]);
  });

  it("ends between two pages when it is interrupted", async () => {
    const questions = bigQueryQuestions(warehouse.bigquery, RAW_DATASET, 1);
    for (const ask of [questions.gaps, questions.conflicts]) {
      const controller = new AbortController();
      const seen: unknown[] = [];
      await assert.rejects(
        async () => {
          for await (const one of ask(controller.signal)) {
            seen.push(one);
            controller.abort();
          }
        },
        { name: "AbortError" },
      );
      assert.equal(seen.length, 1);
    }
  });

  it("says what to do where an earlier version has made no such table", async () => {
    await warehouse.bigquery.dataset(RAW_DATASET).table("dead_letter_reviews").delete();
    await assert.rejects(listOf(bigQueryQuestions(warehouse.bigquery).conflicts()), {
      code: "ERR_READ",
      hint: /provision it again/,
    });
  });
});
