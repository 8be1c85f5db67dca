import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BigQuery } from "@google-cloud/bigquery";
import { RAW_DATASET } from "@indelible/schemas/names.ts";
import { appenderFromEnvironment } from "@indelible/subscriber/appender-from-environment.ts";
import type { Appender } from "@indelible/subscriber/appender.ts";
import { bigQueryClient } from "../../cli/clients.ts";
import { provisionWarehouse } from "../../cli/dev/provision.ts";
import { startService, type ServiceProcess } from "../../test/processes.ts";

export const projectId = "bench";
/** When the log begins: microseconds since 1970, midnight UTC. */
export const START: number = Date.parse("2026-06-01T00:00:00Z") * 1000;

export interface FilledWarehouse {
  readonly process: ServiceProcess;
  readonly bigquery: BigQuery;
  readonly appender: Appender;
  /** Of gRPC, as host:port. */
  readonly host: string;
}

/** A warehouse on this folder with this many conversations, which are appended if it is new. */
export async function filledWarehouse(folder: string, rows: number): Promise<FilledWarehouse> {
  const service = await startService("local/bigquery/main.ts", ["--data", folder, "--port", "0", "--grpc-port", "0"]);
  const host = `127.0.0.1:${service.ready.grpcPort}`;
  process.env["BIGQUERY_EMULATOR_HOST"] = `http://127.0.0.1:${service.ready.port}`;
  const bigquery = bigQueryClient(projectId, true);
  const appender = appenderFromEnvironment({ BIGQUERY_STORAGE_HOST: host }, projectId);
  const filled = join(folder, `filled-${rows}`);
  if (!existsSync(filled)) {
    await provisionWarehouse(bigquery);
    await fill(service.ready.grpcPort ?? 0, rows);
    // A query waits until the index has everything.
    await bigquery.query(`SELECT COUNT(*) FROM ${RAW_DATASET}.conversations`);
    writeFileSync(filled, "");
  }
  return { process: service, bigquery, appender, host };
}

async function fill(port: number, rows: number): Promise<void> {
  const script = fileURLToPath(new URL("fill.ts", import.meta.url));
  const args = [script, String(port), projectId, String(START), String(rows)];
  const [code] = (await once(spawn(process.execPath, args, { stdio: "inherit" }), "exit")) as [number];
  if (code !== 0) throw new Error(`the rows could not be appended: exit code ${code}`);
}
