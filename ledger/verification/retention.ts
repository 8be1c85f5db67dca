/** What a table itself is held against, beside its rows: that it is there, and since when, and how long its rows stay. */
import { bigQueryTableOf } from "@indelible/schemas/bigquery.ts";
import { tables, type TableName } from "@indelible/schemas/tables.ts";
import type { Finding } from "../findings.ts";
import type { WindowList } from "./seal-index.ts";
import { DAY_MICROS, timeText } from "./time.ts";

/** What the warehouse says of a table. */
export interface TableFacts {
  /** Microseconds since 1970. */
  readonly createdAt: bigint;
  /** How long a partition stays; undefined: for ever. */
  readonly partitionExpirationMs: number | undefined;
  /** Columns of the declaration that the table does not have, or has with another type. Default: none. */
  readonly unusableColumns?: readonly string[];
}

/** When a row of this time may be gone: partitions are days of UTC, and expire counted from their beginning. */
export function expiresAt(ingestedAt: bigint, retentionMs: number): bigint {
  return dayOf(ingestedAt) * DAY_MICROS + BigInt(retentionMs) * 1000n;
}

export function retentionMsOf(table: TableName): number {
  return Number(bigQueryTableOf(tables[table]).timePartitioning.expirationMs);
}

/** @param facts undefined: there is no such table */
export function* compareFacts(
  table: TableName,
  windows: WindowList,
  facts: TableFacts | undefined,
): Generator<Finding> {
  if (facts === undefined) return yield tableMissing(table);
  yield* compareRetention(table, facts);
  const { createdAt } = facts;
  for (let index = 0; index < windows.length; index += 1) {
    if (windows.rowCountAt(index) === 0) continue;
    const { start, end, logIndex } = windows.at(index);
    // Rows that were there before this moment cannot be in a table that was created later.
    if (createdAt < end) return;
    const message = `it was created at ${timeText(createdAt)}, and rows up to ${timeText(end)} had been sealed`;
    return yield { code: "table-recreated", message, table, window: { start, end }, logIndex };
  }
}

/** The same for table `seals`, of which the seals themselves are the rows. @param firstSealedAt in microseconds since 1970 */
export function* compareSealFacts(facts: TableFacts, firstSealedAt: bigint): Generator<Finding> {
  yield* compareRetention("seals", facts);
  const { createdAt } = facts;
  if (createdAt <= firstSealedAt) return;
  const message = `it was created at ${timeText(createdAt)}, and the first seal was made at ${timeText(firstSealedAt)}`;
  yield { code: "table-recreated", message, table: "seals" };
}

function* compareRetention(table: TableName, { partitionExpirationMs }: TableFacts): Generator<Finding> {
  const declaredMs = retentionMsOf(table);
  if (partitionExpirationMs === undefined || partitionExpirationMs >= declaredMs) return;
  const message = `partitions expire after ${days(partitionExpirationMs)}, declared are ${days(declaredMs)}`;
  yield { code: "retention-shortened", message, table };
}

export function tableMissing(table: TableName): Finding {
  return { code: "table-missing", message: "its rows have been sealed, and there is no such table", table };
}

function dayOf(micros: bigint): bigint {
  return micros / DAY_MICROS - (micros % DAY_MICROS < 0n ? 1n : 0n);
}

function days(ms: number): string {
  return `${Math.floor(ms / 86_400_000)} days`;
}
