import { openDurableDatabase } from "../../durable-database.ts";
import { WarehouseError } from "../errors.ts";
import type { DatabaseSync, StatementSync } from "node:sqlite";

export type OutboxRecord = { readonly id: number; readonly data: string };

/** More than a day of a busy reader, and at most some 10 GB, since BigQuery's own records are at most 100 KB. */
export const MAX_RECORDS = 100_000;

/**
 * Records that are on disk and not yet known to be published, in their order.
 *
 * `add` resolves when its records are on disk: those that come while a turn of the event loop lasts share one fsync. What was added is
 * there after any kill, until `remove`. Owner of the file: this process, by its lock.
 */
export class Outbox {
  readonly #database: DatabaseSync;
  readonly #maxRecords: number;
  readonly #insert: StatementSync;
  readonly #first: StatementSync;
  readonly #remove: StatementSync;
  /** Records on disk and pending. */
  #size: number;
  #pending: { readonly records: readonly string[]; resolve(): void; reject(error: Error): void }[] = [];
  #scheduled = false;

  /** @throws {Error} when another process has the file, or another version wrote it */
  constructor(path: string, maxRecords: number = MAX_RECORDS) {
    this.#maxRecords = maxRecords;
    this.#database = openDurableDatabase({
      path,
      schema: "CREATE TABLE record (id INTEGER PRIMARY KEY AUTOINCREMENT, data TEXT NOT NULL) STRICT",
      formatVersion: 1,
      owner: "warehouse",
    });
    this.#insert = this.#database.prepare("INSERT INTO record (data) VALUES (?)");
    this.#first = this.#database.prepare("SELECT id, data FROM record ORDER BY id LIMIT ?");
    this.#remove = this.#database.prepare("DELETE FROM record WHERE id <= ?");
    this.#size = Number(this.#database.prepare("SELECT count(*) AS n FROM record").get()?.["n"] ?? 0);
  }

  get size(): number {
    return this.#size;
  }

  /** @throws {WarehouseError} backendError: full, or the disk fails. Then none of the records is there. */
  async add(records: readonly string[]): Promise<void> {
    if (this.#size + records.length > this.#maxRecords) {
      const message =
        `The access audit cannot take another record: ${this.#size} wait to be published, ${this.#maxRecords} is the most, and nothing is read ` +
        "without a record. Start the broker, and create the audit topic if it is missing; reading goes on when they are published.";
      throw new WarehouseError("backendError", message);
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#size += records.length;
    this.#pending.push({ records, resolve, reject });
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => this.flush());
    }
    return promise;
  }

  /** Commits what is pending now. */
  flush(): void {
    this.#scheduled = false;
    const changes = this.#pending;
    this.#pending = [];
    if (changes.length === 0) return;
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      for (const { records } of changes) for (const data of records) this.#insert.run(data);
      this.#database.exec("COMMIT");
    } catch (cause) {
      this.#undo();
      for (const { records, reject } of changes) {
        this.#size -= records.length;
        reject(unwritable(cause));
      }
      return;
    }
    for (const { resolve } of changes) resolve();
  }

  /** The oldest records, at most `maxRecords` and `maxBytes` of them, and one in any case. */
  first(maxRecords: number, maxBytes: number): OutboxRecord[] {
    const batch: OutboxRecord[] = [];
    let bytes = 0;
    for (const row of this.#first.iterate(maxRecords) as Iterable<OutboxRecord & Record<string, never>>) {
      bytes += Buffer.byteLength(row.data);
      if (batch.length > 0 && bytes > maxBytes) break;
      batch.push({ id: row.id, data: row.data });
    }
    return batch;
  }

  /** Removes the records up to `lastId`, for good. */
  remove(lastId: number): void {
    this.#size -= Number(this.#remove.run(lastId).changes);
  }

  /** Commits what is pending and releases the file. */
  close(): void {
    this.flush();
    this.#database.close();
  }

  #undo(): void {
    try {
      this.#database.exec("ROLLBACK");
    } catch {
      // SQLite has ended the transaction itself.
    }
  }
}

function unwritable(cause: unknown): WarehouseError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message =
    `The access audit cannot be written (${reason}), and nothing is read without a record. ` +
    "Make room on the disk of the warehouse's folder, and ask again.";
  return new WarehouseError("backendError", message, { cause });
}
