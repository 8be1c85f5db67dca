import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Appender,
  DATASET,
  PROJECT,
  RowType,
  bigQuery,
  createTable,
  defaultStream,
  openWarehouse,
  writeClient,
} from "./clients.ts";
import type { TestContext } from "node:test";
import type { WarehouseServer } from "../../../local/bigquery/server.ts";

const fields = [
  { name: "id", type: "INT64", mode: "REQUIRED" },
  { name: "name", type: "STRING" },
  { name: "seen_at", type: "TIMESTAMP" },
];
const EVENTS = `\`${PROJECT}.${DATASET}.events\``;

/** A warehouse whose table `events` has rows with the IDs 0 to count - 1. */
async function withEvents(t: TestContext, count: number): Promise<WarehouseServer> {
  const server = await openWarehouse(t);
  await createTable(server, "events", fields);
  const rowType = new RowType(fields);
  const appender = new Appender(writeClient(t, server));
  const serializedRows = Array.from({ length: count }, (_, id) =>
    rowType.encode({ id, name: `name ${id % 3}`, seen_at: 1_790_000_000_000_000 + id }),
  );
  const { error } = await appender.append({
    writeStream: defaultStream("events"),
    protoRows: { writerSchema: rowType.writerSchema, rows: { serializedRows } },
  });
  appender.end();
  assert.equal(error ?? null, null);
  return server;
}

test("jobs.query - a query sees what was acknowledged before it, with named and positional parameters", async (t) => {
  const server = await withEvents(t, 10);
  const client = bigQuery(server);
  const [named] = await client.query({
    query: `SELECT id, name FROM ${EVENTS} WHERE name = @name AND id > @least ORDER BY id`,
    params: { name: "name 1", least: 2 },
  });
  assert.deepEqual(named, [
    { id: 4, name: "name 1" },
    { id: 7, name: "name 1" },
  ]);
  const [positional] = await client.query({
    query: `SELECT COUNT(*) AS n FROM ${EVENTS} WHERE id IN UNNEST(?) AND name = ?`,
    params: [[1, 2, 4], "name 1"],
  });
  assert.deepEqual(positional, [{ n: 2 }]);
  const [timed] = await client.query({ query: `SELECT MAX(seen_at) AS latest FROM ${EVENTS}` });
  assert.equal(timed[0].latest.value, "2026-09-21T14:13:20.000009000Z");
});

test("jobs.query - the default dataset completes a table name", async (t) => {
  const server = await withEvents(t, 3);
  const [rows] = await bigQuery(server).query({
    query: "SELECT id FROM events ORDER BY id DESC",
    defaultDataset: { projectId: PROJECT, datasetId: DATASET },
  });
  assert.deepEqual(rows, [{ id: 2 }, { id: 1 }, { id: 0 }]);
});

test("getQueryResults - pages follow one another without a gap, by token and by index", async (t) => {
  const server = await withEvents(t, 25);
  const [job] = await bigQuery(server).createQueryJob({ query: `SELECT id FROM ${EVENTS} ORDER BY id` });
  const ids: number[] = [];
  const sizes: number[] = [];
  let pageToken: string | undefined;
  do {
    const [page, , response] = await job.getQueryResults({
      maxResults: 10,
      autoPaginate: false,
      ...(pageToken === undefined ? {} : { pageToken }),
    });
    ids.push(...page.map(({ id }: { id: number }) => id));
    sizes.push(page.length);
    assert.equal(response?.totalRows, "25");
    pageToken = response?.pageToken;
  } while (pageToken !== undefined);
  assert.deepEqual(sizes, [10, 10, 5]);
  assert.deepEqual(
    ids,
    Array.from({ length: 25 }, (_, id) => id),
  );
  const [tail] = await job.getQueryResults({ startIndex: "22", autoPaginate: false });
  assert.deepEqual(
    tail.map(({ id }: { id: number }) => id),
    [22, 23, 24],
  );
});

test("jobs.insert - a dry run answers the schema and keeps no rows", async (t) => {
  const server = await withEvents(t, 1);
  const [job] = await bigQuery(server).createQueryJob({
    query: `SELECT id, name, seen_at FROM ${EVENTS}`,
    dryRun: true,
  });
  const { status, statistics } = job.metadata;
  assert.equal(status.state, "DONE");
  assert.deepEqual(
    statistics.query.schema.fields.map(({ name, type }: { name: string; type: string }) => [name, type]),
    [
      ["id", "INTEGER"],
      ["name", "STRING"],
      ["seen_at", "TIMESTAMP"],
    ],
  );
});

test("jobs.insert - a job ID is used once", async (t) => {
  const client = bigQuery(await withEvents(t, 1));
  const job = { query: "SELECT 1 AS one", jobId: "once" };
  await client.createQueryJob(job);
  const response = await fetch(`${client.apiEndpoint}/projects/${PROJECT}/jobs`, {
    method: "POST",
    body: JSON.stringify({ jobReference: { jobId: "once" }, configuration: { query: { query: "SELECT 1 AS one" } } }),
  });
  assert.equal(response.status, 409);
});

test("tables.insert - a view is planned, kept as GoogleSQL, and answers queries", async (t) => {
  const server = await withEvents(t, 9);
  const dataset = bigQuery(server).dataset(DATASET);
  const query = `SELECT name, COUNT(*) AS n FROM ${EVENTS} GROUP BY name`;
  await dataset.createTable("by_name", { view: { query, useLegacySql: false } });
  const [metadata] = await dataset.table("by_name").getMetadata();
  assert.equal(metadata.type, "VIEW");
  assert.equal(metadata.view.query, query);
  assert.deepEqual(
    metadata.schema.fields.map(({ name, type }: { name: string; type: string }) => [name, type]),
    [
      ["name", "STRING"],
      ["n", "INTEGER"],
    ],
  );
  const [rows] = await dataset.query({ query: "SELECT name, n FROM by_name ORDER BY name" });
  assert.deepEqual(rows, [
    { name: "name 0", n: 3 },
    { name: "name 1", n: 3 },
    { name: "name 2", n: 3 },
  ]);
});

const refusals = [
  {
    name: "a view over a table that is not there",
    view: "SELECT * FROM `test-project.logs.nowhere`",
    code: 404,
    reason: "notFound",
  },
  { name: "a view that is no query", view: "SELEKT 1", code: 400, reason: "invalidQuery" },
  {
    name: "a query of a table that is not there",
    query: "SELECT * FROM `logs.nowhere`",
    code: 404,
    reason: "notFound",
  },
  { name: "a query with a syntax error", query: "SELECT FROM WHERE", code: 400, reason: "invalidQuery" },
  {
    name: "a query of an unknown column",
    query: "SELECT nothing FROM `logs.events`",
    code: 400,
    reason: "invalidQuery",
  },
  {
    name: "a query that answers two columns of one name",
    query: "SELECT 1 AS a, 2 AS a",
    code: 400,
    reason: "invalidQuery",
  },
  { name: "DELETE", query: "DELETE FROM `logs.events` WHERE TRUE", code: 403, reason: "accessDenied" },
  { name: "UPDATE", query: "UPDATE `logs.events` SET name = '' WHERE TRUE", code: 403, reason: "accessDenied" },
  { name: "DROP TABLE", query: "DROP TABLE `logs.events`", code: 403, reason: "accessDenied" },
];
test("queries and views - what is refused is refused in BigQuery's error shape", async (t) => {
  const server = await withEvents(t, 1);
  const base = `http://127.0.0.1:${server.port}/bigquery/v2/projects/${PROJECT}`;
  for (const { name, view, query, code, reason } of refusals) {
    const [url, body] =
      view === undefined
        ? [`${base}/queries`, { query, useLegacySql: false }]
        : [`${base}/datasets/${DATASET}/tables`, { tableReference: { tableId: "refused" }, view: { query: view } }];
    const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
    const { error } = (await response.json()) as {
      error: { code: number; message: string; errors: { reason: string }[] };
    };
    assert.deepEqual([name, response.status, error?.code, error?.errors[0]?.reason], [name, code, code, reason]);
    assert.notEqual(error.message, "");
  }
});

test("jobs.cancel - a running query ends, and its results say that it was cancelled", async (t) => {
  const server = await withEvents(t, 5000);
  const client = bigQuery(server);
  const query = `SELECT COUNT(*) AS n FROM ${EVENTS} AS a, ${EVENTS} AS b, ${EVENTS} AS c WHERE a.id + b.id + c.id = -1`;
  const [job] = await client.createQueryJob({ query });
  await job.cancel();
  const failure = (error: { errors?: { reason?: string }[] }): boolean => error.errors?.[0]?.reason === "stopped";
  await assert.rejects(job.getQueryResults(), failure);
});

test("jobs.query - a timeout answers jobComplete: false, and the results come later", async (t) => {
  const server = await withEvents(t, 400);
  const base = `http://127.0.0.1:${server.port}/projects/${PROJECT}/queries`;
  const query = "SELECT COUNT(*) AS n FROM events AS a, events AS b, events AS c WHERE MOD(a.id + b.id + c.id, 7) = 1";
  const body = { query, useLegacySql: false, timeoutMs: 0, defaultDataset: { datasetId: DATASET } };
  const response = await fetch(base, { method: "POST", body: JSON.stringify(body) });
  const started = (await response.json()) as { jobComplete: boolean; jobReference: { jobId: string } };
  assert.equal(started.jobComplete, false);
  const later = await fetch(`${base}/${started.jobReference.jobId}?timeoutMs=60000`);
  const finished = (await later.json()) as { jobComplete: boolean; rows: { f: { v: string }[] }[] };
  assert.equal(finished.jobComplete, true);
  assert.match(finished.rows[0]?.f[0]?.v ?? "", /^\d{7}$/);
});
