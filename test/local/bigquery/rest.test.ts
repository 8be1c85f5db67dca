import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { credentials, status } from "@grpc/grpc-js";
import { v1 } from "@google-cloud/bigquery-storage";
import { DATASET, PROJECT, bigQuery, createTable, defaultStream, openWarehouse, temporaryFolder } from "./clients.ts";

type ErrorBody = {
  error: { code: number; message: string; errors: { reason: string; domain: string }[]; status: string };
};

const fields = [{ name: "id", type: "STRING", mode: "REQUIRED" }];

/** GET with a Host header of one's own, which fetch() does not send. */
async function getWithHost(port: number, path: string, host: string): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const call = request({ host: "127.0.0.1", port, path, headers: { host } }, (response) => {
    let body = "";
    response.on("data", (chunk: Buffer) => (body += chunk.toString()));
    response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
  });
  call.on("error", reject);
  call.end();
  return promise;
}

test("datasets - are created, listed, patched and deleted, and outlive a restart", async (t) => {
  const folder = await temporaryFolder();
  const first = await openWarehouse(t, folder);
  const client = bigQuery(first);
  const [dataset] = await client.createDataset("agents", { location: "EU", labels: { env: "test", team: "ops" } });
  await dataset.setMetadata({ description: "What agents do", labels: { team: null } as never });
  await first.close();
  const second = bigQuery(await openWarehouse(t, folder));
  const [datasets] = await second.getDatasets();
  assert.deepEqual(
    datasets.map(({ id }) => id),
    ["agents"],
  );
  const [metadata] = await second.dataset("agents").getMetadata();
  assert.equal(metadata.location, "EU");
  assert.equal(metadata.description, "What agents do");
  assert.deepEqual(metadata.labels, { env: "test" });
  await second.dataset("agents").delete();
  assert.deepEqual(await second.dataset("agents").exists(), [false]);
});

test("datasets.delete - a dataset with tables needs deleteContents", async (t) => {
  const server = await openWarehouse(t);
  await createTable(server, "events", fields);
  const dataset = bigQuery(server).dataset(DATASET);
  const inUse = (error: { errors?: { reason?: string }[] }): boolean => error.errors?.[0]?.reason === "resourceInUse";
  await assert.rejects(dataset.delete(), inUse);
  await dataset.delete({ force: true });
  assert.deepEqual(await dataset.exists(), [false]);
  await createTable(server, "events", [{ name: "other", type: "INT64" }]);
  const [metadata] = await dataset.table("events").getMetadata();
  assert.equal(metadata.numRows, "0");
});

test("tables - schema, partitioning and clustering come back, and the list has every table", async (t) => {
  const server = await openWarehouse(t);
  const dataset = bigQuery(server).dataset(DATASET);
  await dataset.create();
  const timePartitioning = { type: "DAY", field: "at" };
  const clustering = { fields: ["id"] };
  const schema = [...fields, { name: "at", type: "TIMESTAMP", description: "when" }];
  await dataset.createTable("b", { schema, timePartitioning, clustering, description: "b" });
  await dataset.createTable("a", { schema: fields });
  const listUrl = `http://127.0.0.1:${server.port}/projects/${PROJECT}/datasets/${DATASET}/tables?maxResults=1`;
  type List = { tables: { tableReference: { tableId: string } }[]; nextPageToken?: string };
  const firstPage = (await (await fetch(listUrl)).json()) as List;
  const secondPage = (await (await fetch(`${listUrl}&pageToken=${firstPage.nextPageToken}`)).json()) as List;
  assert.deepEqual(
    [...firstPage.tables, ...secondPage.tables].map(({ tableReference }) => tableReference.tableId),
    ["a", "b"],
  );
  assert.equal(secondPage.nextPageToken, undefined);
  const [metadata] = await dataset.table("b").getMetadata();
  assert.deepEqual(metadata.schema.fields, [
    { name: "id", type: "STRING", mode: "REQUIRED" },
    { name: "at", type: "TIMESTAMP", mode: "NULLABLE", description: "when" },
  ]);
  assert.deepEqual([metadata.timePartitioning, metadata.clustering], [timePartitioning, clustering]);
});

test("tabledata.list - an empty table has no rows, as soon as it is created", async (t) => {
  const server = await openWarehouse(t);
  const table = await createTable(server, "events", fields);
  const [rows] = await table.getRows();
  assert.deepEqual(rows, []);
});

const refusals = [
  { method: "GET", path: "/datasets/nowhere", code: 404, reason: "notFound" },
  { method: "GET", path: `/datasets/${DATASET}/tables/nowhere`, code: 404, reason: "notFound" },
  {
    method: "POST",
    path: "/datasets",
    body: { datasetReference: { datasetId: DATASET } },
    code: 409,
    reason: "duplicate",
  },
  { method: "POST", path: "/datasets", body: { datasetReference: { datasetId: "a.b" } }, code: 400, reason: "invalid" },
  {
    method: "POST",
    path: `/datasets/${DATASET}/tables`,
    body: { tableReference: { tableId: "EVENTS" } },
    code: 409,
    reason: "duplicate",
  },
  {
    method: "POST",
    path: `/datasets/${DATASET}/tables`,
    body: { tableReference: { tableId: "g" }, schema: { fields: [{ name: "x", type: "GEOGRAPHY" }] } },
    code: 400,
    reason: "invalid",
  },
  {
    method: "PATCH",
    path: `/datasets/${DATASET}/tables/events`,
    body: { schema: { fields: [{ name: "id", type: "INT64", mode: "REQUIRED" }] } },
    code: 400,
    reason: "invalid",
  },
  {
    method: "POST",
    path: `/datasets/${DATASET}/tables/events/insertAll`,
    body: {},
    code: 501,
    reason: "notImplemented",
  },
  { method: "POST", path: "/jobs", body: { configuration: { load: {} } }, code: 501, reason: "notImplemented" },
  { method: "GET", path: "/jobs/nowhere", code: 404, reason: "notFound" },
  { method: "GET", path: "/models", code: 501, reason: "notImplemented" },
  { method: "POST", path: "/queries", body: { query: "SELECT 1", useLegacySql: true }, code: 400, reason: "invalid" },
  { method: "POST", path: "/queries", text: "{", code: 400, reason: "invalid" },
];
test("REST - what is refused is refused in BigQuery's error shape, with and without /bigquery/v2", async (t) => {
  const server = await openWarehouse(t);
  await createTable(server, "events", fields);
  for (const prefix of ["", "/bigquery/v2"]) {
    for (const { method, path, body, text, code, reason } of refusals) {
      const init = { method, ...(body || text ? { body: text ?? JSON.stringify(body) } : {}) };
      const response = await fetch(`http://127.0.0.1:${server.port}${prefix}/projects/${PROJECT}${path}`, init);
      const { error } = (await response.json()) as ErrorBody;
      const where = `${method} ${path}`;
      assert.deepEqual([where, response.status, error.code, error.errors[0]?.reason], [where, code, code, reason]);
      assert.equal(error.errors[0]?.domain, "global");
    }
  }
});

test("REST and gRPC - a host name that is not loopback is refused", async (t) => {
  const { port, grpcPort } = await openWarehouse(t);
  const path = `/bigquery/v2/projects/${PROJECT}/datasets`;
  for (const host of ["evil.example", "localhost.evil.example", `evil.example:${port}`, "127.0.0.1.evil.example"]) {
    const { status: code, body } = await getWithHost(port, path, host);
    assert.equal(code, 403);
    assert.equal((JSON.parse(body) as ErrorBody).error.errors[0]?.reason, "accessDenied");
  }
  for (const host of ["localhost", `127.0.0.1:${port}`, "[::1]:9050"])
    assert.equal((await getWithHost(port, path, host)).status, 200);

  const client = new v1.BigQueryWriteClient({
    apiEndpoint: "127.0.0.1",
    port: grpcPort,
    sslCreds: credentials.createInsecure(),
    projectId: PROJECT,
    "grpc.default_authority": "evil.example",
  } as never);
  t.after(() => client.close());
  await assert.rejects(client.getWriteStream({ name: defaultStream("events") }), { code: status.PERMISSION_DENIED });
});
