import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { duckdbTable } from "../../local/bigquery/catalog.ts";
import { DATASET } from "../local/bigquery/clients.ts";
import { ReadCaller } from "../local/bigquery/read-caller.ts";
import { events, serveReads } from "../local/bigquery/read-server.ts";
import type { TestContext } from "node:test";
import type { ReadRecord, ReadRecorder } from "../../local/bigquery/audit/read-record.ts";

const table = `datasets/${DATASET}/tables/events`;

/** Somebody who asks for sessions on a table with one row. */
async function reader(t: TestContext, recorder: ReadRecorder): Promise<ReadCaller> {
  const server = await serveReads(t, { recorder });
  await server.warehouse.caughtUp(10_000);
  const connection = await server.warehouse.connect();
  await connection.run(`INSERT INTO ${duckdbTable(events)} VALUES ('1', 'secret')`);
  connection.closeSync();
  const caller = new ReadCaller(server, undefined);
  t.after(() => caller.close());
  return caller;
}

/** The restriction was once evaluated before the session was recorded: whoever may read could see any value without a record. */
test("a read session whose restriction fails on a row - is recorded, because its error may quote the row", async (t) => {
  const records: ReadRecord[] = [];
  const caller = await reader(t, { record: async (_caller, _origin, read) => void records.push(read) });
  await assert.rejects(caller.createSession(table, { rowRestriction: "nothing = 1" }), {
    code: status.INVALID_ARGUMENT,
  });
  assert.equal(records.length, 0, "a restriction that cannot be evaluated reads nothing");
  await assert.rejects(caller.createSession(table, { rowRestriction: "CAST(text AS INT64) = 1" }), {
    code: status.INVALID_ARGUMENT,
    details: /Invalid INT64 value: 'secret'/,
  });
  assert.deepEqual(
    records.map((read) => read.kind === "read_session" && [read.table, read.fields]),
    [[events, ["id", "text"]]],
  );
});

test("a read session that cannot be recorded - says that, and nothing of what its restriction fails on", async (t) => {
  const caller = await reader(t, { record: () => Promise.reject(new Error("the audit log is full")) });
  await assert.rejects(caller.createSession(table, { rowRestriction: "CAST(text AS INT64) = 1" }), {
    code: status.INTERNAL,
    details: "the audit log is full",
  });
});
