/** Reads the rows of sealed windows and holds them against their seals. */
import type { TableName } from "@indelible/schemas/tables.ts";
import type { ObjectStore } from "../object-store.ts";
import { allColumns } from "../projection.ts";
import type { RowReader } from "../row-reader.ts";
import type { FindingList } from "./finding-list.ts";
import type { Moves } from "./moves.ts";
import { BatchRows } from "./rows.ts";
import { WindowRows } from "./window-rows.ts";
import type { SealedWindow, WindowList } from "./seal-index.ts";
import { compareWindow } from "./window-differences.ts";

export interface WindowsOptions {
  readonly table: TableName;
  readonly reader: RowReader;
  readonly store: ObjectStore;
  readonly findings: FindingList;
  readonly moves: Moves;
  /** The clock, in microseconds since 1970. */
  readonly now: () => bigint;
  /** Rows beyond those that were sealed that are looked at in one read, before the window is given up. */
  readonly maxExtraRows: number;
  readonly signal?: AbortSignal | undefined;
}

export interface WindowResult {
  readonly window: SealedWindow;
  /** `expired` counts as verified: the rows may be gone, and are. */
  readonly outcome: "verified" | "expired" | "differs";
}

export interface GroupResult {
  /** Rows that were read. */
  readonly rows: number;
  /** In the order of the windows. */
  readonly windows: readonly WindowResult[];
}

/** Windows that are read at once, so that a table of small ones does not take a read for each. */
const MAX_GROUP = 10_000;

/** Consecutive windows with together at most so many rows, as indices from and until; a larger one goes alone. */
export function* groupsOf(
  windows: WindowList,
  from: number,
  until: number,
  rowsPerRead: number,
): Generator<{ readonly from: number; readonly until: number }> {
  for (let start = from; start < until;) {
    let end = start + 1;
    let rows = windows.rowCountAt(start);
    while (end < until && end - start < MAX_GROUP && rows + windows.rowCountAt(end) <= rowsPerRead) {
      rows += windows.rowCountAt(end);
      end += 1;
    }
    yield { from: start, until: end };
    start = end;
  }
}

/**
 * Verifies consecutive windows. Memory: the identities of their rows, and of as many more as are allowed. When a read brings more,
 * the windows are read again in halves, and one that has too many by itself is given up with a finding.
 *
 * Undefined when there is no such table. Nothing is added to the findings before the read has succeeded. @throws what the reader and the store throw
 */
export async function verifyGroup(
  windows: readonly SealedWindow[],
  options: WindowsOptions,
): Promise<GroupResult | undefined> {
  const { findings, maxExtraRows } = options;
  const found = findings.empty();
  const rows = new WindowRows(windows, maxExtraRows);
  const read = await readInto(rows, windows, found, options);
  if (read === undefined) return undefined;
  if (rows.isFull && windows.length > 1) {
    const middle = windows.length >>> 1;
    const first = await verifyGroup(windows.slice(0, middle), options);
    const second = await verifyGroup(windows.slice(middle), options);
    if (first === undefined || second === undefined) return undefined;
    return { rows: first.rows + second.rows, windows: [...first.windows, ...second.windows] };
  }
  findings.addAll(found);
  const results: WindowResult[] = [];
  for (const [index, window] of windows.entries()) {
    if (rows.isFull) {
      const message = `it was sealed with ${window.rowCount} rows and has at least ${rows.kept}, or of absurd size; the rest was not read`;
      findings.add({ code: "window-differs", message, ...nameOf(options.table, window) });
      results.push({ window, outcome: "differs" });
    } else {
      results.push({ window, outcome: await compareWindow(window, rows.membersOf(index), options) });
    }
  }
  for (const stray of rows.strays) options.moves.addExtra({ table: options.table, ...stray });
  return { rows: read, windows: results };
}

/** Returns how many rows there were; fewer than there are when `rows` became full. */
async function readInto(
  rows: WindowRows,
  windows: readonly SealedWindow[],
  found: FindingList,
  { table, reader, signal }: WindowsOptions,
): Promise<number | undefined> {
  const first = windows[0] as SealedWindow;
  const last = windows.at(-1) as SealedWindow;
  const read = await reader.read({ table, columns: allColumns(table), from: first.start, until: last.end, signal });
  if (read === undefined) return undefined;
  let count = 0;
  for await (const batch of read.batches) {
    signal?.throwIfAborted();
    const batchRows = new BatchRows(table, batch, found);
    for (let row = 0; row < batch.length; row += 1) {
      count += 1;
      const isSound = batchRows.check(row);
      if (!rows.add(batchRows, row, !isSound)) return count;
    }
  }
  return count;
}

function nameOf(
  table: TableName,
  { start, end, logIndex }: SealedWindow,
): {
  readonly table: TableName;
  readonly window: { readonly start: bigint; readonly end: bigint };
  readonly logIndex: bigint;
} {
  return { table, window: { start, end }, logIndex };
}
