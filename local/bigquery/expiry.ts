import { duckdbTable, tableName } from "./catalog.ts";
import { logToStderr as log } from "../log.ts";
import { dayPartitioningOf, daysCondition, firstDayKept, isAnyBefore } from "./partitions.ts";
import type { Catalog, PartitionsChange, Table } from "./catalog.ts";
import type { Cell } from "./cell-readers.ts";
import type { TableRef } from "./sql/translate.ts";

/** What expiry needs of the warehouse. */
export type ExpiryHost = {
  readonly catalog: Catalog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Resolves when the index holds everything that had happened when it was called, tables included. */
  indexed(): Promise<void>;
  /** How many rows of the index a query counts. */
  count(sql: string): Promise<number>;
  /** Takes partitions away. Their rows are out of the catalog's future at once, and on disk when this resolves. */
  remove(change: PartitionsChange): Promise<void>;
};
type Due = { readonly table: Table; readonly beforeMs: number };

/** Old rows go also when nobody asks, so that they do not stay in the index, and the next reader need not wait. */
const SWEEP_INTERVAL_MS = 60_000;

/**
 * Takes away the partitions whose time is over, before anything is read. What was taken stands in the journal, so that it stays away, whatever a
 * clock says later. Nothing is looked at twice: only what a new day, another setting or rows of the past may have changed.
 */
export class Expiry {
  readonly #host: ExpiryHost;
  /** By table: no row of the index is of a day before this one. Without it, nothing is known. */
  readonly #clearedBefore = new Map<string, number>();
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(host: ExpiryHost) {
    this.#host = host;
  }

  /** Begins to take away also what nobody asks for: at once, and then each minute. */
  start(): void {
    this.#timer = setInterval(() => this.#sweepUnasked(), SWEEP_INTERVAL_MS).unref();
    this.#sweepUnasked();
  }

  /** Ends that. Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running?.catch(() => undefined);
  }

  /**
   * Resolves when no query finds a row any more whose partition was over when this was called.
   * @throws what the host throws
   */
  async enforce(): Promise<void> {
    // Whoever began earlier may have failed, and then it is tried again.
    while (this.#running !== undefined) await this.#running.catch(() => undefined);
    const due = this.#due();
    if (due.length === 0) return;
    this.#running = this.#sweep(due).finally(() => (this.#running = undefined));
    await this.#running;
  }

  /** To be told of rows that have been appended. */
  appended(table: Table, columns: readonly (readonly Cell[])[]): void {
    const key = tableName(table.ref);
    const clearedBefore = this.#clearedBefore.get(key);
    const partitioning = clearedBefore === undefined ? undefined : dayPartitioningOf(table);
    if (partitioning === undefined || clearedBefore === undefined) return;
    if (isAnyBefore(partitioning, columns[partitioning.column] ?? [], clearedBefore)) this.#clearedBefore.delete(key);
  }

  /** To be told that rows of a table have been changed otherwise. */
  changed(ref: TableRef): void {
    this.#clearedBefore.delete(tableName(ref));
  }

  #sweepUnasked(): void {
    this.enforce().catch((error: unknown) => {
      log("WARNING", "Partitions whose time is over could not be taken away; it is tried again.", {
        reason: error instanceof Error ? error.message : String(error),
      });
    });
  }

  #due(): Due[] {
    return this.#host.catalog.everyTable().flatMap((table) => {
      const beforeMs = this.#firstDayKept(table);
      if (beforeMs === undefined) return [];
      const clearedBefore = this.#clearedBefore.get(tableName(table.ref));
      return clearedBefore === undefined || clearedBefore < beforeMs ? [{ table, beforeMs }] : [];
    });
  }

  #firstDayKept(table: Table): number | undefined {
    const expirationMs = dayPartitioningOf(table)?.expirationMs;
    return expirationMs === undefined ? undefined : firstDayKept(this.#host.now(), expirationMs);
  }

  async #sweep(due: readonly Due[]): Promise<void> {
    // Before the rows are looked at, so that what comes in between is not overlooked.
    for (const { table, beforeMs } of due) this.#clearedBefore.set(tableName(table.ref), beforeMs);
    try {
      await this.#host.indexed();
      for (const of of due) await this.#expire(of);
      await this.#host.indexed();
    } catch (error) {
      for (const { table } of due) this.#clearedBefore.delete(tableName(table.ref));
      throw error;
    }
  }

  async #expire({ table, beforeMs }: Due): Promise<void> {
    const { catalog, now } = this.#host;
    const partitioning = dayPartitioningOf(table);
    if (partitioning === undefined || catalog.findTable(table.ref)?.createdMs !== table.createdMs) return;
    const condition = daysCondition(partitioning, { beforeMs });
    const counting = this.#host.count(`SELECT count(*) FROM ${duckdbTable(table.ref)} WHERE ${condition}`);
    const [counted] = await Promise.allSettled([counting]);
    // The table may have gone meanwhile, and its settings may have changed. From here to the journal nothing can.
    const current = catalog.findTable(table.ref);
    if (current?.createdMs !== table.createdMs) return;
    if (counted.status === "rejected") throw counted.reason;
    const rows = counted.value;
    if (rows === 0) return;
    if ((this.#firstDayKept(current) ?? -Infinity) < beforeMs) return this.changed(table.ref);
    const { field, type } = partitioning;
    await this.#host.remove({ kind: "removePartitions", ref: table.ref, field, type, beforeMs, atMs: now() });
    log("INFO", "Partitions have expired.", {
      table: tableName(table.ref),
      rows,
      before: new Date(beforeMs).toISOString(),
    });
  }
}
