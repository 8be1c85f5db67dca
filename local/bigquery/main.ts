import { parseArgs } from "node:util";
import { logToStderr as log } from "../log.ts";
import { faultsOfOption, listed } from "../faults.ts";
import { policyOfOption } from "./access/policy-file.ts";
import { parseTimestamp } from "./civil-time.ts";
import { startWarehouse } from "./server.ts";
import { warehouseFaultPoints } from "./storage-write/append-faults.ts";
import type { WarehouseOptions, WarehouseServer } from "./server.ts";

const USAGE = `Usage: node local/bigquery/main.ts --data DIR [--port 9050] [--grpc-port 9060] [--access FILE] [--audit-topic TOPIC] [--faults JSON] [--now TIME]
--access: who may do what, as docs/warehouse.md says; without it everybody may do everything.
--audit-topic: where every read is recorded, as projects/P/topics/T of the Pub/Sub that PUBSUB_EMULATOR_HOST names.
--faults, for tests: such as '{"seed": 7, "appendRows": {"cut-after": 0.01}}', with ${listed(warehouseFaultPoints)}.
--now, for tests: the time at which it starts, in RFC 3339, such as 2033-01-31T00:00:00Z; it runs on from there.`;
const DEFAULT_PORT = "9050";
const DEFAULT_GRPC_PORT = "9060";
const SHUTDOWN_LIMIT_MS = 10_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: "string" },
      port: { type: "string", default: DEFAULT_PORT },
      "grpc-port": { type: "string", default: DEFAULT_GRPC_PORT },
      access: { type: "string" },
      "audit-topic": { type: "string" },
      faults: { type: "string" },
      now: { type: "string" },
    },
  });
  if (values.data === undefined) throw new Error(USAGE);
  const server = await startWarehouse({
    dataDirectory: values.data,
    port: readPort(values.port),
    grpcPort: readPort(values["grpc-port"]),
    access: policyOfOption(values.access),
    audit: auditOf(values["audit-topic"], process.env["PUBSUB_EMULATOR_HOST"]),
    faults: faultsOfOption(values.faults, warehouseFaultPoints, (point, kind) =>
      log("WARNING", "A fault was injected", { point, kind }),
    ),
    now: clockFrom(values.now),
  });
  stopWith(server);
  const { host, port, grpcPort } = server;
  process.stdout.write(`${JSON.stringify({ service: "bigquery", ready: true, host, port, grpcPort })}\n`);
}

/** A clock that shows this time now. */
function clockFrom(text: string | undefined): (() => number) | undefined {
  if (text === undefined) return undefined;
  const micros = text.includes(":") ? parseTimestamp(text) : undefined;
  if (micros === undefined) throw new Error(`${text} is no time. ${USAGE}`);
  const startMs = Number(micros / 1000n);
  const startedMs = performance.now();
  return () => Math.floor(startMs + performance.now() - startedMs);
}

function readPort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`${text} is not a port. ${USAGE}`);
  return port;
}

function auditOf(topic: string | undefined, pubsubHost: string | undefined): WarehouseOptions["audit"] {
  if (topic === undefined) return undefined;
  if (!/^projects\/[^/]+\/topics\/[^/]+$/.test(topic)) throw new Error(`${topic} is not projects/P/topics/T. ${USAGE}`);
  if (pubsubHost === undefined || pubsubHost === "") {
    throw new Error(
      "--audit-topic needs PUBSUB_EMULATOR_HOST: set it to the broker's host:port, such as 127.0.0.1:8085.",
    );
  }
  return { topic, pubsubHost };
}

/** Shuts down on a signal, and with the parent process when there is an IPC channel to it. */
function stopWith(server: WarehouseServer): void {
  let stopping = false;
  const stop = (reason: string): void => {
    if (stopping) return;
    stopping = true;
    log("INFO", "The warehouse is closing.", { reason });
    setTimeout(() => process.exit(1), SHUTDOWN_LIMIT_MS).unref();
    server.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  if (process.send !== undefined) process.on("disconnect", () => stop("the parent process ended"));
}

function fail(error: unknown): never {
  log("ERROR", error instanceof Error ? error.message : String(error));
  process.exit(1);
}

main().catch(fail);
