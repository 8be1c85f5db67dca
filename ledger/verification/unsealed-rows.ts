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
  readonly signal?: AbortSignal | undefined;
}

/**
 * Holds the rows after the last window against themselves, and returns how many there are. To be called when all windows of all tables
 * are done: a row that is missing there may have been moved here.
 */
export function readUnsealed(from: bigint, until: bigint | undefined, options: UnsealedOptions): Promise<number> {
  const { table, moves } = options;
  return readRows(from, until, options, (rows, row) => {
    const ingestedAt = rows.ingestedAt(row);
    moves.sawUnsealed({ table, logId: rows.logId(row), entryHash: rows.entryHash(row), ingestedAt });
  });
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
