import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { everybody } from "../../../local/bigquery/access/caller.ts";
import { openPolicy } from "../../../local/bigquery/access/policy.ts";
import { DATASET, PROJECT } from "./clients.ts";
import { createSession, readClient, readRows } from "./read-client.ts";
import { events, serveReads } from "./read-server.ts";
import type { Caller } from "../../../local/bigquery/access/caller.ts";
import type { ReadServiceOptions } from "../../../local/bigquery/storage-read/read-service.ts";
import type { ReadRecord } from "../../../local/bigquery/audit/read-record.ts";

/** Somebody who holds everything but one permission, and what he was asked for. */
function without(missing: string): { readonly options: Partial<ReadServiceOptions>; readonly asked: unknown[][] } {
  const asked: unknown[][] = [];
  const allows = (permission: string, resource?: object): boolean => {
    asked.push([permission, resource]);
    return permission !== missing;
  };
  const caller = { principal: "someone@example.com", allows };
  return { options: { policy: { ...openPolicy, callerOf: () => caller } }, asked };
}

const table = `projects/${PROJECT}/datasets/${DATASET}/tables/events`;
for (const [permission, resource] of [
  ["bigquery.readsessions.create", `projects/${PROJECT}`],
  ["bigquery.tables.getData", table],
] as const) {
  test(`CreateReadSession - whoever lacks ${permission} is denied, in BigQuery's words`, async (t) => {
    const client = readClient(t, await serveReads(t, without(permission).options));
    await assert.rejects(createSession(client, "events"), {
      code: status.PERMISSION_DENIED,
      details: `request failed: the user does not have '${permission}' permission for '${resource}'`,
    });
  });
}

test("CreateReadSession - a table that one may not read is denied whether it exists or not", async (t) => {
  const client = readClient(t, await serveReads(t, without("bigquery.tables.getData").options));
  await assert.rejects(createSession(client, "nowhere"), { code: status.PERMISSION_DENIED });
});

test("ReadRows - whoever lacks bigquery.readsessions.getData is denied", async (t) => {
  const { options, asked } = without("bigquery.readsessions.getData");
  const client = readClient(t, await serveReads(t, options));
  const session = await createSession(client, "events");
  await assert.rejects(readRows(client, session), { code: status.PERMISSION_DENIED });
  assert.deepEqual(asked, [
    ["bigquery.readsessions.create", undefined],
    ["bigquery.tables.getData", events],
    ["bigquery.readsessions.getData", undefined],
  ]);
});

test("CreateReadSession - the session is recorded before it is given out", async (t) => {
  const records: ReadRecord[] = [];
  const recorder = {
    async record(caller: { principal: string }, origin: { ip: string; userAgent: string }, read: ReadRecord) {
      assert.equal(caller.principal, "anonymous@localhost");
      assert.equal(origin.ip, "127.0.0.1");
      assert.match(origin.userAgent, /grpc-node/);
      records.push(read);
    },
  };
  const client = readClient(t, await serveReads(t, { recorder }));
  const { name } = await createSession(client, "events", { selectedFields: ["text"] });
  assert.match(name ?? "", /^projects\/test-project\/locations\/eu\/sessions\//);
  const [read] = records;
  assert.deepEqual(read, {
    kind: "read_session",
    session: name,
    table: events,
    fields: ["text"],
    atMs: read?.kind === "read_session" ? read.atMs : 0,
  });
});

test("CreateReadSession - what cannot be recorded is not read", async (t) => {
  const recorder = { record: () => Promise.reject(new Error("the audit log is full")) };
  const client = readClient(t, await serveReads(t, { recorder }));
  await assert.rejects(createSession(client, "events"), { code: status.INTERNAL, details: "the audit log is full" });
});

test("ReadRows and SplitReadStream - a session is for who created it, and for nobody else who may read as much", async (t) => {
  const callers = new Map<string | undefined, Caller>(
    [undefined, "another"].map((token) => [token, { ...everybody, allows: () => true }]),
  );
  const policy = { ...openPolicy, callerOf: (token: string | undefined) => callers.get(token) };
  const client = readClient(t, await serveReads(t, { policy }));
  const session = await createSession(client, "events");
  assert.deepEqual(await readRows(client, session), []);
  const name = session.streams?.[0]?.name ?? "";
  const asAnother = { otherArgs: { headers: { authorization: "Bearer another" } } };
  const denied = { code: status.PERMISSION_DENIED, details: /did not create the session/ };
  await assert.rejects(client.splitReadStream({ name }, asAnother), denied);
  const retryRequestOptions = { retries: 0, noResponseRetries: 0 } as object;
  const rows = client.readRows({ readStream: name }, { ...asAnother, retryRequestOptions });
  await assert.rejects(once(rows, "data"), denied);
});
