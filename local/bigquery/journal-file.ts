import type { DatabaseSync } from "node:sqlite";
import { openDurableDatabase } from "../durable-database.ts";
import type { Change } from "./catalog.ts";
import type { TableRef } from "./sql/translate.ts";

/** The rows of one accepted AppendRows request. */
export type RowsEntry = {
  readonly kind: "rows";
  readonly table: TableRef;
  /** The number of the message type that the rows are written in. */
  readonly descriptorId: number;
  /** The explicit write stream; undefined for a default stream. */
  readonly stream: string | undefined;
  readonly rowCount: number;
  /** A serialized `ProtoRows`, byte for byte as the client sent it. */
  readonly rows: Uint8Array;
};
export type ChangeEntry = { readonly kind: "change"; readonly change: Change };
export type Entry = ChangeEntry | RowsEntry;
export type StoredEntry = Entry & { readonly position: number };

/** A message type that rows are written in: a serialized `ProtoSchema`, and its SHA-256 in lower-case hex. */
export type Descriptor = { readonly id: number; readonly hash: string; readonly bytes: Uint8Array };

/** What is committed in one transaction. The descriptors are those that its rows, or later ones, are the first to use. */
export type Group = { readonly descriptors: readonly Descriptor[]; readonly entries: readonly StoredEntry[] };

const SCHEMA = `
CREATE TABLE descriptors (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  descriptor BLOB NOT NULL
);
CREATE TABLE entries (
  position INTEGER PRIMARY KEY,
  change TEXT,                 -- JSON; NULL: this entry is rows
  table_ref TEXT,              -- JSON
  descriptor_id INTEGER,
  stream TEXT,
  row_count INTEGER,
  rows BLOB                    -- last, so that the columns before it are read without its overflow pages
);
CREATE INDEX changes ON entries (position) WHERE change IS NOT NULL;
CREATE INDEX streams ON entries (stream, row_count) WHERE stream IS NOT NULL;
`;

/**
 * Opens or creates the file of a journal and takes its lock, which the connection holds until it is closed. Each
 * commit ends with an fsync.
 * @throws {Error} when another connection holds the lock, or another version wrote the file.
 */
export function openJournalFile(path: string): DatabaseSync {
  return openDurableDatabase({ path, schema: SCHEMA, formatVersion: 1, owner: "warehouse" });
}

/** The position of the newest entry in the file; 0 when there is none. Positions count up by one. */
export function lastPosition(database: DatabaseSync): number {
  return Number(database.prepare("SELECT coalesce(max(position), 0) AS value FROM entries").get()?.["value"]);
}
