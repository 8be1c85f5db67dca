import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { protos, v1 } from "@google-cloud/bigquery-storage";
import { credentials, status } from "@grpc/grpc-js";
import { bigQueryTableOf } from "@indelible/schemas/bigquery.ts";
import { warehouseRoleNames, type WarehouseRoleName } from "@indelible/schemas/rights.ts";
import { tableNames, tables, type TableName } from "@indelible/schemas/tables.ts";
import { viewsOf } from "@indelible/schemas/views.ts";
import { bigQueryClient } from "../../../cli/clients.ts";
import { policyWith } from "../../../cli/dev/access.ts";
import { provisionWarehouse } from "../../../cli/dev/provision.ts";
import { parsePolicy } from "../../../local/bigquery/access/policy.ts";
import { startWarehouse, type WarehouseServer } from "../../../local/bigquery/server.ts";
import { RestCaller } from "./callers.ts";
import { RowType } from "./clients.ts";
import { ReadCaller } from "./read-caller.ts";
import { RAW, rights, VIEWS, type Attempt, type ReadAttempt, type Right, type WriteAttempt } from "./rights.ts";

type Who = WarehouseRoleName | "nobody";
/** How an attempt ended: done, refused as somebody unknown, refused for lack of a permission, or refused for another reason. */
type Outcome = "yes" | "who are you" | "no" | "not here";

const project = "rights-test";
const tokens = Object.fromEntries(
  warehouseRoleNames.map((role) => [role, `token-of-the-${role}-`.padEnd(43, "x")]),
) as {
  [R in WarehouseRoleName]: string;
};
const tokenOf = (who: Who): string => (who === "nobody" ? "token-that-nobody-has" : tokens[who]);

const folder = mkdtempSync(join(tmpdir(), "indelible-rights-"));
let server: WarehouseServer;
const rest = (who: Who): RestCaller => new RestCaller(server, tokenOf(who), project);
const refusals = rights.flatMap(({ allowed, ...right }) =>
  (["nobody", ...warehouseRoleNames] as const)
    .filter((who) => who === "nobody" || allowed[who] === undefined)
    .map((who) => ({ ...right, who })),
);

before(async () => {
  server = await startWarehouse({
    dataDirectory: folder,
    port: 0,
    grpcPort: 0,
    access: parsePolicy(policyWith(tokens)),
  });
  process.env["BIGQUERY_EMULATOR_HOST"] = `http://127.0.0.1:${server.port}`;
  await provisionWarehouse(bigQueryClient(project, true, tokens.admin));
  for (const logId of ["first", "second"]) {
    assert.equal(await append("writer", "conversations", rowOf("conversations", logId)), undefined);
    assert.equal(await append("sealer", "seals", rowOf("seals", logId)), undefined);
  }
});
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

describe("rights - what a role has no permission for", () => {
  let rows: readonly string[];
  before(async () => {
    rows = await everything();
    assert.ok(rows.join().includes("first"));
  });
  after(async () => {
    assert.deepEqual(await everything(), rows, "something was changed");
  });
  for (const { what, who, attempt } of refusals) {
    it(`${what} is refused to ${who === "nobody" ? "a token that nobody has" : `the ${who}`}`, async () => {
      assert.equal(await outcomeOf(attempt, who), who === "nobody" ? "who are you" : "no");
    });
  }
});

describe("rights - what a role may", () => {
  const others = warehouseRoleNames.filter((role) => role !== "admin");
  for (const role of [...others, "admin"] as const) {
    for (const { what, attempt, allowed } of rights) {
      const expected = allowed[role];
      if (expected === undefined) continue;
      it(`${what} is ${expected === "yes" ? "done for" : "allowed to, but not known here, for"} the ${role}`, async () => {
        assert.equal(await outcomeOf(attempt, role), expected);
      });
    }
  }
  it("has a line for whatever the admin may", () => {
    assert.deepEqual(
      rights.filter(({ allowed }: Right) => allowed.admin === undefined),
      [],
    );
  });
});

/** Every row of every table and view, and what the tables are, as the admin sees them. */
async function everything(): Promise<string[]> {
  const admin = rest("admin");
  const raw = tableNames.map((name) => `${RAW}.${name}`);
  const views = viewsOf(project).map(({ name }) => `${VIEWS}.${name}`);
  const rows = [...raw, ...views].map(async (name) =>
    (await admin.values(`SELECT * FROM ${name}`))
      .map((row) => JSON.stringify(row))
      .sort()
      .join("\n"),
  );
  const lists = [RAW, VIEWS].map(async (dataset) =>
    JSON.stringify((await admin.send("GET", `/datasets/${dataset}/tables`)).body),
  );
  return Promise.all([...rows, ...lists]);
}

async function outcomeOf(attempt: Attempt, who: Who): Promise<Outcome> {
  if ("write" in attempt) return writeOutcome(attempt, who);
  if ("read" in attempt) return readOutcome(attempt, who);
  const {
    status: code,
    reason,
    message,
  } = "statement" in attempt
    ? await rest(who).query(attempt.statement)
    : await rest(who).send(attempt.method, attempt.path, attempt.body);
  if (code < 300) return "yes";
  if (reason === "authError" && code === 401) return "who are you";
  if (reason === "accessDenied" && code === 403) {
    assert.match(message, /^Access Denied: /);
    return "no";
  }
  assert.deepEqual([code, reason, message.length > 0], [501, "notImplemented", true], message);
  return "not here";
}

async function writeOutcome({ write, table, more }: WriteAttempt, who: Who): Promise<Outcome> {
  const name = table as TableName;
  const failure =
    write === "append" ? await append(who, name, rowOf(name, `of ${who}`), more) : await streamCall(who, name, write);
  return rpcOutcome(failure, {
    denied: /Permission 'TABLES_[A-Z_]+' denied on resource 'projects\/rights-test\/datasets\/agent_logs_raw\/tables\//,
    elsewhere: /primary key/,
  });
}

async function readOutcome({ read, dataset, table }: ReadAttempt, who: Who): Promise<Outcome> {
  const name = `datasets/${dataset}/tables/${table}`;
  const caller = new ReadCaller(server, tokenOf(who), project);
  try {
    const attempt = async (): Promise<void> => {
      const session = await caller.createSession(name);
      if (read === "ReadRows") assert.notEqual(await caller.readRows(session), 0);
      if (read === "SplitReadStream") await caller.splitStream(session);
    };
    const failure = await failureOf(attempt());
    return rpcOutcome(failure, {
      denied:
        /the user does not have 'bigquery\.(?:readsessions|tables)\.[A-Za-z]+' permission for 'projects\/rights-test/,
      elsewhere: /non-table entities cannot be read/,
    });
  } finally {
    await caller.close();
  }
}

/** `denied` and `elsewhere`: what it has to say when a permission is lacking, and when it is refused for another reason. */
function rpcOutcome(
  failure: Failure | undefined,
  says: { readonly denied: RegExp; readonly elsewhere: RegExp },
): Outcome {
  switch (failure?.code) {
    case undefined:
      return "yes";
    case status.UNAUTHENTICATED:
      return "who are you";
    case status.PERMISSION_DENIED:
      assert.match(failure?.message ?? "", says.denied);
      return "no";
    case status.INVALID_ARGUMENT:
      assert.match(failure?.message ?? "", says.elsewhere);
      return "not here";
    default:
      throw new Error(`unexpected: ${failure?.message}`);
  }
}

/** What gRPC refused a call with; undefined when it was answered. */
async function failureOf(call: Promise<unknown>): Promise<Failure | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (typeof (error as Failure).code === "number") return error as Failure;
    throw error;
  }
}

type Failure = { readonly code: number; readonly message: string };
type Field = { name: string; type: string; mode?: string };

function fieldsOf(table: TableName): Field[] {
  return bigQueryTableOf(tables[table]).schema.fields.map(({ name, type, mode }) => ({ name, type, mode }) as Field);
}

function rowOf(table: TableName, logId: string): Readonly<Record<string, unknown>> {
  const values: Readonly<Record<string, unknown>> = { STRING: logId, TIMESTAMP: 1_700_000_000_000_000, INTEGER: 1 };
  return Object.fromEntries(
    fieldsOf(table)
      .filter(({ mode }) => mode === "REQUIRED")
      .map(({ name, type }) => [name, values[type]]),
  );
}

function writeClient(): v1.BigQueryWriteClient {
  return new v1.BigQueryWriteClient({
    apiEndpoint: "127.0.0.1",
    port: server.grpcPort,
    sslCreds: credentials.createInsecure(),
    projectId: project,
  });
}

const headersOf = (who: Who): { headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${tokenOf(who)}` },
});
const pathOf = (table: TableName): string => `projects/${project}/datasets/${RAW}/tables/${table}`;

/** Appends a row, perhaps with texts in columns that the table does not have. Answers what the connection failed with, if it did. */
async function append(
  who: Who,
  table: TableName,
  row: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, string>> = {},
): Promise<Failure | undefined> {
  const required = fieldsOf(table).filter(({ mode }) => mode === "REQUIRED");
  const texts = Object.keys(more).map((name) => ({ name, type: "STRING" }));
  const rowType = new RowType([...required, ...texts]);
  const client = writeClient();
  try {
    const stream = client.appendRows({ otherArgs: headersOf(who) });
    const { promise, resolve } = Promise.withResolvers<Failure | undefined>();
    stream.on("error", (error: Error & { code: number }) => resolve(error));
    stream.on("data", ({ error }: protos.google.cloud.bigquery.storage.v1.IAppendRowsResponse) =>
      resolve(error ? { code: error.code ?? 0, message: error.message ?? "" } : undefined),
    );
    const serializedRows = [rowType.encode({ ...row, ...more })];
    stream.write({
      writeStream: `${pathOf(table)}/streams/_default`,
      protoRows: { writerSchema: rowType.writerSchema, rows: { serializedRows } },
    });
    const failure = await promise;
    stream.end();
    return failure;
  } finally {
    await client.close();
  }
}

async function streamCall(
  who: Who,
  table: TableName,
  rpc: "GetWriteStream" | "CreateWriteStream",
): Promise<Failure | undefined> {
  const client = writeClient();
  const options = { otherArgs: headersOf(who) };
  try {
    return await failureOf(
      rpc === "GetWriteStream"
        ? client.getWriteStream({ name: `${pathOf(table)}/streams/_default` }, options)
        : client.createWriteStream({ parent: pathOf(table), writeStream: { type: "COMMITTED" } }, options),
    );
  } finally {
    await client.close();
  }
}
