/** Ways to read without a record, or to stop the audit, that were open once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePolicy } from "../../../local/bigquery/access/policy.ts";
import { startWarehouse } from "../../../local/bigquery/server.ts";
import { AuditTopic, type LogEntry } from "./audit-topic.ts";
import { DATASET, PROJECT, temporaryFolder } from "./clients.ts";
import { access, createEvents } from "./events-table.ts";
import { createSession, readClient } from "./read-client.ts";
import type { TestContext } from "node:test";
import type { WarehouseServer } from "../../../local/bigquery/server.ts";
import type { RestCaller } from "./callers.ts";

interface World {
  readonly server: WarehouseServer;
  readonly admin: RestCaller;
  readonly topic: AuditTopic;
}

/** A warehouse with an audit, an admin and a table `events` of three rows. */
async function world(t: TestContext): Promise<World> {
  const topic = await AuditTopic.start();
  t.after(() => topic.stop());
  const server = await startWarehouse({
    dataDirectory: await temporaryFolder(),
    port: 0,
    grpcPort: 0,
    access: parsePolicy(access),
    audit: { topic: topic.topic, pubsubHost: topic.host },
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
