import { hash } from "node:crypto";
import { packedLeaves, rootOfPacked } from "../merkle.ts";
import type { LeafRow } from "../identities.ts";
import { DAY_MICROS } from "../verification/time.ts";

/** A window that is ready to be sealed. Times in microseconds since 1970. */
export interface Window {
  readonly start: bigint;
  readonly end: bigint;
  readonly rowCount: number;
  /** Lower-case hex. */
  readonly rootHash: string;
  /** Of the text of its leaves: by which it is known again. */
  readonly leavesHash: string;
  /** Data of the leaves, in order. */
  readonly leaves: readonly string[];
}

/**
 * Cuts the range from `start` to `end` into windows that tile it, by its rows, which are sorted:
 *
 * - a window with rows lies within one UTC day, because partitions are days, and retention removes a window as a whole or not at all;
 * - it has at most `maxRows` rows, unless more of them have the very same `ingested_at`: proofs are made from a window's leaves;
 * - what lies between is a window without rows.
 *
 * Where the rows end, the rest up to `end` belongs to the last window of that day, and beyond it is left over.
 *
 * @returns the windows, and where the next one starts: `end`, or earlier when nothing but emptiness is left
 */
export function cut(
  start: bigint,
  end: bigint,
  rows: readonly LeafRow[],
  maxRows: number,
): { readonly windows: Window[]; readonly next: bigint } {
  const windows: Window[] = [];
  let next = start;
  for (let at = 0; at < rows.length;) {
    const first = (rows[at] as LeafRow).ingestedAt;
    const day = first - modulo(first, DAY_MICROS);
    if (day > next) {
      windows.push(windowOf(next, day, []));
      next = day;
    }
    const until = cutAfter(rows, at, maxRows, day + DAY_MICROS);
    const following = rows[until]?.ingestedAt;
    const windowEnd = following !== undefined && following < day + DAY_MICROS ? following : min(day + DAY_MICROS, end);
    windows.push(windowOf(next, windowEnd, rows.slice(at, until)));
    next = windowEnd;
    at = until;
  }
  return { windows, next };
}

export function windowOf(start: bigint, end: bigint, rows: readonly LeafRow[]): Window {
  const leaves = rows.map(({ data }) => data);
  const rootHash = rootOfPacked(packedLeaves(leaves)).toString("hex");
  return { start, end, rowCount: rows.length, rootHash, leavesHash: leavesHashOf(rows), leaves };
}

/** The same rows have the same hash. It is not the root, and costs a tenth of it. */
export function leavesHashOf(rows: readonly LeafRow[]): string {
  return hash("sha256", rows.map(({ data }) => data).join("\n"), "hex");
}

/** Where the window that begins with row `at` ends: before the first row of another day, or at a change of time near `maxRows`. */
function cutAfter(rows: readonly LeafRow[], at: number, maxRows: number, dayEnd: bigint): number {
  const timeOf = (index: number): bigint | undefined => rows[index]?.ingestedAt;
  let until = at;
  while (until < rows.length && (timeOf(until) as bigint) < dayEnd) {
    let same = until;
    while (same < rows.length && timeOf(same) === timeOf(until)) same += 1;
    if (until > at && same - at > maxRows) break;
    until = same;
  }
  return until;
}

function modulo(value: bigint, by: bigint): bigint {
  return ((value % by) + by) % by;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
