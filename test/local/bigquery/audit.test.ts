import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { warehouseRoles } from "@indelible/schemas/rights.ts";
import { parsePolicy } from "../../../local/bigquery/access/policy.ts";
import { Outbox } from "../../../local/bigquery/audit/outbox.ts";
import { startWarehouse } from "../../../local/bigquery/server.ts";
import { AuditTopic, type LogEntry } from "./audit-topic.ts";
import {
  Appender,
  DATASET,
  PROJECT,
  RowType,
  bigQuery,
  createTable,
  defaultStream,
  temporaryFolder,
  writeClient,
} from "./clients.ts";
import { ReadCaller } from "./read-caller.ts";
import { end, spawnWarehouse } from "./warehouse-process.ts";
import type { BigQuery } from "@google-cloud/bigquery";
import type { TestContext } from "node:test";
import type { Policy } from "../../../local/bigquery/access/policy.ts";
import type { WarehouseServer } from "../../../local/bigquery/server.ts";

const fields = [
  { name: "id", type: "INT64", mode: "REQUIRED" },
  { name: "text", type: "STRING" },
];
const path = (table: string): string => `projects/${PROJECT}/datasets/${DATASET}/tables/${table}`;
const quoted = (table: string): string => `\`${PROJECT}.${DATASET}.${table}\``;

interface World {
  readonly server: WarehouseServer;
  readonly client: BigQuery;
  readonly topic: AuditTopic;
}

/** A warehouse with an audit and a table `events` of three rows, which a view `seen` and a view `seen_twice` of that one read. */
async function world(t: TestContext, maxRecords?: number, access?: Policy): Promise<World> {
  const topic = await AuditTopic.start();
  t.after(() => topic.stop());
  const server = await startWarehouse({
    dataDirectory: await temporaryFolder(),
    port: 0,
    grpcPort: 0,
    audit: { topic: topic.topic, pubsubHost: topic.host, maxRecords },
    ...(access === undefined ? {} : { access }),
  });
  t.after(() => server.close());
  await createTable(server, "events", fields);
  const rowType = new RowType(fields);
  const appender = new Appender(writeClient(t, server));
  const serializedRows = [1, 2, 3].map((id) => rowType.encode({ id, text: `secret ${id}` }));
  await appender.append({
    writeStream: defaultStream("events"),
    protoRows: { writerSchema: rowType.writerSchema, rows: { serializedRows } },
  });
  appender.end();
  const client = bigQuery(server);
  const dataset = client.dataset(DATASET);
  await dataset.createTable("seen", {
    view: { query: `SELECT id, text FROM ${quoted("events")}`, useLegacySql: false },
  });
  await dataset.createTable("seen_twice", { view: { query: `SELECT id FROM ${quoted("seen")}`, useLegacySql: false } });
  return { server, client, topic };
}

/** Who calls the Storage Read API, without a token when he has none; closed after the test. */
function readCaller(t: TestContext, server: WarehouseServer, token?: string): ReadCaller {
  const caller = new ReadCaller(server, token);
  t.after(() => caller.close());
  return caller;
}

const readOf = ({ protoPayload }: LogEntry): unknown => protoPayload.metadata.tableDataRead;

test("a query - makes a record of its job, and one of each table and view that it reads", async (t) => {
  const { client, topic } = await world(t);
  const query = `SELECT id FROM ${quoted("seen_twice")} WHERE id > 1`;
  const labels = { indelible_purpose: "invoice-check" };
  const [job] = await client.createQueryJob({ query, labels });
  await job.getQueryResults();
  const [done, ...reads] = await topic.take(4);
  const jobName = `projects/${PROJECT}/jobs/${job.id}`;
  const { methodName, resourceName, authenticationInfo, requestMetadata, metadata } = done!.protoPayload;
  assert.deepEqual(
    { methodName, resourceName, authenticationInfo, callerIp: requestMetadata.callerIp, type: done!.resource.type },
    {
      methodName: "google.cloud.bigquery.v2.JobService.InsertJob",
      resourceName: jobName,
      authenticationInfo: { principalEmail: "anonymous@localhost" },
      callerIp: "127.0.0.1",
      type: "bigquery_project",
    },
  );
  assert.match(requestMetadata.callerSuppliedUserAgent, /gcloud-node-bigquery/);
  const { after, job: told } = metadata.jobChange!;
  assert.equal(after, "DONE");
  assert.equal(told.jobName, jobName);
  assert.equal(told.jobConfig.queryConfig["query"], query);
  assert.match(told.jobConfig.queryConfig["destinationTable"] ?? "", /\/datasets\/_[0-9a-f]{40}\/tables\/anon/);
  assert.deepEqual(told.jobConfig.labels, labels);
  assert.deepEqual(told.jobStats.queryStats, {
    referencedTables: [path("events")],
    referencedViews: [path("seen_twice"), path("seen")],
    outputRowCount: "2",
  });
  assert.deepEqual(
    reads.map((entry) => entry.protoPayload.resourceName),
    [path("events"), path("seen_twice"), path("seen")],
  );
  for (const read of reads) assert.deepEqual(readOf(read), { reason: "JOB", jobName });
  const [metadataOfJob] = await job.getMetadata();
  assert.deepEqual(metadataOfJob.configuration.labels, labels);
});

test("jobs.query - a read is recorded also when its result is never fetched, and once when it is fetched twice", async (t) => {
  const { client, topic } = await world(t);
  const [unfetched] = await client.createQueryJob({ query: `SELECT 1 AS one FROM ${quoted("events")}` });
  await topic.take(2);
  await unfetched.getQueryResults();
  await unfetched.getQueryResults();
  await client.query(`SELECT text FROM ${quoted("events")} WHERE id = 2`);
  const [next] = await topic.take(2);
  assert.match(next!.protoPayload.metadata.jobChange?.job.jobConfig.queryConfig["query"] ?? "", /id = 2/);
});

test("tabledata.list - makes a record of the table with its fields", async (t) => {
  const { client, topic } = await world(t);
  await client.dataset(DATASET).table("events").getRows();
  const [entry] = await topic.take(1);
  assert.equal(entry!.protoPayload.resourceName, path("events"));
  assert.equal(entry!.protoPayload.methodName, "google.cloud.bigquery.v2.TableDataService.List");
  assert.deepEqual(readOf(entry!), { fields: ["id", "text"], reason: "TABLEDATA_LIST_REQUEST" });
});

const events = `datasets/${DATASET}/tables/events`;

test("a read session - makes a record of its table with the selected fields, before a row is asked for, and none for its rows", async (t) => {
  const { server, topic } = await world(t);
  const caller = readCaller(t, server);
  const session = await caller.createSession(events, { selectedFields: ["text"], rowRestriction: "id > 1" });
  const [entry, ...others] = await topic.take(1);
  assert.deepEqual(others, []);
  const { methodName, resourceName, authenticationInfo, requestMetadata, metadata } = entry!.protoPayload;
  assert.deepEqual(
    { methodName, resourceName, authenticationInfo, callerIp: requestMetadata.callerIp, resource: entry!.resource },
    {
      methodName: "google.cloud.bigquery.storage.v1.BigQueryRead.CreateReadSession",
      resourceName: path("events"),
      authenticationInfo: { principalEmail: "anonymous@localhost" },
      callerIp: "127.0.0.1",
      resource: { type: "bigquery_dataset", labels: { project_id: PROJECT, dataset_id: DATASET } },
    },
  );
  assert.match(requestMetadata.callerSuppliedUserAgent, /grpc-node/);
  assert.match(session.name ?? "", /^projects\/test-project\/locations\/us\/sessions\/[0-9a-f]{32}$/);
  assert.deepEqual(metadata.tableDataRead, {
    fields: ["text"],
    reason: "CREATE_READ_SESSION",
    sessionName: session.name,
  });
  assert.equal(await caller.readRows(session), 2);
  // Everything is published in its order: what the rows had made would come first.
  const again = await caller.createSession(events);
  assert.deepEqual((await topic.take(1)).map(readOf), [
    { fields: ["id", "text"], reason: "CREATE_READ_SESSION", sessionName: again.name },
  ]);
});

test("a refused read session - makes none, whoever asks and whatever for", async (t) => {
  const token = "token-of-the-reader";
  const reader = { token, principal: "reader@example.com", role: "reader" };
  const { server, topic } = await world(
    t,
    undefined,
    parsePolicy({ anonymous: "admin", callers: [reader], roles: warehouseRoles() }),
  );
  const caller = readCaller(t, server);
  const seen = `datasets/${DATASET}/tables/seen`;
  for (const [who, table, selectedFields, code] of [
    [readCaller(t, server, token), events, [], status.PERMISSION_DENIED],
    [readCaller(t, server, "token-that-nobody-has"), events, [], status.UNAUTHENTICATED],
    [caller, `datasets/${DATASET}/tables/missing`, [], status.NOT_FOUND],
    [caller, seen, [], status.INVALID_ARGUMENT],
    [caller, events, ["nothing"], status.INVALID_ARGUMENT],
  ] as const) {
    await assert.rejects(who.createSession(table, { selectedFields: [...selectedFields] }), { code });
  }
  await assert.rejects(caller.createSession(events, { rowRestriction: "nothing = 1" }), {
    code: status.INVALID_ARGUMENT,
  });
  const session = await caller.createSession(events);
  assert.deepEqual((await topic.take(1)).map(readOf), [
    { fields: ["id", "text"], reason: "CREATE_READ_SESSION", sessionName: session.name },
  ]);
});

test("appends, plans, refused queries and queries of no table - make none", async (t) => {
  const { client, topic } = await world(t);
  await client.createQueryJob({ query: `SELECT id FROM ${quoted("events")}`, dryRun: true });
  await client.query("SELECT 1 AS one");
  await assert.rejects(client.query(`SELECT nothing FROM ${quoted("events")}`));
  await assert.rejects(client.query(`SELECT id FROM ${quoted("missing")}`));
  await client.dataset(DATASET).table("events").getRows();
  const entries = await topic.take(1);
  assert.deepEqual(entries.map(readOf), [{ fields: ["id", "text"], reason: "TABLEDATA_LIST_REQUEST" }]);
});

test("a query that fails while it reads - is recorded, because its error may quote what it read", async (t) => {
  const { client, topic } = await world(t);
  await assert.rejects(client.query(`SELECT CAST(text AS INT64) AS n FROM ${quoted("events")}`), /secret/);
  const [done] = await topic.take(1);
  assert.match(done!.protoPayload.metadata.jobChange?.job.jobStatus.errorResult?.message ?? "", /secret/);
  const { queryStats } = done!.protoPayload.metadata.jobChange!.job.jobStats;
  assert.deepEqual(queryStats, { referencedTables: [path("events")] });
});

test("a full outbox - refuses reads with the reason and the fix, and takes them again when it is published", async (t) => {
  const { server, client, topic } = await world(t, 3);
  await topic.stop();
  await client.dataset(DATASET).table("events").getRows();
  await client.query(`SELECT id FROM ${quoted("events")}`);
  const api = `http://127.0.0.1:${server.port}/projects/${PROJECT}`;
  const query = JSON.stringify({ query: `SELECT id FROM ${quoted("events")}`, useLegacySql: false });
  for (const refused of [
    await fetch(`${api}/queries`, { method: "POST", body: query }),
    await fetch(`${api}/datasets/${DATASET}/tables/events/data`),
  ]) {
    assert.equal(refused.status, 503);
    const text = await refused.text();
    assert.match(text, /backendError/);
    assert.match(text, /3 wait to be published, 3 is the most.*Start the broker/);
  }
  await assert.rejects(readCaller(t, server).createSession(events), {
    code: status.UNAVAILABLE,
    details: /3 wait to be published, 3 is the most.*Start the broker/,
  });
  await topic.startAgain();
  await topic.take(3);
  await client.query(`SELECT id FROM ${quoted("events")}`);
  await topic.take(2);
});

test("labels - are refused where BigQuery refuses them", async (t) => {
  const { client } = await world(t);
  const query = "SELECT 1 AS one";
  for (const labels of [{ Upper: "x" }, { "1st": "x" }, { ok: "not this" }, { ok: "x".repeat(64) }]) {
    await assert.rejects(client.createQueryJob({ query, labels }), /label/i);
  }
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`l${n}`, ""]));
  await assert.rejects(client.createQueryJob({ query, labels: many }), /at most 64 labels/);
});

test("kill -9 with the broker away - no record is lost, and what is published twice has the same insertId", async (t) => {
  const topic = await AuditTopic.start();
  t.after(() => topic.stop());
  process.env["PUBSUB_EMULATOR_HOST"] = topic.host;
  t.after(() => delete process.env["PUBSUB_EMULATOR_HOST"]);
  const folder = await temporaryFolder();
  const start = (): ReturnType<typeof spawnWarehouse> => spawnWarehouse(t, folder, "--audit-topic", topic.topic);
  let server = await start();
  await createTable(server, "events", fields);
  await topic.stop();
  const read = async (): Promise<void> => void (await bigQuery(server).dataset(DATASET).table("events").getRows());
  for (let n = 0; n < 20; n++) await read();
  await end(server, "SIGKILL");
  server = await start();
  for (let n = 0; n < 20; n++) await read();
  await end(server, "SIGKILL");
  await topic.startAgain();
  server = await start();
  // Killed while it publishes, or soon after: what is not removed by then is published once more.
  await read();
  await end(server, "SIGKILL");
  server = await start();
  await read();
  const entries = new Map<string, LogEntry>();
  while (entries.size < 42) for (const entry of await topic.take(1)) entries.set(entry.insertId, entry);
  assert.equal(entries.size, 42);
  const times = [...entries.values()].map(({ timestamp }) => timestamp);
  assert.deepEqual(times, times.toSorted(), "in the order of the reads");
});

test("an audit topic that cannot be used - ends the process with the fix", async (t) => {
  const folder = await temporaryFolder();
  await assert.rejects(spawnWarehouse(t, folder, "--audit-topic", "audit"), /projects\/P\/topics\/T/);
  delete process.env["PUBSUB_EMULATOR_HOST"];
  await assert.rejects(
    spawnWarehouse(t, folder, "--audit-topic", "projects/p/topics/t"),
    /needs PUBSUB_EMULATOR_HOST: set it to/,
  );
});

test("Outbox - records added in one turn are there in their order after it is opened again; a failing disk refuses them", async () => {
  const file = join(await temporaryFolder(), "audit.sqlite");
  const outbox = new Outbox(file);
  await Promise.all([outbox.add(["a", "b"]), outbox.add(["c"])]);
  const unfinished = outbox.add(["d"]);
  outbox.close();
  await unfinished;
  await assert.rejects(outbox.add(["e"]), /nothing is read without a record/);
  const again = new Outbox(file);
  assert.deepEqual(
    again.first(10, 2).map(({ data }) => data),
    ["a", "b"],
  );
  again.remove(again.first(2, 100).at(-1)!.id);
  assert.deepEqual([again.first(10, 100).map(({ data }) => data), again.size], [["c", "d"], 2]);
  again.close();
});
