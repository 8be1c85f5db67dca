import assert from "node:assert/strict";
import { RestCaller } from "./callers.ts";
import { Appender, DATASET, RowType, defaultStream, writeClient } from "./clients.ts";
import type { TestContext } from "node:test";

export const ADMIN: string = "token-of-the-admin-of-the-tests";
/** Of a warehouse with an admin, who is also whoever has no token. */
export const access: object = {
  anonymous: "admin",
  callers: [{ token: ADMIN, principal: "admin@indelible.local", role: "admin" }],
  roles: { admin: { project: ["bigquery.*"], datasets: [] } },
};
const fields = [
  { name: "id", type: "INT64", mode: "REQUIRED" },
  { name: "text", type: "STRING" },
  { name: "noted_at", type: "TIMESTAMP" },
  { name: "tags", type: "STRING", mode: "REPEATED" },
  { name: "payload", type: "JSON" },
  { name: "cost", type: "FLOAT64" },
];

export async function appendRows(t: TestContext, server: { grpcPort: number }, ids: readonly number[]): Promise<void> {
  const rowType = new RowType(fields);
  const appender = new Appender(writeClient(t, server));
  const serializedRows = ids.map((id) =>
    rowType.encode({
      id,
      text: `row ${id}`,
      noted_at: id * 1_000_000,
      tags: [`tag ${id}`],
      payload: `{"id":${id}}`,
      cost: id,
    }),
  );
  const { error } = await appender.append({
    writeStream: defaultStream("events"),
    protoRows: { writerSchema: rowType.writerSchema, rows: { serializedRows } },
  });
  appender.end();
  assert.equal(error ?? null, null);
}

/** A table of three rows, and its admin. */
export async function createEvents(t: TestContext, server: { port: number; grpcPort: number }): Promise<RestCaller> {
  const admin = new RestCaller(server, ADMIN);
  await admin.send("POST", "/datasets", { datasetReference: { datasetId: DATASET } });
  await admin.send("POST", `/datasets/${DATASET}/tables`, {
    tableReference: { tableId: "events" },
    schema: { fields },
  });
  await appendRows(t, server, [1, 2, 3]);
  return admin;
}
