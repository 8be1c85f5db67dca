import type { TableName } from "@indelible/schemas/tables.ts";
import type { Identity } from "./dedup-memory.ts";
import { log as logToStderr } from "./log.ts";

/**
 * Where instances tell each other what was appended. Its methods may fail in any way and take any time; what they reject with
 * has a message that is fit for the log: no content of entries, no credentials.
 */
export interface SharedDedupStore {
  /** What the store is, for the log, without credentials. */
  readonly name: string;
  /**
   * For each entry, in their order: its own `entry_hash` when it is marked; another `entry_hash` when its `log_id` is marked in this table,
   * but not with this content; undefined when it is not.
   */
  lookup(table: TableName, entries: readonly Identity[]): Promise<readonly (string | undefined)[]>;
  mark(table: TableName, entries: readonly Identity[]): Promise<void>;
  close(): Promise<void>;
}

export interface SharedDedupOptions {
  /** Milliseconds until a lookup or mark is given up. Default 200. */
  readonly deadlineMs?: number;
  /** Milliseconds, between half and the whole of it at random, in which what failed is not tried again. Default 1,000. */
  readonly retryMs?: number;
  /** A monotonic clock in milliseconds. Default `performance.now`. */
  readonly now?: () => number;
  readonly log?: typeof logToStderr;
}

type Operation = "lookup" | "mark";

/**
 * A shared store that may be away: every call ends within the deadline and none rejects. While the store fails it knows nothing and
 * remembers nothing, which costs rows that are written twice and never one that is not written.
 *
 * Lookup and mark fail apart, because a store without memory still answers the one and refuses the other. What failed is tried again from
 * time to time by one call on behalf of all; an outage is logged once, and so is its end.
 */
export class SharedDedup {
  readonly #store: SharedDedupStore;
  readonly #deadlineMs: number;
  readonly #retryMs: number;
  readonly #now: () => number;
  readonly #log: typeof logToStderr;
  /** When an operation that fails may be tried again; none for one that works. */
  readonly #retryAt = new Map<Operation, number>();
  #outageBeganAt = 0;

  constructor(store: SharedDedupStore, options: SharedDedupOptions = {}) {
    this.#store = store;
    this.#deadlineMs = options.deadlineMs ?? 200;
    this.#retryMs = options.retryMs ?? 1_000;
    this.#now = options.now ?? performance.now.bind(performance);
    this.#log = options.log ?? logToStderr;
  }

  /** Whether the store failed when it was last asked; that it is back is found out by the next calls. */
  get degraded(): boolean {
    return this.#retryAt.size > 0;
  }

  /** As the store's, and empty when it cannot be asked. */
  async lookup(table: TableName, entries: readonly Identity[]): Promise<readonly (string | undefined)[]> {
    return (await this.#ask("lookup", () => this.#store.lookup(table, entries))) ?? [];
  }

  async mark(table: TableName, entries: readonly Identity[]): Promise<void> {
    // A store that does not answer a lookup need not be waited for a second time.
    if (entries.length === 0 || this.#retryAt.has("lookup")) return;
    await this.#ask("mark", () => this.#store.mark(table, entries));
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #ask<Answer>(operation: Operation, ask: () => Promise<Answer>): Promise<Answer | undefined> {
    const retryAt = this.#retryAt.get(operation);
    if (retryAt !== undefined) {
      if (this.#now() < retryAt) return undefined;
      this.#retryAt.set(operation, Infinity);
    }
    try {
      const answer = await within(this.#deadlineMs, ask());
      // Only who was sent to try may say that it works again: an answer to an older question proves nothing.
      if (retryAt !== undefined) this.#recovered(operation);
      return answer;
    } catch (error) {
      this.#failed(operation, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  #failed(operation: Operation, reason: string): void {
    if (!this.degraded) {
      this.#outageBeganAt = this.#now();
      this.#log("WARNING", "the shared dedup store fails: this instance goes by what it remembers itself", {
        store: this.#store.name,
        operation,
        reason,
        hint: "Nothing is lost: rows may be written twice, and the views collapse them.",
      });
    }
    this.#retryAt.set(operation, this.#now() + this.#retryMs * (0.5 + Math.random() / 2));
  }

  #recovered(operation: Operation): void {
    this.#retryAt.delete(operation);
    if (this.degraded) return;
    const outageMs = Math.round(this.#now() - this.#outageBeganAt);
    this.#log("INFO", "the shared dedup store is back", { store: this.#store.name, outageMs });
  }
}

/** Settles as `promise` does, or rejects after `deadlineMs`; what `promise` does after that is nobody's concern. */
function within<Value>(deadlineMs: number, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // When the event loop was busy for longer than the deadline, the answer may be waiting to be read: that comes before an immediate.
      setImmediate(() => reject(new Error(`no answer within ${deadlineMs} ms`)));
    }, deadlineMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
