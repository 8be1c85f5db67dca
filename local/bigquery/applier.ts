import { setImmediate as nextTurn } from "node:timers/promises";
import { duckdbTable } from "./catalog.ts";
import { CHUNK_ROWS, buildChunk } from "./column-vectors.ts";
import { WarehouseError } from "./errors.ts";
import { checkpoint, storePosition } from "./index-database.ts";
import { logToStderr as log } from "../log.ts";
import type { DuckDBConnection, DuckDBMaterializedResult } from "@duckdb/node-api";
import type { BoundSql } from "./index-statements.ts";
import type { Cell } from "./cell-readers.ts";
import type { Table } from "./catalog.ts";

/** A journal entry in the form in which it is applied to the index. */
export type Work = { readonly position: number; readonly bytes: number } & (
  | {
      readonly kind: "statements";
      readonly statements: readonly string[];
      readonly optional: boolean;
      readonly once?: BoundSql;
    }
  | { readonly kind: "rows"; readonly table: Table; readonly columns: readonly (readonly Cell[])[] }
);
type StatementsWork = Extract<Work, { kind: "statements" }>;
type RowsWork = Extract<Work, { kind: "rows" }>;
type Waiter = { readonly position: number; readonly resolve: () => void };

const MAX_BATCH_BYTES = 8 * 1024 * 1024;
/**
 * After this many bytes of rows the index is written to its file, so that there are at most 5 s of replay after a crash.
 * Twice as often costs 8 us a row more, because the newest rows are compressed again each time.
 */
const CHECKPOINT_BYTES = 128 * 1024 * 1024;
const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 10_000;

/**
 * Brings journal entries into the index, in order, in the background. Each batch is one transaction that also stores the
 * journal position, so after a crash exactly the missing entries are applied. A batch that fails is tried again until it
 * succeeds or the warehouse closes.
 */
export class Applier {
  readonly #connection: DuckDBConnection;
  readonly #applied: (bytes: number) => void;
  readonly #onFatal: (error: Error) => void;
  readonly #stop = new AbortController();
  #queue: Work[] = [];
  #waiters: Waiter[] = [];
  #position: number;
  #bytesSinceCheckpoint = 0;
  #running: Promise<void> | undefined;

  /**
   * `connection` is used by nobody else. `applied` is told the bytes of each batch that the index holds, `onFatal` that only a
   * restart can help: DuckDB has closed itself, as it does when a checkpoint fails.
   */
  constructor(
    connection: DuckDBConnection,
    position: number,
    callbacks: { readonly applied: (bytes: number) => void; readonly onFatal: (error: Error) => void },
  ) {
    this.#connection = connection;
    this.#position = position;
    this.#applied = callbacks.applied;
    this.#onFatal = callbacks.onFatal;
  }

  /** Takes the next entry of the journal, once it is on disk. */
  enqueue(work: Work): void {
    this.#queue.push(work);
    this.#running ??= this.#run();
  }

  /**
   * Resolves once the index holds everything up to this position.
   * @throws {WarehouseError} timeout, or backendError when the warehouse closes first.
   */
  async reached(position: number, deadlineMs: number): Promise<void> {
    if (this.#position >= position) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { position, resolve };
    const closed = (): void => reject(new WarehouseError("backendError", "The warehouse is closing."));
    const timer = setTimeout(
      () => reject(new WarehouseError("timeout", `The index did not catch up within ${deadlineMs} ms.`)),
      deadlineMs,
    );
    this.#stop.signal.addEventListener("abort", closed);
    this.#waiters.push(waiter);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#stop.signal.removeEventListener("abort", closed);
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
    }
  }

  /** Finishes the batch in hand. What is left is applied at the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#connection.closeSync();
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 && !this.#stop.signal.aborted) {
      const batch = this.#takeBatch();
      if (!(await this.#applyUntilDone(batch))) break;
      this.#position = batch.at(-1)?.position ?? this.#position;
      const bytes = batch.reduce((sum, work) => sum + work.bytes, 0);
      this.#applied(bytes);
      for (const waiter of this.#waiters) if (waiter.position <= this.#position) waiter.resolve();
      this.#bytesSinceCheckpoint += bytes;
      if (this.#bytesSinceCheckpoint >= CHECKPOINT_BYTES) await this.#checkpoint();
    }
    this.#running = undefined;
  }

  /** One change, or rows up to the next change: DuckDB does not commit rows together with an ALTER of their table. */
  #takeBatch(): Work[] {
    let bytes = 0;
    let count = 0;
    for (const work of this.#queue) {
      if (count > 0 && (work.kind === "statements" || bytes + work.bytes > MAX_BATCH_BYTES)) break;
      bytes += work.bytes;
      count++;
      if (work.kind === "statements") break;
    }
    return this.#queue.splice(0, count);
  }

  async #applyUntilDone(batch: readonly Work[]): Promise<boolean> {
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(retryMs * 2, MAX_RETRY_MS)) {
      try {
        await this.#apply(batch);
        return true;
      } catch (error) {
        if (this.#stop.signal.aborted) return false;
        if (error instanceof Error && /database has been invalidated/.test(error.message)) {
          this.#onFatal(error);
          return false;
        }
        log("ERROR", "The index could not be written. Queries wait; nothing is lost; it is tried again.", {
          reason: error instanceof Error ? error.message : String(error),
          retryMs,
        });
        await pause(retryMs, this.#stop.signal);
      }
    }
  }

  async #apply(batch: readonly Work[]): Promise<void> {
    const connection = this.#connection;
    const position = batch.at(-1)?.position ?? 0;
    for (const work of batch) if (work.kind === "statements") await this.#runStatements(work);
    await connection.run("BEGIN TRANSACTION");
    try {
      for (const work of batch)
        if (work.kind === "statements" && work.once !== undefined) await runBound(connection, work.once);
      for (const work of joinByTable(batch)) await this.#appendRows(work);
      await storePosition(connection, position);
      await connection.run("COMMIT");
    } catch (error) {
      await connection.run("ROLLBACK").catch(() => undefined);
      throw error;
    }
  }

  /** One that fails is made up for by the next: the journal still has everything. */
  async #checkpoint(): Promise<void> {
    this.#bytesSinceCheckpoint = 0;
    try {
      await checkpoint(this.#connection);
    } catch (error) {
      log("WARNING", "The index could not be written to its file; the next attempt follows.", {
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }

  /** Each in a transaction of its own, as DuckDB wants ALTERs to be. They may be run again after a crash. */
  async #runStatements({ statements, optional }: StatementsWork): Promise<void> {
    for (const statement of statements) {
      try {
        await this.#connection.run(statement);
      } catch (error) {
        if (!optional) throw error;
        log("ERROR", "A view could not be built. Queries of it are refused until it is created anew.", {
          reason: error instanceof Error ? error.message : String(error),
        });
      }
    }
  }

  /** Building a chunk holds the main thread for some 10 ms: between two of them, others have their turn. */
  async #appendRows({ table, columns }: RowsWork): Promise<void> {
    const { datasetId, projectId, tableId } = table.ref;
    const appender = await this.#connection.createAppender(tableId, `${projectId}.${datasetId}`);
    const types = Array.from({ length: appender.columnCount }, (_, index) => appender.columnType(index));
    const fields = table.schema.fields.slice(0, types.length);
    const rowCount = columns[0]?.length ?? 0;
    for (let from = 0; from < rowCount; from += CHUNK_ROWS) {
      appender.appendDataChunk(buildChunk(types, fields, columns, from, Math.min(from + CHUNK_ROWS, rowCount)));
      await nextTurn();
    }
    appender.closeSync();
  }
}

/** @throws {Error} DuckDB's own */
export function runBound(connection: DuckDBConnection, { sql, bindings }: BoundSql): Promise<DuckDBMaterializedResult> {
  return connection.run(
    sql,
    bindings.map(({ value }) => value),
    bindings.map(({ type }) => type),
  );
}

/** Joins the rows of a table within a batch, so that chunks are full. */
function joinByTable(batch: readonly Work[]): RowsWork[] {
  const rows = batch.filter((work) => work.kind === "rows");
  return [...Map.groupBy(rows, ({ table }) => duckdbTable(table.ref)).values()].map(joinRows);
}

function joinRows(works: readonly RowsWork[]): RowsWork {
  const last = works.at(-1) as RowsWork;
  if (works.length === 1) return last;
  const columns = last.columns.map((_, index) => works.flatMap((work) => work.columns[index] ?? []));
  return { ...last, columns };
}

async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, durationMs);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
