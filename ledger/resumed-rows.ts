import { setTimeout as pause } from "node:timers/promises";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { isPassing, readError } from "./read-calls.ts";
import type { ReadCalls, RowsCall, RowsResponse } from "./read-calls.ts";

/** Calls in a row that may end without a single row. */
const MAX_FRUITLESS_CALLS = 5;
const FIRST_PAUSE_MS = 100;
const SILENCE_MS = 60_000;

/**
 * The record batches of a stream, each once: when the call breaks, another one goes on behind the last row that came.
 * @throws ERR_READ, ERR_ACCESS_DENIED, or the signal's reason
 */
export async function* resumedRows(
  calls: ReadCalls,
  stream: string,
  table: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let offset = 0;
  for (let fruitless = 0; ;) {
    signal?.throwIfAborted();
    const call = await calls.readRows(stream, offset);
    const cancel = (): void => call.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      for (let response = await nextOf(call); response !== undefined; response = await nextOf(call)) {
        const rows = Number(response.rowCount ?? 0);
        offset += rows;
        if (rows > 0) fruitless = 0;
        const batch = response.arrowRecordBatch?.serializedRecordBatch;
        if (batch !== undefined && batch.length > 0) yield batch;
      }
      return;
    } catch (error) {
      signal?.throwIfAborted();
      fruitless++;
      if (!isPassing(error) || fruitless >= MAX_FRUITLESS_CALLS) throw readError(`reading ${table}`, error);
    } finally {
      signal?.removeEventListener("abort", cancel);
      call.cancel();
    }
    if (fruitless > 1) await pause(FIRST_PAUSE_MS * 2 ** (fruitless - 2), undefined, signal && { signal });
  }
}

/** The next response; undefined at the end. A call that is silent for too long is ended. */
async function nextOf({ responses, cancel }: RowsCall): Promise<RowsResponse | undefined> {
  let isSilent = false;
  const timer = setTimeout(() => {
    isSilent = true;
    cancel();
  }, SILENCE_MS);
  try {
    const { done, value } = await responses.next();
    return done === true ? undefined : value;
  } catch (error) {
    if (!isSilent) throw error;
    throw new IndelibleError("ERR_READ", `no row came for ${SILENCE_MS / 1000} s`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
