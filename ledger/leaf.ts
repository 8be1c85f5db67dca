import { quote } from "@indelible/schemas/canonical.ts";
import type { TableName } from "@indelible/schemas/tables.ts";

/** What identifies a row, and is sealed. Times in microseconds since 1970, as BigQuery's UNIX_MICROS gives them. */
export interface RowIdentity {
  readonly table: TableName;
  readonly logId: string;
  readonly entryHash: string;
  readonly publishedAt: bigint;
  readonly messageId: string;
  readonly ingestedAt: bigint;
}

/** Columns of a row that its identity is made of. */
export const identityColumns = ["log_id", "entry_hash", "published_at", "message_id", "ingested_at"] as const;

/** The canonical JSON of a row's identity: what its leaf is the hash of. */
export function leafData({ table, logId, entryHash, publishedAt, messageId, ingestedAt }: RowIdentity): string {
  return `{"entry_hash":${quote(entryHash)},"ingested_at":${ingestedAt},"log_id":${quote(logId)},"message_id":${quote(messageId)},"published_at":${publishedAt},"table":"${table}"}`;
}
