/** Ways to read without a record, or to stop the audit, that were open once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { everybody } from "../../../local/bigquery/access/caller.ts";
import { parsePolicy } from "../../../local/bigquery/access/policy.ts";
import { Outbox } from "../../../local/bigquery/audit/outbox.ts";
import { Catalog } from "../../../local/bigquery/catalog.ts";
import { Jobs } from "../../../local/bigquery/query/jobs.ts";
import { startWarehouse } from "../../../local/bigquery/server.ts";
import { AuditTopic, type LogEntry } from "./audit-topic.ts";
import { DATASET, PROJECT, temporaryFolder } from "./clients.ts";
import { access, createEvents } from "./events-table.ts";
import { createSession, readClient } from "./read-client.ts";
import type { TestContext } from "node:test";
import type { ReadRecord } from "../../../local/bigquery/audit/read-record.ts";
import type { QueryEngine } from "../../../local/bigquery/query/engine.ts";
import type { TableChanges } from "../../../local/bigquery/query/table-changes.ts";
import type { WarehouseServer } from "../../../local/bigquery/server.ts";
import type { RestCaller } from "./callers.ts";

interface World {
  readonly server: WarehouseServer;
  readonly admin: RestCaller;
  readonly topic: AuditTopic;
}

/** A warehouse with an audit, an admin and a table `events` of three rows. */
async function world(t: TestContext, maxRecords?: number): Promise<World> {
  const topic = await AuditTopic.start();
  t.after(() => topic.stop());
  const server = await startWarehouse({
    dataDirectory: await temporaryFolder(),
    port: 0,
    grpcPort: 0,
    access: parsePolicy(access),
    audit: { topic: topic.topic, pubsubHost: topic.host, maxRecords },
  });
  t.after(() => server.close());
  return { server, admin: await createEvents(t, server), topic };
}

const jobOf = ({ protoPayload }: LogEntry): NonNullable<typeof protoPayload.metadata.jobChange>["job"] | undefined =>
  protoPayload.metadata.jobChange?.job;
const runAs = (jobReference: object, query = "SELECT id FROM logs.events"): object => ({
  jobReference,
  configuration: { query: { query, useLegacySql: false } },
});

test("a job - has a name that the audit can hold, as in BigQuery: others are refused", async (t) => {
  const { admin } = await world(t);
  const longest = "j".repeat(1024 - `projects/${PROJECT}/jobs/`.length);
  for (const jobId of [`${longest}j`, "a/b", "a b", "ä", ""]) {
    const { status, reason, message } = await admin.send("POST", "/jobs", runAs({ jobId }));
    assert.deepEqual([status, reason], [400, "invalid"], jobId);
    assert.match(message, /job ID/);
  }
  for (const location of ["x".repeat(65), "a/b"]) {
    const asked = await admin.send("POST", "/jobs", runAs({ location }));
    const queried = await admin.query("SELECT 1", DATASET, { location });
    const dataset = { datasetReference: { datasetId: "there" }, location };
    const created = await admin.send("POST", "/datasets", dataset);
    assert.deepEqual([asked.reason, queried.reason, created.reason], ["invalid", "invalid", "invalid"], location);
  }
  const taken = await admin.send("POST", "/jobs", runAs({ jobId: longest, location: "europe-west3" }));
  assert.equal(taken.message, "");
});

test("a job's error - is cut in its record, as the statement is", async (t) => {
  const { admin, topic } = await world(t);
  const query = `SELECT CAST(CONCAT(REPEAT(text, 100000), '${"s".repeat(100_000)}') AS INT64) FROM events`;
  const { message } = await admin.query(query, DATASET);
  assert.ok(message.length > 500_000);
  const [entry] = await topic.take(1);
  const job = jobOf(entry!);
  assert.equal(job?.jobConfig.queryConfig["query"], query.slice(0, 50_000));
  assert.equal(job?.jobStatus.errorResult?.message, message.slice(0, 50_000));
});

test("a statement of more than 1 MiB - is refused before anything reads it", async (t) => {
  const { admin } = await world(t);
  const query = `SELECT ${"(".repeat(9 * 1024 * 1024)}`;
  for (const answer of [await admin.query(query), await admin.send("POST", "/jobs", runAs({}, query))]) {
    assert.deepEqual([answer.status, answer.reason], [400, "invalidQuery"]);
    assert.match(answer.message, /1 MiB is the most/);
  }
  const { body } = await admin.send("GET", "/jobs");
  assert.deepEqual(body["jobs"], []);
});

test("a job - says what its statement is by what it does, and nothing of one that cannot be read", async (t) => {
  const { admin } = await world(t);
  for (const [query, statementType] of [
    ["CREATE VIEW logs.seen AS SELECT 1 AS one", undefined],
    ["CREATE TABLE logs.made AS SELECT 1 AS one", "CREATE_TABLE_AS_SELECT"],
    ["ALTER TABLE logs.events DROP COLUMN text", undefined],
    ["SELECT nothing FROM logs.events", "SELECT"],
  ] as const) {
    const { body } = await admin.send("POST", "/jobs", runAs({}, query));
    assert.equal((body["statistics"] as { query: Record<string, unknown> }).query["statementType"], statementType);
  }
});

test("CreateReadSession - a restriction that fails is recorded, because its error may quote what it read", async (t) => {
  const { server, topic } = await world(t);
  const refused = createSession(readClient(t, server), "events", { rowRestriction: "CAST(text AS INT64) = 1" });
  await assert.rejects(refused, /row 1/);
  const [entry] = await topic.take(1);
  assert.equal(entry?.protoPayload.resourceName, `projects/${PROJECT}/datasets/${DATASET}/tables/events`);
  const read = entry?.protoPayload.metadata.tableDataRead as { reason: string } | undefined;
  assert.equal(read?.reason, "CREATE_READ_SESSION");
});

test("CreateReadSession - a project whose name the audit cannot hold is refused", async (t) => {
  const { server } = await world(t);
  const readSession = { table: `projects/${PROJECT}/datasets/${DATASET}/tables/events`, dataFormat: "ARROW" as const };
  const parent = `projects/${"p".repeat(257)}`;
  await assert.rejects(
    readClient(t, server).createReadSession({ parent, readSession }),
    /is not the name of a project/,
  );
});

const eventsPath = `projects/${PROJECT}/datasets/${DATASET}/tables/events`;
const referenced = (entry: LogEntry | undefined): unknown => jobOf(entry!)?.jobStats.queryStats;
/** Until the next read is recorded, so that one that ought not to be would have come before it. */
async function marked({ admin, topic }: World): Promise<LogEntry[]> {
  await admin.send("GET", `/datasets/${DATASET}/tables/events/data`);
  const entries: LogEntry[] = [];
  while (entries.at(-1)?.protoPayload.methodName.endsWith("List") !== true) entries.push(...(await topic.take(1)));
  return entries.slice(0, -1);
}

for (const [what, statement] of [
  ["UPDATE", "UPDATE events SET cost = CAST(text AS FLOAT64) WHERE TRUE"],
  ["DELETE", "DELETE FROM events WHERE CAST(text AS INT64) = 1"],
  ["INSERT", "INSERT INTO events (id) SELECT CAST(text AS INT64) FROM events"],
  ["CREATE TABLE AS", "CREATE TABLE logs.made AS SELECT CAST(text AS INT64) AS n FROM events"],
] as const) {
  test(`${what} - is recorded also when it fails, because its error may quote what it read`, async (t) => {
    const here = await world(t);
    assert.match((await here.admin.query(statement, DATASET)).message, /row 1/);
    const [job, read, ...others] = await marked(here);
    assert.deepEqual(referenced(job), { referencedTables: [eventsPath] });
    assert.equal(read?.protoPayload.resourceName, eventsPath);
    assert.deepEqual(others, []);
  });

  test(`${what} - in a dry run reads nothing, and says nothing of rows`, async (t) => {
    const here = await world(t);
    const { body, message } = await here.admin.query(statement, DATASET, { dryRun: true });
    assert.deepEqual([message, body["numDmlAffectedRows"]], ["", undefined]);
    assert.deepEqual(await marked(here), []);
    assert.equal((await here.admin.values("SELECT id FROM events", DATASET)).length, 3);
  });
}

test("UPDATE and DELETE - read their table; whoever counts the rows that they change has read it", async (t) => {
  const here = await world(t);
  for (const statement of ["UPDATE events SET cost = 1 WHERE text LIKE 'row 1%'", "DELETE FROM events WHERE id = 2"]) {
    assert.equal((await here.admin.query(statement, DATASET)).body["numDmlAffectedRows"], "1");
    const [job, read] = await marked(here);
    assert.deepEqual(referenced(job), { referencedTables: [eventsPath] });
    assert.match(jobOf(job!)?.jobConfig.queryConfig["destinationTable"] ?? "", /\/datasets\/_/);
    assert.equal(read?.protoPayload.resourceName, eventsPath);
  }
});

test("CREATE TABLE AS - is recorded with where the copy is, and without a number of rows that is not known yet", async (t) => {
  const here = await world(t);
  await here.admin.query("CREATE TABLE logs.made AS SELECT id FROM events", DATASET);
  const [job] = await marked(here);
  assert.deepEqual(referenced(job), { referencedTables: [eventsPath] });
  assert.equal(jobOf(job!)?.jobConfig.queryConfig["destinationTable"], eventsPath.replace("events", "made"));
});

test("a statement that cannot be recorded - is not run", async (t) => {
  const { admin, topic } = await world(t, 1);
  await topic.stop();
  const { reason, message } = await admin.query("DELETE FROM events WHERE CAST(text AS INT64) = 1", DATASET);
  assert.deepEqual([reason, /row 1/.test(message)], ["backendError", false]);
  assert.equal((await admin.query("TRUNCATE TABLE events", DATASET)).body["numDmlAffectedRows"], "3");
});

test("a query of a view - is recorded with the tables of the view that it began to read", async () => {
  const catalog = new Catalog();
  const view = { projectId: PROJECT, datasetId: DATASET, tableId: "seen" };
  const putView = (source: string): void => {
    const viewQuery = `SELECT id FROM logs.${source}`;
    const table = { ref: view, schema: { fields: [] }, settings: {}, createdMs: 1, modifiedMs: 1, viewQuery };
    catalog.apply({ kind: "putTable", table });
  };
  putView("first");
  const engine = {
    execute: (...args: Parameters<QueryEngine["execute"]>) => {
      args[5]([view]);
      putView("second");
      return Promise.resolve({ relation: "r", fields: [], totalRows: 0 });
    },
  } as unknown as QueryEngine;
  const records: ReadRecord[] = [];
  const recorder = { record: async (_caller: unknown, _origin: unknown, read: ReadRecord) => void records.push(read) };
  const jobs = new Jobs(engine, {} as TableChanges, { catalog, now: Date.now }, recorder);
  const statement = {
    query: "SELECT id FROM logs.seen",
    projectId: PROJECT,
    defaultDataset: undefined,
    parameters: [],
    parameterMode: "NONE",
  } as const;
  const origin = { ip: "127.0.0.1", userAgent: "" };
  await jobs.start({ statement, labels: {}, dryRun: false, caller: everybody, origin }).done;
  const [read] = records;
  assert.deepEqual(read?.kind === "query" && read.tables.map(({ tableId }) => tableId), ["first"]);
});

test("a record that cannot be read from the disk - waits, and the warehouse goes on", async (t) => {
  const { admin, topic } = await world(t);
  t.mock.method(Outbox.prototype, "first", () => assert.fail("disk I/O error"), { times: 1 });
  await admin.values("SELECT id FROM events", DATASET);
  assert.equal((await topic.take(2)).length, 2);
});
