import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { WarehouseError } from "./errors.ts";
import type { StatementSync } from "node:sqlite";
import type { Change } from "./catalog.ts";
import type { TableRef } from "./sql/translate.ts";

/** The rows of one accepted AppendRows request. */
export type RowsEntry = {
  readonly kind: "rows";
  readonly table: TableRef;
  /** From `descriptorId()`: the message type that the rows are written in. */
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

type Pending = {
  readonly entry: Entry;
  readonly position: number;
  readonly bytes: number;
  readonly committed: (position: number) => void;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
};

/** 16 KiB pages store a megabyte of rows for 1.4 ms of CPU; SQLite's own 4 KiB take half as much again. */
const PAGE_BYTES = 16_384;
const CHECKPOINT_PAGES = (64 * 1024 * 1024) / PAGE_BYTES;
/** One transaction takes at most this much, so that a long one does not hold up the acknowledgement of the first. */
const MAX_TRANSACTION_BYTES = 16 * 1024 * 1024;
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
 * The truth of the warehouse: every change and every accepted request, in one order. An entry is on disk (fsync) when
 * its promise resolves. Entries appended during one turn of the event loop share a transaction; a lone one waits for nothing.
 *
 * After a commit has failed, memory is ahead of the disk, so the journal refuses everything until the process restarts.
 */
export class Journal {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #descriptorIds = new Map<string, number>();
  #pending: Pending[] = [];
  #scheduled = false;
  #failure: Error | undefined;
  #nextPosition: number;
  #committedPosition: number;

  /**
   * Opens or creates the journal and takes its lock, which the process holds until `close()`.
   * @throws {Error} when another process holds it, or a later version wrote it.
   */
  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    try {
      this.#database.exec(`
        PRAGMA page_size = ${PAGE_BYTES};
        PRAGMA locking_mode = EXCLUSIVE;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
        PRAGMA journal_size_limit = ${2 * CHECKPOINT_PAGES * PAGE_BYTES};
        BEGIN EXCLUSIVE;`);
      const version = this.#number("SELECT user_version AS value FROM pragma_user_version");
      if (version === 0) this.#database.exec(SCHEMA);
      else if (version !== FORMAT_VERSION) {
        throw new Error(
          `${path} has format ${version} and this version reads ${FORMAT_VERSION}: use the version that wrote it.`,
        );
      }
      this.#database.exec("COMMIT");
      this.#committedPosition = this.#number("SELECT coalesce(max(position), 0) AS value FROM entries");
    } catch (error) {
      this.#database.close();
      if (!(error instanceof Error) || !/database is locked/i.test(error.message)) throw error;
      throw new Error(`Another warehouse uses ${path}: stop it, or give --data another folder.`, { cause: error });
    }
    this.#nextPosition = this.#committedPosition + 1;
    for (const { id, hash } of this.#database.prepare("SELECT id, hex(hash) AS hash FROM descriptors").iterate()) {
      this.#descriptorIds.set(String(hash).toLowerCase(), Number(id));
    }
    this.#insert = this.#database.prepare(
      "INSERT INTO entries (position, change, table_ref, descriptor_id, stream, row_count, rows) VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
  }

  /** The position of the newest entry on disk; 0 when there is none. Positions count up by one. */
  get committedPosition(): number {
    return this.#committedPosition;
  }

  /**
   * Takes an entry. The order of calls is the order of entries. `committed` runs as soon as the entry is on disk, in the
   * order of entries, before the promise resolves.
   * @throws {WarehouseError} backendError: the disk failed, now or earlier.
   */
  append(entry: Entry, committed: (position: number) => void): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const bytes = entry.kind === "rows" ? entry.rows.byteLength : 0;
    this.#pending.push({ entry, position: this.#nextPosition++, bytes, committed, resolve, reject });
    this.#schedule();
    return promise;
  }

  /** The number under which the journal keeps a serialized message type; new ones are stored before this returns. */
  descriptorId(descriptor: Uint8Array): number {
    const hash = createHash("sha256").update(descriptor).digest("hex");
    const known = this.#descriptorIds.get(hash);
    if (known !== undefined) return known;
    const { lastInsertRowid } = this.#database
      .prepare("INSERT INTO descriptors (hash, descriptor) VALUES (unhex(?), ?)")
      .run(hash, descriptor);
    const id = Number(lastInsertRowid);
    this.#descriptorIds.set(hash, id);
    return id;
  }

  /** The message type stored under this number. */
  descriptor(id: number): Uint8Array {
    const row = this.#database.prepare("SELECT descriptor FROM descriptors WHERE id = ?").get(id);
    const descriptor = row?.["descriptor"];
    if (!(descriptor instanceof Uint8Array)) throw new Error(`The journal has no descriptor ${id}.`);
    return descriptor;
  }

  /** The changes up to and including a position, in order. */
  *changesUpTo(position: number): Generator<Change, void, void> {
    const statement = this.#database.prepare(
      "SELECT change FROM entries WHERE change IS NOT NULL AND position <= ? ORDER BY position",
    );
    for (const row of statement.iterate(position)) yield JSON.parse(String(row["change"])) as Change;
  }

  /** The entries after a position, in order. Reads one at a time. */
  *entriesAfter(position: number): Generator<StoredEntry, void, void> {
    const statement = this.#database.prepare("SELECT * FROM entries WHERE position > ? ORDER BY position");
    for (const row of statement.iterate(position)) yield storedEntry(row);
  }

  /** How many rows each explicit stream holds. */
  streamLengths(): Map<string, number> {
    const statement = this.#database.prepare(
      "SELECT stream, sum(row_count) AS length FROM entries WHERE stream IS NOT NULL GROUP BY stream",
    );
    return new Map(statement.all().map((row) => [String(row["stream"]), Number(row["length"])]));
  }

  /** Commits what is pending and releases the lock. */
  close(): void {
    while (this.#pending.length > 0) this.#commitSome();
    this.#failure ??= new WarehouseError("backendError", "The warehouse is closed.");
    this.#database.close();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#commitSome();
      if (this.#pending.length > 0) this.#schedule();
    });
  }

  #commitSome(): void {
    const group = this.#takeGroup();
    const last = group.at(-1);
    if (last === undefined) return;
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      for (const { entry, position } of group) this.#write(position, entry);
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#fail(error, group);
      return;
    }
    this.#committedPosition = last.position;
    for (const { committed, position, resolve } of group) {
      committed(position);
      resolve();
    }
  }

  #write(position: number, entry: Entry): void {
    if (entry.kind === "change") {
      this.#insert.run(position, JSON.stringify(entry.change), null, null, null, null, null);
    } else {
      const { table, descriptorId, stream, rowCount, rows } = entry;
      this.#insert.run(position, null, JSON.stringify(table), descriptorId, stream ?? null, rowCount, rows);
    }
  }

  #takeGroup(): Pending[] {
    let bytes = 0;
    let count = 0;
    for (const pending of this.#pending) {
      if (count > 0 && bytes + pending.bytes > MAX_TRANSACTION_BYTES) break;
      bytes += pending.bytes;
      count++;
    }
    return this.#pending.splice(0, count);
  }

  #fail(cause: unknown, group: readonly Pending[]): void {
    const failure = new WarehouseError(
      "backendError",
      `The journal could not be written (${cause instanceof Error ? cause.message : String(cause)}): free the disk and restart the warehouse.`,
      { cause },
    );
    this.#failure = failure;
    if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
    for (const { reject } of [...group, ...this.#pending.splice(0)]) reject(failure);
  }

  #number(sql: string): number {
    return Number(this.#database.prepare(sql).get()?.["value"]);
  }
}

function storedEntry(row: Readonly<Record<string, unknown>>): StoredEntry {
  const position = Number(row["position"]);
  if (row["change"] !== null) {
    return { kind: "change", position, change: JSON.parse(String(row["change"])) as Change };
  }
  return {
    kind: "rows",
    position,
    table: JSON.parse(String(row["table_ref"])) as TableRef,
    descriptorId: Number(row["descriptor_id"]),
    stream: row["stream"] === null ? undefined : String(row["stream"]),
    rowCount: Number(row["row_count"]),
    rows: row["rows"] as Uint8Array,
  };
}
