import type { TableName } from "@indelible/schemas/tables.ts";
import { readRange } from "../identities.ts";
import type { RowReader } from "../row-reader.ts";
import { cut, windowOf, type Window } from "./windows.ts";

/** A window of a table, with the read that saw it. */
export type SealableWindow = Window & { readonly table: TableName; readonly readSession: string | undefined };

export interface SealableRange {
  readonly table: TableName;
  /** Where the table's last seal ended: microseconds since 1970, inclusive. */
  readonly from: bigint;
  /** What is closed: exclusive. */
  readonly until: bigint;
}

export interface SealableOptions {
  readonly reader: RowReader;
  /** Rows that are read and sorted at once: what memory is bounded by. */
  readonly maxRowsRead: number;
  /** Rows of one window. */
  readonly maxWindowRows: number;
  /** A table without rows is sealed when its last seal ended this long ago, in microseconds. */
  readonly heartbeat: bigint;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The windows of a range, in order, read part by part: a part that turns out to hold more than `maxRowsRead` rows is read again as less,
 * so that memory does not depend on how much there is. What is empty at the end waits for the next run, until a heartbeat is due. A table
 * that is not there has no windows: when it comes back, so do its rows, and a seal over none would make each of them one too many.
 *
 * @throws ERR_READ, ERR_ACCESS_DENIED
 */
export async function* sealableWindows(
  { table, from, until }: SealableRange,
  options: SealableOptions,
): AsyncGenerator<SealableWindow> {
  const { reader, maxRowsRead, maxWindowRows, heartbeat, signal } = options;
  let start = from;
  let readSession: string | undefined;
  let width = until - from;
  for (let at = from; at < until;) {
    const end = at + width < until ? at + width : until;
    // What came in within one microsecond is read however much it is.
    const maxRows = end - at > 1n ? maxRowsRead : Infinity;
    const range = await readRange(reader, table, { from: at, until: end, maxRows }, signal);
    if (range.kind === "no table") return;
    if (range.kind === "too many") {
      width = range.split - at;
      continue;
    }
    readSession = range.session;
    const { windows, next } = cut(start, end, range.rows, maxWindowRows);
    for (const window of windows) yield { ...window, table, readSession };
    start = next;
    at = end;
    if (range.rows.length === 0) width = until - at;
    else if (range.rows.length * 2 < maxRowsRead) width *= 2n;
  }
  if (until - start >= heartbeat) yield { ...windowOf(start, until, []), table, readSession };
}
