import assert from "node:assert/strict";
import { test } from "node:test";
import { Metadata, status } from "@grpc/grpc-js";
import { callerOfCall, originOfCall } from "../../../../local/bigquery/access/call.ts";
import { parsePolicy } from "../../../../local/bigquery/access/policy.ts";
import { RestCaller } from "../callers.ts";
import { openWarehouse } from "../clients.ts";
import type { TestContext } from "node:test";

const tokens = { admin: "token-of-the-admin", ann: "token-of-the-reader-ann", bob: "token-of-the-reader-bob" };
const see = ["bigquery.datasets.get", "bigquery.tables.get", "bigquery.tables.list", "bigquery.tables.getData"];
const access = {
  callers: [
    { token: tokens.admin, principal: "admin@x", role: "admin" },
    { token: tokens.ann, principal: "ann@x", role: "reader" },
    { token: tokens.bob, principal: "bob@x", role: "reader" },
  ],
  roles: {
    admin: { project: ["bigquery.*"], datasets: [] },
    reader: {
      project: ["bigquery.jobs.create"],
      datasets: [
        { dataset: "views", permissions: [...see, "bigquery.tables.create"] },
        { dataset: "other_views", permissions: see },
      ],
    },
  },
  authorizedDatasets: { raw: ["views"], secret: ["raw"] },
};

type World = { readonly admin: RestCaller; readonly ann: RestCaller; readonly bob: RestCaller; readonly port: number };

async function open(t: TestContext): Promise<World> {
  const server = await openWarehouse(t, undefined, parsePolicy(access));
  const [admin, ann, bob] = [tokens.admin, tokens.ann, tokens.bob].map((token) => new RestCaller(server, token)) as [
    RestCaller,
    RestCaller,
    RestCaller,
  ];
  for (const datasetId of ["raw", "views", "other_views", "secret"])
    await admin.send("POST", "/datasets", { datasetReference: { datasetId } });
  await admin.query("CREATE TABLE raw.t AS SELECT 1 AS x");
  await admin.query("CREATE TABLE secret.t AS SELECT 2 AS x");
  return { admin, ann, bob, port: server.port };
}

async function createView(caller: RestCaller, name: string, query: string): Promise<string> {
  const [datasetId, tableId] = name.split(".");
  const body = { tableReference: { tableId }, view: { query, useLegacySql: false } };
  return (await caller.send("POST", `/datasets/${datasetId}/tables`, body)).message;
}

test("a token that nobody has, and none where there must be one, are answered 401 as Google does", async (t) => {
  const { port } = await open(t);
  for (const token of ["nobody-has-this-token", undefined]) {
    const { status: code, reason, body } = await new RestCaller({ port }, token).query("SELECT 1");
    assert.deepEqual([code, reason], [401, "authError"]);
    assert.equal((body["error"] as { status: string }).status, "UNAUTHENTICATED");
  }
  const basic = await fetch(`http://127.0.0.1:${port}/projects/p/datasets`, {
    headers: { authorization: `Basic ${tokens.ann}` },
  });
  assert.equal(basic.status, 401);
  assert.match(basic.headers.get("www-authenticate") ?? "", /^Bearer /);
  const lower = await fetch(`http://127.0.0.1:${port}/projects/p/datasets`, {
    headers: { authorization: `bearer ${tokens.ann}` },
  });
  assert.equal(lower.status, 200);
});

test("refusals are in BigQuery's words, and do not tell whether what was asked for exists", async (t) => {
  const { ann, admin } = await open(t);
  for (const name of ["t", "nothing"]) {
    const asked = await ann.query(`SELECT * FROM raw.${name}`);
    assert.equal(
      asked.message,
      `Access Denied: Table test-project:raw.${name}: User does not have permission to query table test-project:raw.${name}, or perhaps it does not exist.`,
    );
    const got = await ann.send("GET", `/datasets/raw/tables/${name}`);
    assert.equal(
      got.message,
      `Access Denied: Table test-project:raw.${name}: Permission bigquery.tables.get denied on table test-project:raw.${name} (or it may not exist).`,
    );
    const deleted = await ann.query(`DELETE FROM raw.${name} WHERE TRUE`);
    assert.match(
      deleted.message,
      /^Access Denied: Table .*Permission bigquery\.tables\.updateData denied on table .*append-only/,
    );
  }
  assert.equal((await admin.query("SELECT * FROM raw.nothing")).reason, "notFound");
  const dataset = await ann.send("GET", "/datasets/raw");
  assert.equal(
    dataset.message,
    "Access Denied: Dataset test-project:raw: Permission bigquery.datasets.get denied on dataset test-project:raw (or it may not exist).",
  );
});

test("jobs.create is asked for first, for whatever statement", async (t) => {
  const { port } = await open(t);
  const server = await openWarehouse(
    t,
    undefined,
    parsePolicy({ ...access, anonymous: "idle", roles: { ...access.roles, idle: { project: [], datasets: [] } } }),
  );
  assert.notEqual(server.port, port);
  for (const statement of ["SELECT 1", "DELETE FROM raw.t WHERE TRUE", "nonsense"]) {
    const { message } = await new RestCaller(server, undefined).query(statement);
    assert.equal(
      message,
      "Access Denied: Project test-project: User does not have bigquery.jobs.create permission in project test-project.",
    );
  }
});

test("what a view reads: by the view, of a dataset that authorizes the view's; by the caller, of all others", async (t) => {
  const { admin, ann } = await open(t);
  assert.equal(await createView(admin, "views.authorized", "SELECT x FROM raw.t"), "");
  assert.equal(await createView(admin, "views.over", "SELECT x FROM views.authorized"), "");
  assert.equal(await createView(admin, "views.secret", "SELECT x FROM secret.t"), "");
  assert.equal(await createView(admin, "other_views.over", "SELECT x FROM views.over"), "");
  assert.equal(await createView(admin, "other_views.direct", "SELECT x FROM raw.t"), "");
  assert.equal(await createView(admin, "raw.middle", "SELECT x FROM secret.t"), "");
  assert.equal(await createView(admin, "views.through", "SELECT x FROM raw.middle"), "");
  for (const name of ["views.authorized", "views.over", "other_views.over"])
    assert.deepEqual(await ann.values(`SELECT * FROM ${name}`), [["1"]], name);
  assert.deepEqual(await ann.values("SELECT * FROM views.through"), [["2"]]);
  for (const name of ["views.secret", "other_views.direct"]) {
    const { reason, message } = await ann.query(`SELECT * FROM ${name}`);
    assert.equal(reason, "accessDenied", name);
    assert.match(message, /^Access Denied: Table test-project:(?:secret|raw)\.t:/);
  }
});

test("a view is created by whoever may read what it reads", async (t) => {
  const { admin, ann } = await open(t);
  assert.match(await createView(ann, "views.mine", "SELECT * FROM raw.t"), /^Access Denied: Table test-project:raw\.t/);
  await createView(admin, "views.authorized", "SELECT x FROM raw.t");
  assert.equal(await createView(ann, "views.mine", "SELECT * FROM views.authorized"), "");
});

test("views that were patched to read one another are refused, and the warehouse goes on", async (t) => {
  const { admin, ann } = await open(t);
  await createView(admin, "views.a", "SELECT x FROM raw.t");
  await createView(admin, "views.b", "SELECT x FROM views.a");
  await admin.send("PATCH", "/datasets/views/tables/a", {
    view: { query: "SELECT x FROM views.b", useLegacySql: false },
  });
  assert.notEqual((await ann.query("SELECT * FROM views.a")).message, "");
  assert.deepEqual(await admin.values("SELECT x FROM raw.t"), [["1"]]);
});

test("a job is for who started it: others get neither its rows nor its text, nor stop it", async (t) => {
  const { admin, ann, bob } = await open(t);
  const { body } = await ann.send("POST", "/jobs", {
    configuration: { query: { query: "SELECT 7 AS x", useLegacySql: false } },
  });
  const { jobId } = body["jobReference"] as { jobId: string };
  assert.deepEqual((await ann.send("GET", `/queries/${jobId}`)).body["totalRows"], "1");
  for (const [caller, method, path] of [
    [bob, "GET", `/queries/${jobId}`],
    [admin, "GET", `/queries/${jobId}`],
    [bob, "GET", `/jobs/${jobId}`],
    [bob, "POST", `/jobs/${jobId}/cancel`],
  ] as const) {
    const { status: code, reason } = await caller.send(method, path);
    assert.deepEqual([method, path, code, reason], [method, path, 403, "accessDenied"]);
  }
  const listed = async (caller: RestCaller, path: string): Promise<number> =>
    ((await caller.send("GET", path)).body["jobs"] as unknown[]).length;
  assert.equal(await listed(ann, "/jobs"), 1);
  assert.equal(await listed(bob, "/jobs?allUsers=true"), 0);
  assert.ok((await listed(admin, "/jobs?allUsers=true")) > 1);
  assert.equal((await admin.send("GET", `/jobs/${jobId}`)).status, 200);
});

test("datasets.list leaves out what the caller may not see", async (t) => {
  const { admin, ann } = await open(t);
  const names = async (caller: RestCaller): Promise<string[]> => {
    const { body } = await caller.send("GET", "/datasets");
    return (body["datasets"] as { datasetReference: { datasetId: string } }[]).map(
      ({ datasetReference }) => datasetReference.datasetId,
    );
  };
  assert.deepEqual(await names(ann), ["other_views", "views"]);
  assert.equal((await names(admin)).length, 4);
});

test("callerOfCall() and originOfCall() - read the metadata of a gRPC call", () => {
  const policy = parsePolicy(access);
  const callWith = (headers: Readonly<Record<string, string>>): Parameters<typeof callerOfCall>[0] => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return { metadata, getHost: () => "127.0.0.1:9060", getPeer: () => "127.0.0.1:50123" };
  };
  const call = callWith({ authorization: `Bearer ${tokens.bob}`, "user-agent": "grpc-node/1.0" });
  assert.equal(callerOfCall(call, policy).principal, "bob@x");
  assert.deepEqual(originOfCall(call), { ip: "127.0.0.1", userAgent: "grpc-node/1.0" });
  for (const headers of [{}, { authorization: "Bearer x" }]) {
    assert.throws(() => callerOfCall(callWith(headers), policy), { code: status.UNAUTHENTICATED });
  }
});

test("a job is for the token that started it, also when another stands for the same account", async (t) => {
  const twin = { token: "token-of-the-twin-of-bob", principal: "bob@x", role: "nothing" };
  const roles = { ...access.roles, nothing: { project: [], datasets: [] } };
  const policy = parsePolicy({ ...access, roles, callers: [...access.callers, twin] });
  const server = await openWarehouse(t, undefined, policy);
  const { body } = await new RestCaller(server, tokens.bob).query("SELECT 1 AS x");
  const { jobId } = body["jobReference"] as { jobId: string };
  assert.equal((await new RestCaller(server, tokens.bob).send("GET", `/queries/${jobId}`)).status, 200);
  assert.equal((await new RestCaller(server, twin.token).send("GET", `/queries/${jobId}`)).reason, "accessDenied");
});
