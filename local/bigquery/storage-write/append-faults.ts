import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { StatusError, rpcStatus } from "./status.ts";
import type { Fault, Faults } from "../../faults.ts";
import type { AppendReply } from "./append-rows.ts";
import type { AppendResponse } from "./wire.ts";

/**
 * How AppendRows can fail, request by request. A response out of nowhere is not among them: responses carry no identity, so that
 * a client could take it for the answer to its next request, and no client could do better.
 */
export const warehouseFaultPoints = {
  appendRows: [
    /** The response is an error (RESOURCE_EXHAUSTED, INTERNAL or UNAVAILABLE), nothing is stored. */
    "refuse",
    /** The connection ends with PERMISSION_DENIED, nothing is stored. */
    "permission-denied",
    /** The connection ends, nothing is stored. */
    "cut-before",
    /** The rows are stored, then the connection ends without the response. */
    "cut-after",
    /** Nothing is stored, and there is never an answer. */
    "hang-before",
    /** The rows are stored, and there is never an answer. */
    "hang-after",
    /** One row of the request is refused, so nothing is stored. */
    "row-error",
    /** The response also says that the table has a new schema. */
    "schema-update",
    /** The response comes late, and with it those after it. */
    "delay",
  ],
} as const;

export type WarehouseFaults = Faults<typeof warehouseFaultPoints>;
export type AppendFault = Fault<(typeof warehouseFaultPoints)["appendRows"][number]>;

/** What a request to be failed would come to. */
export interface HealthyAppend {
  readonly writeStream: string;
  readonly rowCount: () => number;
  readonly updatedSchema: () => object;
  /** Stores the rows. */
  readonly store: () => Promise<AppendReply>;
  /** Aborts when the connection is over. */
  readonly closed: AbortSignal;
}

const REFUSALS = [status.RESOURCE_EXHAUSTED, status.INTERNAL, status.UNAVAILABLE] as const;
/** Constant, so that a row that is refused twice makes the same dead letter twice. */
const REASON = "Refused by an injected fault.";

/** Answers a request as the fault will have it. @throws {StatusError} what ends the connection */
export async function failAppend(fault: AppendFault, append: HealthyAppend): Promise<AppendReply> {
  const { writeStream } = append;
  switch (fault.kind) {
    case "refuse": {
      const code = REFUSALS[fault.pick(REFUSALS.length)] as status;
      return { response: { error: rpcStatus(new StatusError(code, REASON)), writeStream } };
    }
    case "permission-denied":
      throw new StatusError(status.PERMISSION_DENIED, REASON);
    case "cut-before":
      throw new StatusError(status.UNAVAILABLE, REASON);
    case "cut-after":
      await (
        await append.store()
      ).response;
      throw new StatusError(status.UNAVAILABLE, REASON);
    case "hang-before":
      return { response: never(writeStream, append.closed) };
    case "hang-after":
      await (
        await append.store()
      ).response;
      return { response: never(writeStream, append.closed) };
    case "row-error": {
      const rowErrors = [{ index: fault.pick(append.rowCount()), code: "FIELDS_ERROR", message: REASON }] as const;
      return {
        response: { error: rpcStatus(new StatusError(status.INVALID_ARGUMENT, REASON)), rowErrors, writeStream },
      };
    }
    case "schema-update": {
      const { response } = await append.store();
      return {
        response: Promise.resolve(response).then((sent) => ({ ...sent, updatedSchema: append.updatedSchema() })),
      };
    }
    case "delay": {
      const { response } = await append.store();
      return { response: delay(fault.delayMs).then(() => response) };
    }
  }
}

/** A response that is there only when nobody can get it any more. */
async function never(writeStream: string, closed: AbortSignal): Promise<AppendResponse> {
  if (!closed.aborted) await once(closed, "abort");
  return { writeStream };
}
