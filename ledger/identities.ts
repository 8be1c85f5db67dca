import { identityColumns, leafData } from "./leaf.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import type { BatchColumn, RowBatch, RowReader } from "./row-reader.ts";

/** A row as the tree of its window has it: where it stands in the order, and the data of its leaf. */
export interface LeafRow {
  readonly ingestedAt: bigint;
  readonly logId: string;
  readonly data: string;
}

/** Order of the leaves of a window: by `ingested_at`, then `log_id`, then the data, by UTF-16 code units. */
export function compareLeafRows(a: LeafRow, b: LeafRow): number {
  if (a.ingestedAt !== b.ingestedAt) return a.ingestedAt < b.ingestedAt ? -1 : 1;
  if (a.logId !== b.logId) return a.logId < b.logId ? -1 : 1;
  return a.data < b.data ? -1 : a.data > b.data ? 1 : 0;
}

/** The rows of a batch that was read with {@link identityColumns}. A required column that is NULL all the same is "" or 0. */
export function leafRowsOf(table: TableName, batch: RowBatch): LeafRow[] {
  const [logIds, hashes, published, messages, ingested] = identityColumns.map((name) => batch.column(name)) as [
    BatchColumn,
    BatchColumn,
    BatchColumn,
    BatchColumn,
    BatchColumn,
  ];
  const rows: LeafRow[] = [];
  for (let row = 0; row < batch.length; row += 1) {
    const logId = textOf(logIds.bytes(row));
    const ingestedAt = ingested.int64(row) ?? 0n;
    const data = leafData({
      table,
      logId,
      entryHash: textOf(hashes.bytes(row)),
      publishedAt: published.int64(row) ?? 0n,
      messageId: textOf(messages.bytes(row)),
      ingestedAt,
    });
    rows.push({ ingestedAt, logId, data });
  }
  return rows;
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "" : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

/**
 * The rows of a range, sorted; or that they are more than `maxRows`: then `split` is a time above `from` that has about so many of those rows
 * before it as were seen; or that there is no such table, of whose rows nothing is known. `session`: the read's.
 */
export type RangeRead =
  | { readonly kind: "rows"; readonly rows: LeafRow[]; readonly session: string }
  | { readonly kind: "too many"; readonly split: bigint }
  | { readonly kind: "no table" };

/**
 * Reads the rows of a table with `from` <= `ingested_at` < `until`, at most `maxRows` of them.
 * @throws ERR_READ, ERR_ACCESS_DENIED
 */
export async function readRange(
  reader: RowReader,
  table: TableName,
  range: { readonly from: bigint; readonly until: bigint; readonly maxRows: number },
  signal?: AbortSignal,
): Promise<RangeRead> {
  const { from, until, maxRows } = range;
  const read = await reader.read({ table, columns: identityColumns, from, until, signal });
  if (read === undefined) return { kind: "no table" };
  const rows: LeafRow[] = [];
  for await (const batch of read.batches) {
    if (rows.length + batch.length > maxRows) return { kind: "too many", split: splitOf(rows, from, until) };
    for (const row of leafRowsOf(table, batch)) rows.push(row);
  }
  rows.sort(compareLeafRows);
  return { kind: "rows", rows, session: read.session };
}

/** Where three quarters of the rows that were seen, which mostly come in the order of time, lie before. */
function splitOf(rows: readonly LeafRow[], from: bigint, until: bigint): bigint {
  const times = rows.map(({ ingestedAt }) => ingestedAt).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const split = times[Math.floor(times.length * 0.75)] ?? from + (until - from) / 2n;
  return split > from ? split : from + 1n;
}
