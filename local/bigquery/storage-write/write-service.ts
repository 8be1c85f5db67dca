import { status } from "@grpc/grpc-js";
import { logToStderr as log } from "../../log.ts";
import { callerOfCall, demandStorage, grpcError, unaryFor } from "../access/call.ts";
import { AppendConnection } from "./append-rows.ts";
import { StatusError } from "./status.ts";
import { storageSchema } from "./storage-schema.ts";
import { WriteStreams, tableOfName } from "./write-streams.ts";
import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Caller } from "../access/caller.ts";
import type { Policy } from "../access/policy.ts";
import type { Table, WriteStream } from "../catalog.ts";
import type { Warehouse } from "../warehouse.ts";
import type { WarehouseFaults } from "./append-faults.ts";
import type { AppendCall } from "./append-rows.ts";

type CreateRequest = { parent: string; writeStream?: { type?: string } | null };
type GetRequest = { name: string; view: string };
type FinalizeRequest = { name: string };

/** The handlers of `BigQueryWrite`. */
export function writeHandlers(
  warehouse: Warehouse,
  faults: WarehouseFaults | undefined,
  policy: Policy,
): UntypedServiceImplementation {
  const streams = new WriteStreams(warehouse);
  const unary = unaryFor(policy);
  return {
    AppendRows: (call: AppendCall) => {
      let caller: Caller;
      try {
        caller = callerOfCall(call, policy);
      } catch (error) {
        call.emit("error", grpcError(error));
        return;
      }
      new AppendConnection(call, caller, warehouse, streams, faults).run().catch((error: unknown) => {
        log("ERROR", "A connection ended unexpectedly.", {
          reason: error instanceof Error ? error.message : String(error),
        });
      });
    },
    CreateWriteStream: unary(async ({ parent, writeStream }: CreateRequest, caller) => {
      demandStorage(caller, "TABLES_UPDATE_DATA", tableOfName(parent));
      const stream = await streams.create(parent, writeStream?.type ?? "TYPE_UNSPECIFIED");
      return writeStreamMessage(stream.name, stream, streams.destination(stream.name).table, true);
    }),
    GetWriteStream: unary(async ({ name, view }: GetRequest, caller) => {
      demandStorage(caller, "TABLES_GET", tableOfName(name));
      const { stream, table } = streams.destination(name);
      return writeStreamMessage(name, stream, table, view === "FULL");
    }),
    FinalizeWriteStream: unary(async ({ name }: FinalizeRequest, caller) => {
      demandStorage(caller, "TABLES_UPDATE_DATA", tableOfName(name));
      return { rowCount: await streams.finalize(name) };
    }),
    BatchCommitWriteStreams: unary(() =>
      unimplemented("BatchCommitWriteStreams commits PENDING streams, which this warehouse does not have"),
    ),
    FlushRows: unary(() => unimplemented("FlushRows flushes BUFFERED streams, which this warehouse does not have")),
  };
}

async function unimplemented(what: string): Promise<never> {
  throw new StatusError(status.UNIMPLEMENTED, `${what}: use a COMMITTED or the default stream.`);
}

function writeStreamMessage(name: string, stream: WriteStream | undefined, table: Table, full: boolean): object {
  const createdMs = stream?.createdMs ?? table.createdMs;
  return {
    name,
    type: "COMMITTED",
    createTime: { seconds: Math.floor(createdMs / 1000), nanos: (createdMs % 1000) * 1_000_000 },
    writeMode: "INSERT",
    location: "US",
    ...(full ? { tableSchema: storageSchema(table.schema) } : {}),
  };
}
