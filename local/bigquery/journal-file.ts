import { DatabaseSync } from "node:sqlite";
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

/** 16 KiB pages store a megabyte of rows for 1.4 ms of CPU; SQLite's own 4 KiB take half as much again. */
const PAGE_BYTES = 16_384;
const CHECKPOINT_PAGES = (64 * 1024 * 1024) / PAGE_BYTES;
const FORMAT_VERSION = 1;

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
PRAGMA user_version = ${FORMAT_VERSION};
`;

/**
 * Opens or creates the file of a journal and takes its lock, which the connection holds until it is closed. Each
 * commit ends with an fsync.
 * @throws {Error} when another connection holds the lock, or a later version wrote the file.
 */
export function openJournalFile(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec(`
      PRAGMA page_size = ${PAGE_BYTES};
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA journal_size_limit = ${2 * CHECKPOINT_PAGES * PAGE_BYTES};
      BEGIN EXCLUSIVE;`);
    const version = selectNumber(database, "SELECT user_version AS value FROM pragma_user_version");
    if (version === 0) database.exec(SCHEMA);
    else if (version !== FORMAT_VERSION) {
      throw new Error(
        `${path} has format ${version} and this version reads ${FORMAT_VERSION}: use the version that wrote it.`,
      );
    }
    database.exec("COMMIT");
    return database;
  } catch (error) {
    database.close();
    if (!(error instanceof Error) || !/database is locked/i.test(error.message)) throw error;
    throw new Error(`Another warehouse uses ${path}: stop it, or give --data another folder.`, { cause: error });
  }
}

/** The position of the newest entry in the file; 0 when there is none. Positions count up by one. */
export function lastPosition(database: DatabaseSync): number {
  return selectNumber(database, "SELECT coalesce(max(position), 0) AS value FROM entries");
}

function selectNumber(database: DatabaseSync, sql: string): number {
  return Number(database.prepare(sql).get()?.["value"]);
}
