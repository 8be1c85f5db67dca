/** Rows that no window holds: those that came in after the last seal, and those of a time before any. */
import type { TableName } from "@indelible/schemas/tables.ts";
import { allColumns } from "../projection.ts";
import type { RowReader } from "../row-reader.ts";
import type { FindingList } from "./finding-list.ts";
import type { Moves } from "./moves.ts";
import { BatchRows } from "./rows.ts";

export interface UnsealedOptions {
  readonly table: TableName;
  readonly reader: RowReader;
  readonly findings: FindingList;
  readonly moves: Moves;
  /** The clock, in microseconds since 1970. */
  readonly now: () => bigint;
  readonly signal?: AbortSignal | undefined;
}

/** `ingested_at` is the subscriber's clock, which may be so far ahead of the verifier's. A row that is further ahead was put there by hand. */
const CLOCK_DIFFERENCE_MICROS = 3_600_000_000n;

/**
 * Holds the rows after the last window against themselves, and returns how many there are. Those of a time that has not come are extra: no
 * window will hold them for as long. To be called when all windows of all tables are done: a row that is missing there may have been
 * moved here.
 */
export async function readUnsealed(from: bigint, until: bigint | undefined, options: UnsealedOptions): Promise<number> {
  const { table, moves, now } = options;
  const latest = now() + CLOCK_DIFFERENCE_MICROS;
  let ahead = 0;
  const count = await readRows(from, until, options, (rows, row) => {
    const ingestedAt = rows.ingestedAt(row);
    const stray = { table, logId: rows.logId(row), entryHash: rows.entryHash(row), ingestedAt };
    if (ingestedAt !== undefined && ingestedAt > latest) {
      ahead += 1;
      moves.addExtra(stray);
    } else moves.sawUnsealed(stray);
  });
  return count - ahead;
}

/** Finds rows before 1970, where the first window begins. */
export async function readBeforeTime(options: UnsealedOptions): Promise<void> {
  const { table, moves } = options;
  await readRows(undefined, 0n, options, (rows, row) => {
    const ingestedAt = rows.ingestedAt(row);
    moves.addExtra({ table, logId: rows.logId(row), entryHash: rows.entryHash(row), ingestedAt });
  });
}

async function readRows(
  from: bigint | undefined,
  until: bigint | undefined,
  { table, reader, findings, signal }: UnsealedOptions,
  take: (rows: BatchRows, row: number) => void,
): Promise<number> {
  const read = await reader.read({ table, columns: allColumns(table), from, until, signal });
  if (read === undefined) return 0;
  let count = 0;
  for await (const batch of read.batches) {
    signal?.throwIfAborted();
    const rows = new BatchRows(table, batch, findings);
    for (let row = 0; row < batch.length; row += 1) {
      rows.check(row);
      take(rows, row);
    }
    count += batch.length;
  }
  return count;
}
