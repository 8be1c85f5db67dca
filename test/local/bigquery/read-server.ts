import assert from "node:assert/strict";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { openPolicy } from "../../../local/bigquery/access/policy.ts";
import { noRecorder } from "../../../local/bigquery/audit/read-record.ts";
import { readHandlers } from "../../../local/bigquery/storage-read/read-service.ts";
import { readService } from "../../../local/bigquery/storage-read/wire.ts";
import { Warehouse } from "../../../local/bigquery/warehouse.ts";
import { DATASET, PROJECT, temporaryFolder } from "./clients.ts";
import type { TestContext } from "node:test";
import type { TableRef } from "../../../local/bigquery/sql/translate.ts";
import type { ReadServiceOptions } from "../../../local/bigquery/storage-read/read-service.ts";

/** The table that is there, without rows. */
export const events: TableRef = { projectId: PROJECT, datasetId: DATASET, tableId: "events" };

/** The Storage Read API alone, over a warehouse in this process. */
export async function serveReads(
  t: TestContext,
  options: Partial<ReadServiceOptions> = {},
): Promise<{ readonly grpcPort: number; readonly warehouse: Warehouse }> {
  const fail = (error: Error): void => assert.fail(error);
  const warehouse = await Warehouse.open(await temporaryFolder(), fail);
  const now = { createdMs: 1, modifiedMs: 1 };
  await warehouse.change({ kind: "putDataset", dataset: { ...events, settings: { location: "EU" }, ...now } });
  const fields = [
    { name: "id", type: "STRING", mode: "NULLABLE" },
    { name: "text", type: "STRING", mode: "NULLABLE" },
  ] as const;
  await warehouse.change({ kind: "putTable", table: { ref: events, schema: { fields }, settings: {}, ...now } });
  const server = new Server();
  server.addService(readService, readHandlers(warehouse, { policy: openPolicy, recorder: noRecorder, ...options }));
  const { promise, resolve } = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_error, port) => resolve(port));
  t.after(async () => {
    server.forceShutdown();
    await warehouse.close();
  });
  return { grpcPort: await promise, warehouse };
}
