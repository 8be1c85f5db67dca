import { once } from "node:events";
import { createAdaptorServer } from "@hono/node-server";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { openPolicy } from "./access/policy.ts";
import { AuditLog } from "./audit/audit-log.ts";
import { noRecorder } from "./audit/read-record.ts";
import { QueryEngine } from "./query/engine.ts";
import { Jobs } from "./query/jobs.ts";
import { TableChanges } from "./query/table-changes.ts";
import { restApp } from "./rest/app.ts";
import { readHandlers } from "./storage-read/read-service.ts";
import { readService } from "./storage-read/wire.ts";
import { writeService } from "./storage-write/wire.ts";
import { writeHandlers } from "./storage-write/write-service.ts";
import { Warehouse } from "./warehouse.ts";
import type { AddressInfo } from "node:net";
import type { Policy } from "./access/policy.ts";
import type { AuditLogOptions } from "./audit/audit-log.ts";
import type { ReadRecorder } from "./audit/read-record.ts";
import type { WarehouseFaults } from "./storage-write/append-faults.ts";

export type WarehouseOptions = {
  /** The folder of the warehouse. It is created when missing, and has one process at a time. */
  readonly dataDirectory: string;
  /** REST. 0: any free port. */
  readonly port: number;
  /** Storage Write API and Storage Read API (gRPC). 0: any free port. */
  readonly grpcPort: number;
  /** Told that only a restart of the process can help. Default: throws it where nobody catches it, which ends the process. */
  readonly onFatal?: (error: Error) => void;
  /** Where every read is recorded. Default: nowhere. */
  readonly audit?: Omit<AuditLogOptions, "dataDirectory"> | undefined;
  /** Faults to suffer, for tests. Default: none. */
  readonly faults?: WarehouseFaults | undefined;
  /** Who may do what. Default: everybody everything. */
  readonly access?: Policy;
  /** What time it is, in milliseconds since 1970; it may go back, and jump. Default: the machine's clock. */
  readonly now?: (() => number) | undefined;
};
export type WarehouseServer = {
  readonly host: string;
  readonly port: number;
  readonly grpcPort: number;
  /** Ends connections, stores what was accepted, and releases the folder. Calling it again is harmless. */
  close(): Promise<void>;
};

const HOST = "127.0.0.1";
/** Above the API's own limit, so that a request that is too large gets its reason instead of a transport error. */
const MAX_MESSAGE_BYTES = 20 * 1024 * 1024;
const SHUTDOWN_GRACE_MS = 300;
/**
 * Node's own 5 s end a connection just when a client that asks every few seconds sends its next request on it, which then fails. Google's front
 * ends hold idle connections for minutes, too.
 */
const KEEP_ALIVE_MS = 600_000;

/**
 * Opens a warehouse and serves it on 127.0.0.1.
 * @throws {Error} EADDRINUSE when a port is taken; or when the folder is in use or was written by a later version.
 */
export async function startWarehouse(options: WarehouseOptions): Promise<WarehouseServer> {
  const { dataDirectory, port, grpcPort, onFatal = throwUncaught, audit, faults, access = openPolicy, now } = options;
  const warehouse = await Warehouse.open(dataDirectory, onFatal, now);
  const auditLog = audit === undefined ? undefined : await openAuditLog(warehouse, { dataDirectory, ...audit });
  const recorder: ReadRecorder = auditLog ?? noRecorder;
  const engine = new QueryEngine(warehouse, access);
  const jobs = new Jobs(engine, new TableChanges(warehouse, engine, access), warehouse, recorder);
  const http = createAdaptorServer({
    fetch: restApp(warehouse, engine, jobs, access, recorder).fetch,
    serverOptions: { keepAliveTimeout: KEEP_ALIVE_MS },
  });
  const grpc = new Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    "grpc.so_reuseport": 0,
    // HTTP/2's own 64 KiB would make a request of 1 MB wait for sixteen round trips.
    "grpc-node.flow_control_window": 4 * 1024 * 1024,
  });
  grpc.addService(writeService, writeHandlers(warehouse, faults, access));
  grpc.addService(readService, readHandlers(warehouse, { policy: access, recorder }));

  const closeAll = async (): Promise<void> => {
    const restClosed = once(http, "close");
    http.close();
    await Promise.all([jobs.close(), shutDown(grpc)]);
    if ("closeAllConnections" in http) http.closeAllConnections();
    await restClosed;
    auditLog?.close();
    await warehouse.close();
  };

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= closeAll());

  try {
    http.listen(port, HOST);
    await once(http, "listening");
    const boundGrpcPort = await bind(grpc, grpcPort);
    return { host: HOST, port: (http.address() as AddressInfo).port, grpcPort: boundGrpcPort, close };
  } catch (error) {
    http.close();
    grpc.forceShutdown();
    auditLog?.close();
    await warehouse.close();
    throw error;
  }
}

async function openAuditLog(warehouse: Warehouse, options: AuditLogOptions): Promise<AuditLog> {
  try {
    return new AuditLog(options);
  } catch (error) {
    await warehouse.close();
    throw error;
  }
}

function throwUncaught(error: Error): void {
  process.nextTick(() => {
    throw error;
  });
}

async function bind(grpc: Server, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  grpc.bindAsync(`${HOST}:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
    if (error === null) resolve(bound);
    else reject(new Error(`gRPC port ${port}: ${error.message}`, { cause: error }));
  });
  return promise;
}

/** Lets calls end by themselves for a moment; an AppendRows connection does not. */
async function shutDown(grpc: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    grpc.forceShutdown();
    resolve();
  }, SHUTDOWN_GRACE_MS);
  grpc.tryShutdown(() => resolve());
  await promise;
  clearTimeout(timer);
}
