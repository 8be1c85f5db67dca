import assert from "node:assert/strict";
import { parsePolicy } from "../../../local/bigquery/access/policy.ts";
import { startWarehouse } from "../../../local/bigquery/server.ts";
import { RestCaller } from "./callers.ts";
import { Appender, DATASET, RowType, defaultStream, writeClient } from "./clients.ts";
import { access } from "./events-table.ts";
import type { TestContext } from "node:test";
import type { WarehouseServer } from "../../../local/bigquery/server.ts";

export const DAY_MS = 86_400_000;
const fields = [
  { name: "id", type: "INT64", mode: "REQUIRED" },
  { name: "noted_at", type: "TIMESTAMP" },
  { name: "text", type: "STRING" },
];

/** The clock of a test. */
export class Clock {
  nowMs: number;

  constructor(time: string) {
    this.nowMs = Date.parse(time);
  }

  set(time: string): void {
    this.nowMs = Date.parse(time);
  }
}

/** A warehouse that goes by this clock and takes whoever has no token for its admin; closed after the test. */
export async function openAt(t: TestContext, dataDirectory: string, clock: Clock): Promise<WarehouseServer> {
  const server = await startWarehouse({
    dataDirectory,
    port: 0,
    grpcPort: 0,
    access: parsePolicy(access),
    now: () => clock.nowMs,
  });
  t.after(() => server.close());
  return server;
}

/** Table `days`, partitioned by day of `noted_at`, each of which stays for so long. */
export async function createDays(server: { port: number }, expirationMs: number | undefined): Promise<RestCaller> {
  const admin = new RestCaller(server, undefined);
  await admin.send("POST", "/datasets", { datasetReference: { datasetId: DATASET } });
  const timePartitioning = {
    type: "DAY",
    field: "noted_at",
    ...(expirationMs !== undefined && { expirationMs: String(expirationMs) }),
  };
  const table = { tableReference: { tableId: "days" }, schema: { fields }, timePartitioning };
  assert.equal((await admin.send("POST", `/datasets/${DATASET}/tables`, table)).message, "");
  return admin;
}

/** Appends rows 0, 1, ... to `days`, at these times; undefined is NULL. */
export function appendDays(
  t: TestContext,
  server: { grpcPort: number },
  ...times: readonly (string | undefined)[]
): Promise<void> {
  return appendTexts(t, server, times, undefined);
}

/** The same, with this text in each of them. */
export async function appendTexts(
  t: TestContext,
  server: { grpcPort: number },
  times: readonly (string | undefined)[],
  text: string | undefined,
): Promise<void> {
  const rowType = new RowType(fields);
  const appender = new Appender(writeClient(t, server));
  const serializedRows = times.map((time, id) =>
    rowType.encode({
      id,
      ...(time !== undefined && { noted_at: Date.parse(time) * 1000 }),
      ...(text !== undefined && { text }),
    }),
  );
  const { error } = await appender.append({
    writeStream: defaultStream("days"),
    protoRows: { writerSchema: rowType.writerSchema, rows: { serializedRows } },
  });
  appender.end();
  assert.equal(error ?? null, null);
}

/** The IDs of the rows of `days` that a query finds. */
export async function idsOf(caller: RestCaller): Promise<number[]> {
  return (await caller.values("SELECT id FROM days ORDER BY id", DATASET)).map(([id]) => Number(id));
}
