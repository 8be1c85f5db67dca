import type { DatabaseSync } from "node:sqlite";
import { StatusError, toStatusError } from "./status.ts";

/** One transaction holds at most so much payload; what is beyond goes into the next one, a turn of the loop later. */
const MAX_TRANSACTION_BYTES = 32 * 1024 * 1024;
const MAX_PENDING_BYTES = 128 * 1024 * 1024;
const MAX_PENDING_CHANGES = 100_000;

interface Change {
  readonly bytes: number;
  /** Runs inside the transaction. */
  readonly run: () => void;
  readonly committed: () => void;
  readonly failed: (error: StatusError) => void;
}

/**
 * Group commit. Changes submitted in one turn of the event loop share one transaction, and so one fsync; while that
 * fsync lasts the next ones wait in the sockets. There is no linger: an idle broker commits a lone change at once.
 */
export class Commits {
  readonly #database: DatabaseSync;
  #pending: Change[] = [];
  #pendingBytes = 0;
  #scheduled = false;
  #transactions = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Transactions committed so far. */
  get transactions(): number {
    return this.#transactions;
  }

  /**
   * Runs `change` in the next transaction. Resolves with its result once that is on disk.
   *
   * `change` may refuse with a StatusError before it has written anything; any other failure undoes the whole transaction and
   * refuses every change in it.
   * @throws {StatusError} RESOURCE_EXHAUSTED (too much pending, disk full), UNAVAILABLE (disk fails), or its own.
   */
  submit<Result>(bytes: number, change: () => Result): Promise<Result> {
    if (this.#pendingBytes + bytes > MAX_PENDING_BYTES || this.#pending.length >= MAX_PENDING_CHANGES) {
      return Promise.reject(new StatusError("RESOURCE_EXHAUSTED", "Too many changes wait for the disk: try again."));
    }
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    let result: Result;
    this.#pendingBytes += bytes;
    this.#pending.push({
      bytes,
      run: () => {
        result = change();
      },
      committed: () => resolve(result),
      failed: reject,
    });
    this.#schedule();
    return promise;
  }

  /**
   * Runs `change` in a transaction of its own, after everything submitted before, and returns when it is on disk. For
   * changes of topics and subscriptions: rare, and simpler to reason about when nothing can come between.
   * @throws {StatusError}
   */
  now<Result>(change: () => Result): Result {
    this.flush();
    const database = this.#database;
    try {
      database.exec("BEGIN IMMEDIATE");
      const result = change();
      database.exec("COMMIT");
      this.#transactions++;
      return result;
    } catch (error) {
      this.#rollback();
      throw toStatusError(error);
    }
  }

  /** Commits all that is pending before it returns. */
  flush(): void {
    while (this.#pending.length > 0) this.#commitSome();
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
    if (group.length === 0) return;
    const written: Change[] = [];
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      for (const change of group) {
        try {
          change.run();
          written.push(change);
        } catch (error) {
          if (!(error instanceof StatusError)) throw error;
          change.failed(error);
        }
      }
      this.#database.exec("COMMIT");
      this.#transactions++;
    } catch (error) {
      this.#rollback();
      const failure = toStatusError(error);
      for (const change of group) change.failed(failure);
      return;
    }
    for (const change of written) change.committed();
  }

  #takeGroup(): Change[] {
    let bytes = 0;
    let count = 0;
    for (const change of this.#pending) {
      if (count > 0 && bytes + change.bytes > MAX_TRANSACTION_BYTES) break;
      bytes += change.bytes;
      count++;
    }
    this.#pendingBytes -= bytes;
    return this.#pending.splice(0, count);
  }

  /** The failure that led here is what is reported; should this one fail too, the next BEGIN says so. */
  #rollback(): void {
    try {
      if (this.#database.isOpen && this.#database.isTransaction) this.#database.exec("ROLLBACK");
    } catch {}
  }
}
