import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { BigQuery } from "@google-cloud/bigquery";
import { v1 } from "@google-cloud/bigquery-storage";
import { credentials } from "@grpc/grpc-js";
import { RAW_DATASET, VIEWS_DATASET } from "@indelible/schemas/names.ts";
import type { Event, TableName } from "@indelible/schemas/tables.ts";
import { Admission } from "@indelible/subscriber/admission.ts";
import { storageWriteAppender, type Appender } from "@indelible/subscriber/appender.ts";
import type { DeadLetters } from "@indelible/subscriber/dead-letters.ts";
import { createDedup } from "@indelible/subscriber/dedup.ts";
import { ingest } from "@indelible/subscriber/pipeline.ts";
import { provisionWarehouse } from "../../cli/dev/provision.ts";
import { startService, type ServiceProcess } from "../processes.ts";

const projectId = "views-test";
const id = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;
const conversation = (n: number, more: Event): Event => ({
  conversation_id: "c1",
  business_id: "acme",
  agent_position: "CFO",
  started_at: "2026-01-31T09:30:00Z",
  log_id: id(n),
  ...more,
});

describe("the views, over rows that the appender wrote", () => {
  const data = mkdtempSync(join(tmpdir(), "indelible-views-"));
  let warehouse: ServiceProcess;
  let bigquery: BigQuery;
  let appender: Appender;
  let messages = 0;

  before(async () => {
    warehouse = await startService("local/bigquery/main.ts", ["--data", data, "--port", "0", "--grpc-port", "0"]);
    process.env["BIGQUERY_EMULATOR_HOST"] = `http://127.0.0.1:${warehouse.ready.port}`;
    process.env["METADATA_SERVER_DETECTION"] = "none";
    bigquery = new BigQuery({ projectId });
    await provisionWarehouse(bigquery);
    const client = new v1.BigQueryWriteClient({
      projectId,
      apiEndpoint: "127.0.0.1",
      port: warehouse.ready.grpcPort ?? 0,
      sslCreds: credentials.createInsecure(),
      clientOptions: { universeDomain: "googleapis.com" },
    });
    appender = storageWriteAppender({ createClient: () => client, projectId, datasetId: RAW_DATASET });
  });
  after(async () => {
    await appender?.close();
    await warehouse?.stop();
    rmSync(data, { recursive: true });
  });

  /** Takes events the whole way to rows as one message, published at that second; never deduplicated on the way. */
  async function write(table: TableName, second: number, ...events: readonly Event[]): Promise<void> {
    const deadLetters: DeadLetters = {
      async publish(_table, _message, faults) {
        assert.deepEqual(faults, []);
      },
    };
    messages += 1;
    const message = {
      id: String(messages),
      publishedAt: 1_780_000_000_000_000 + second * 1_000_000,
      data: Buffer.from(events.map((event) => JSON.stringify(event)).join("\n")),
      attributes: { format: "ndjson" },
    };
    await ingest({ admission: new Admission(), appender, dedup: createDedup(), deadLetters }, table, message);
  }
  async function select<Row>(query: string): Promise<Row[]> {
    const [rows] = await bigquery.query({ query, defaultDataset: { datasetId: VIEWS_DATASET } });
    return rows as Row[];
  }

  it("show an entry once however often it was appended: the one that was published first", async () => {
    const event = conversation(1, { cost_usd: 0.5 });
    await write("conversations", 20, event);
    await write("conversations", 10, event);
    await write("conversations", 30, event);
    assert.deepEqual(await select(`SELECT COUNT(*) AS n FROM ${RAW_DATASET}.conversations`), [{ n: 3 }]);
    assert.deepEqual(await select("SELECT message_id, conflict FROM conversations_history"), [
      { message_id: "2", conflict: false },
    ]);
    assert.deepEqual(await select("SELECT SUM(cost_usd) AS usd, SUM(entries) AS entries FROM conversations"), [
      { usd: 0.5, entries: 1 },
    ]);
  });

  it("flag two entries with the same log_id and other content, and show the first", async () => {
    await write("conversations", 10, conversation(2, { conversation_id: "c2", status: "completed" }));
    await write("conversations", 20, conversation(2, { conversation_id: "c2", status: "error" }));
    assert.deepEqual(await select("SELECT status, conflict FROM conversations_history WHERE conversation_id = 'c2'"), [
      { status: "completed", conflict: true },
    ]);
  });

  it("show an entity with the latest value of each column, whatever the order of arrival", async () => {
    const entity = { conversation_id: "c3", publisher_id: "p" };
    const ended = conversation(5, {
      ...entity,
      seq: 3,
      logged_at: "2026-01-31T09:32:00Z",
      status: "completed",
      cost_usd: 0.25,
    });
    const prompted = conversation(4, {
      ...entity,
      seq: 2,
      logged_at: "2026-01-31T09:31:00Z",
      user_prompt_preview: "Why?",
      cost_usd: 0.1,
    });
    const started = conversation(3, {
      ...entity,
      seq: 1,
      logged_at: "2026-01-31T09:30:00Z",
      model_name: "m",
      user_prompt_preview: "?",
    });
    await write("conversations", 10, ended);
    await write("conversations", 20, started, prompted);
    const query =
      "SELECT model_name, user_prompt_preview, status, cost_usd, log_id, entries FROM conversations WHERE conversation_id = 'c3'";
    assert.deepEqual(await select(query), [
      { model_name: "m", user_prompt_preview: "Why?", status: "completed", cost_usd: 0.25, log_id: id(5), entries: 3 },
    ]);
  });

  it("keep arrays and structs, also when a later entry has none", async () => {
    const decision = {
      decision_id: "d1",
      business_id: "acme",
      agent_position: "CFO",
      decided_at: "2026-01-31T09:30:00Z",
    };
    const options = [{ option: "é", pros: ["cheap"], cons: [], score: 0.5 }];
    await write("decision_logs", 10, {
      ...decision,
      log_id: id(6),
      options_evaluated: options,
      affected_agents: ["CMO"],
    });
    await write("decision_logs", 20, { ...decision, log_id: id(7), human_reviewed: true });
    assert.deepEqual(await select("SELECT options_evaluated, affected_agents, human_reviewed FROM decision_logs"), [
      { options_evaluated: options, affected_agents: ["CMO"], human_reviewed: true },
    ]);
  });

  it("let an auditor check every hash with no tool of ours", async () => {
    const query = `SELECT COUNT(*) AS n, COUNTIF(TO_HEX(SHA256(entry)) != entry_hash) AS wrong FROM ${RAW_DATASET}.conversations`;
    assert.deepEqual(await select(query), [{ n: 8, wrong: 0 }]);
  });
});
