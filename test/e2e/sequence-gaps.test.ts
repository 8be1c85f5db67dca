import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { auditQueriesOf } from "@indelible/schemas/audit-queries.ts";
import { VIEWS_DATASET } from "@indelible/schemas/names.ts";
import type { Event } from "@indelible/schemas/tables.ts";
import { formatTimestamp } from "@indelible/schemas/timestamp.ts";
import { RawWarehouse } from "./raw-warehouse.ts";

const projectId = "gaps-test";
const second = 1_000_000;
const day = 86_400 * second;
const start = (Math.floor(Date.now() / 1000) - 3600) * second;

const thought = (publisher: string, seq: number): Event => ({
  thinking_id: `${publisher}-${seq}`,
  conversation_id: "c",
  business_id: "acme",
  agent_position: "CFO",
  timestamp: "2026-01-31T09:30:00Z",

  publisher_id: publisher,
  seq,
});
const called = (publisher: string, seq: number): Event => ({
  usage_id: `${publisher}-${seq}`,
  business_id: "acme",
  agent_position: "CFO",
  server_name: "s",
  tool_name: "t",
  called_at: "2026-01-31T09:30:00Z",
  publisher_id: publisher,
  seq,
});

interface Gap {
  readonly publisher_id: string;
  readonly first_missing: number;
  readonly last_missing: number;
  readonly missing: number;
  readonly seen_before: { readonly value: string } | null;
  readonly seen_after: { readonly value: string };
}

describe("the numbers that are missing", () => {
  const auditQuery = auditQueriesOf(projectId).find(({ name }) => name === "sequence_gaps");
  let warehouse: RawWarehouse;
  let deadLetters = 0;

  before(async () => {
    warehouse = await RawWarehouse.open(projectId);
  });
  after(() => warehouse?.close());

  /** Ranges of one publisher, which the view and the auditors' query must agree about. */
  async function gapsOf(publisher: string): Promise<[first: number, last: number][]> {
    const view = await warehouse.query<Gap>(
      `SELECT * FROM ${VIEWS_DATASET}.sequence_gaps ORDER BY publisher_id, first_missing`,
    );
    assert.deepEqual(await warehouse.query<Gap>(auditQuery?.query ?? ""), view);
    for (const { first_missing, last_missing, missing } of view)
      assert.equal(missing, last_missing - first_missing + 1);
    return view
      .filter(({ publisher_id }) => publisher_id === publisher)
      .map(({ first_missing, last_missing }) => [first_missing, last_missing]);
  }
  /** One dead letter as the subscriber makes it. `index` undefined: of a whole message. */
  function bury(data: string | Buffer, index?: number): Promise<void> {
    deadLetters += 1;
    return warehouse.bury(start + 100 * second, data, {
      "indelible.reason": "ERR_INVALID_EVENT",
      "indelible.detail": "broken",
      "indelible.table": "thinking_logs",
      "indelible.message_id": `source-${deadLetters}`,
      "indelible.published_at": formatTimestamp(start),
      ...(index !== undefined && { "indelible.index": String(index) }),
    });
  }

  it("are none while every number is there, in whatever table, order and however often", async () => {
    await warehouse.write("thinking_logs", start, thought("whole", 3), thought("whole", 1), thought("whole", 1));
    await warehouse.write("mcp_usage_logs", start, called("whole", 2));
    assert.deepEqual(await gapsOf("whole"), []);
  });

  it("are ranges between 1 and the highest number that has arrived, with the neighbours' times", async () => {
    await warehouse.write("thinking_logs", start, thought("torn", 3), thought("torn", 4));
    await warehouse.write("mcp_usage_logs", start + second, called("torn", 6));
    await warehouse.write("thinking_logs", start + 2 * second, thought("torn", 9_007_199_254_740_991));
    assert.deepEqual(await gapsOf("torn"), [
      [1, 2],
      [5, 5],
      [7, 9_007_199_254_740_990],
    ]);
    const [, gap] = await warehouse.query<Gap>(
      `SELECT * FROM ${VIEWS_DATASET}.sequence_gaps WHERE publisher_id = 'torn' ORDER BY first_missing`,
    );
    const micros = (value: string | undefined): number => Date.parse(value ?? "") * 1000;
    assert.equal(micros(gap?.seen_before?.value), start);
    assert.equal(micros(gap?.seen_after.value), start + second);
  });

  it("are not those in dead letters, also of whole messages and in several parts", async () => {
    const event = (seq: number, more: object = {}): string => JSON.stringify({ publisher_id: "dead", seq, ...more });
    await warehouse.write("thinking_logs", start, thought("dead", 1), thought("dead", 20));
    await bury(event(2), 0);
    await bury(event(2), 1);
    await bury(JSON.stringify({ publisher_id: "dead", seq: 3, unknown: [1] }, undefined, 2), 0);
    await bury([event(4), "", "no JSON at all", event(5)].join("\n"));
    // 1 MiB is the most that one row holds; the cut is within the second event.
    await bury([event(6), event(7, { long: "é".repeat(1_100_000) }), event(8)].join("\n"));
    await bury(JSON.stringify({ publisher_id: "dead", seq: "nine" }), 0);
    await bury(JSON.stringify({ publisher_id: "dead", seq: -1 }), 0);
    await bury(Buffer.concat([Buffer.from(event(10)), Buffer.from([0xff])]));
    assert.deepEqual(await gapsOf("dead"), [[9, 19]]);
  });

  it("are not told of times of which the first rows have expired", async () => {
    await warehouse.write("thinking_logs", start - 400 * day, thought("old", 5));
    await warehouse.write("thinking_logs", start, thought("old", 7));
    assert.deepEqual(await gapsOf("old"), [[6, 6]]);
  });

  it("are beside the numbers that are there, each once", async () => {
    const query = `SELECT COUNT(*) AS n, MAX(seq) AS highest FROM ${VIEWS_DATASET}.sequence_numbers WHERE publisher_id = 'whole'`;
    assert.deepEqual(await warehouse.query(query), [{ n: 3, highest: 3 }]);
  });
});

describe("the view of conflicts", () => {
  it("has one row for each identity whose entries differ, of whatever table", async () => {
    const warehouse = await RawWarehouse.open(projectId);
    try {
      const id = "00000000-0000-7000-8000-000000000001";
      const same = { ...thought("p", 1), log_id: id };
      await warehouse.write("thinking_logs", start, same);
      await warehouse.write("thinking_logs", start, same);
      await warehouse.write("mcp_usage_logs", start, { ...called("p", 2), log_id: id });
      await warehouse.write("mcp_usage_logs", start + second, { ...called("p", 3), log_id: id });
      const rows = await warehouse.query<{ first_published_at: { value: string } }>(
        `SELECT * FROM ${VIEWS_DATASET}.conflicts`,
      );
      assert.deepEqual(
        rows.map((row) => ({ ...row, first_published_at: Date.parse(row.first_published_at.value) * 1000 })),
        [{ table_name: "mcp_usage_logs", log_id: id, entries: 2, first_published_at: start }],
      );
    } finally {
      await warehouse.close();
    }
  });
});
