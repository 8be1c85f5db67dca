import { RowBatches } from "./row-batches.ts";
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { Warehouse } from "../warehouse.ts";
import type { ReadSession } from "./read-sessions.ts";
import type { Schedule, SerializedBatch } from "./row-batches.ts";
import type { ReadRowsMessage, ReadRowsRequest } from "./wire.ts";

export type ReadCall = ServerWritableStream<ReadRowsRequest, ReadRowsMessage>;

/**
 * Sends the rows of a session from `offset` on. Resolves when the client has been sent all of them, or has gone. While it takes one batch, the
 * next is read; there are never more than two in memory.
 */
export async function sendRows(
  call: ReadCall,
  warehouse: Warehouse,
  session: ReadSession,
  offset: number,
  schedule: Schedule,
): Promise<void> {
  const gone = new AbortController();
  for (const event of ["cancelled", "close", "error"]) call.on(event, () => gone.abort());
  if (call.cancelled) return;
  const connection = await warehouse.connect();
  const batches = new RowBatches(session, connection, schedule);
  try {
    await connection.run("BEGIN TRANSACTION READ ONLY");
    let sent = offset;
    for await (const batch of ahead(batches.from(offset))) {
      if (gone.signal.aborted) return;
      const message = messageOf(batch, session, sent, sent === offset);
      sent += batch.rowCount;
      if (!(await write(call, message, gone.signal))) return;
    }
  } finally {
    batches.close();
    connection.closeSync();
  }
}

function messageOf(
  { bytes, rowCount }: SerializedBatch,
  session: ReadSession,
  sent: number,
  isFirst: boolean,
): ReadRowsMessage {
  const total = session.rowCount;
  return {
    batch: bytes,
    rowCount,
    stats: { progress: { atResponseStart: sent / total, atResponseEnd: (sent + rowCount) / total } },
    ...(isFirst && { arrowSchema: { serializedSchema: session.serializedSchema } }),
  };
}

/** Resolves when the message is on its way, to false when the client has gone. */
async function write(call: ReadCall, message: ReadRowsMessage, gone: AbortSignal): Promise<boolean> {
  if (gone.aborted) return false;
  const { promise, resolve } = Promise.withResolvers<void>();
  const settle = (): void => resolve();
  gone.addEventListener("abort", settle);
  call.write(message, settle);
  await promise;
  gone.removeEventListener("abort", settle);
  return !gone.aborted;
}

/** The same items, each asked for before the one before it is used. Ends the source, and waits for it, when it is left early. */
async function* ahead<Item>(source: AsyncGenerator<Item, void, undefined>): AsyncGenerator<Item, void, undefined> {
  let next = source.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done === true) return;
      next = source.next();
      next.catch(() => undefined);
      yield value;
    }
  } finally {
    await next.catch(() => undefined);
    await source.return();
  }
}
