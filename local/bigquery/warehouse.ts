import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Applier } from "./applier.ts";
import { Backlog } from "./backlog.ts";
import { Catalog, tableName } from "./catalog.ts";
import { Expiry } from "./expiry.ts";
import { checkpoint, openIndex, prepareSession, setClock } from "./index-database.ts";
import { indexStatements } from "./index-statements.ts";
import { JournalReader } from "./journal-reader.ts";
import { JournalThread } from "./journal-thread.ts";
import { Journal } from "./journal.ts";
import { logToStderr as log } from "../log.ts";
import { parseMessageType } from "./message-type.ts";
import { RowDecoder } from "./row-decoder.ts";
import { WarehouseError } from "./errors.ts";
import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { Change, Table } from "./catalog.ts";
import type { RowsEntry, StoredEntry } from "./journal-file.ts";
import type { DecodedRows } from "./row-decoder.ts";
import type { TableSchema } from "./table-schema.ts";

const MAX_BACKLOG_BYTES = 64 * 1024 * 1024;
const BACKLOG_DEADLINE_MS = 60_000;
const CLOSE_CATCH_UP_MS = 2000;
const EXPIRY_DEADLINE_MS = 60_000;
/** A rebuild after a lost index takes as long as it takes, but never without getting on. */
const REPLAY_STALL_MS = 600_000;

/** What trying out a change came to. */
export type Tried<Result> = { readonly change: Change | undefined; readonly result: Result };

/**
 * Tables and rows. The journal is the truth, the catalog its changes in memory, and the index (DuckDB) what queries
 * read: it follows the journal and can be thrown away.
 */
export class Warehouse {
  readonly catalog: Catalog = new Catalog();
  /** The present, in milliseconds since 1970: what retention, CURRENT_TIMESTAMP and the times of what happens here go by. */
  readonly now: () => number;
  readonly #expiry: Expiry;
  readonly #journal: Journal;
  readonly #streamLengths: ReadonlyMap<string, number>;
  readonly #instance: DuckDBInstance;
  readonly #applier: Applier;
  readonly #backlog = new Backlog(MAX_BACKLOG_BYTES);
  readonly #decoders = new WeakMap<TableSchema, Map<number, RowDecoder>>();

  private constructor(
    past: JournalReader,
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    position: number,
    onFatal: (error: Error) => void,
    now: () => number,
  ) {
    this.now = now;
    this.#journal = new Journal(past.committedPosition, past.descriptors());
    this.#streamLengths = past.streamLengths();
    this.#instance = instance;
    this.#applier = new Applier(connection, position, { applied: (bytes) => this.#backlog.leave(bytes), onFatal });
    this.#expiry = new Expiry({
      catalog: this.catalog,
      now,
      indexed: () => this.#applier.reached(this.#journal.newestPosition, EXPIRY_DEADLINE_MS),
      count: (sql) => this.#count(sql),
      remove: (change) => this.change(change),
    });
  }

  /**
   * Opens or creates the warehouse in this folder and brings its index up to date.
   * @param onFatal requests will not be answered until the process is started again; what was acknowledged is safe.
   * @param now the clock. Default: the machine's
   * @throws {Error} when another process has it open, or a later version wrote it.
   */
  static async open(
    dataDirectory: string,
    onFatal: (error: Error) => void,
    now: () => number = Date.now,
  ): Promise<Warehouse> {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
    const path = join(dataDirectory, "journal.sqlite");
    const warehouse = await Warehouse.#openAt(path, dataDirectory, onFatal, now);
    try {
      const position = warehouse.#journal.committedPosition;
      warehouse.#journal.start(await JournalThread.open({ path, position }, onFatal));
      warehouse.#expiry.start();
      return warehouse;
    } catch (error) {
      await warehouse.#closeIndex();
      throw error;
    }
  }

  /** The warehouse as the journal left it. The journal's lock is taken meanwhile and released when this settles. */
  static async #openAt(
    path: string,
    dataDirectory: string,
    onFatal: (error: Error) => void,
    now: () => number,
  ): Promise<Warehouse> {
    const past = new JournalReader(path);
    try {
      const { instance, position } = await openIndex(dataDirectory, past.committedPosition);
      const connection = await instance.connect();
      await prepareSession(connection);
      const warehouse = new Warehouse(past, instance, connection, position, onFatal, now);
      await warehouse.#replay(past, position).catch(async (error: unknown) => {
        await warehouse.#closeIndex();
        throw error;
      });
      return warehouse;
    } finally {
      past.close();
    }
  }

  /** How many rows each explicit stream held when the warehouse was opened. */
  streamLengths(): Map<string, number> {
    return new Map(this.#streamLengths);
  }

  /** Makes a change. It is visible in the catalog at once and on disk when this resolves. */
  async change(change: Change): Promise<void> {
    const statements = indexStatements(change, this.catalog);
    this.catalog.apply(change);
    if (change.kind === "statement") this.#expiry.changed(change.target);
    await this.#journal.append({ kind: "change", change }, (position) => {
      this.#applier.enqueue({ kind: "statements", position, bytes: 0, ...statements });
    });
  }

  /**
   * Makes a change that depends on what the warehouse holds, after trying it out: `tryOut` runs when the index holds everything that comes
   * before the change, and nothing comes in between. Appends wait meanwhile; when another change comes, it is tried out again. Without a change
   * nothing is made. One at a time.
   * @throws what `tryOut` throws
   */
  async changeAfter<Result>(tryOut: () => Promise<Tried<Result>>, deadlineMs: number): Promise<Result> {
    this.#backlog.pause();
    try {
      return await this.#changeAfter(tryOut, deadlineMs);
    } finally {
      this.#backlog.resume();
    }
  }

  async #changeAfter<Result>(tryOut: () => Promise<Tried<Result>>, deadlineMs: number): Promise<Result> {
    for (;;) {
      const position = this.#journal.newestPosition;
      await this.#applier.reached(position, deadlineMs);
      const [tried] = await Promise.allSettled([tryOut()]);
      if (this.#journal.newestPosition !== position) continue;
      if (tried.status === "rejected") throw tried.reason;
      const { change, result } = tried.value;
      if (change !== undefined) await this.change(change);
      return result;
    }
  }

  /** The number of a writer schema, which stays valid for ever. Throws when it is not a `ProtoSchema`. */
  descriptorId(protoSchema: Uint8Array): number {
    parseMessageType(protoSchema);
    return this.#journal.descriptorId(protoSchema);
  }

  /**
   * Decodes the rows of a request for a table: `failures` says which of them the table cannot hold.
   * @throws {SchemaMismatch} the writer schema does not fit the table.
   * @throws {WireFault} these are no rows.
   */
  decode(schema: TableSchema, descriptorId: number, rows: Uint8Array): DecodedRows {
    let decoders = this.#decoders.get(schema);
    if (decoders === undefined) this.#decoders.set(schema, (decoders = new Map()));
    let decoder = decoders.get(descriptorId);
    if (decoder === undefined) {
      decoder = new RowDecoder(parseMessageType(this.#journal.descriptor(descriptorId)), schema);
      decoders.set(descriptorId, decoder);
    }
    return decoder.decode(rows);
  }

  /**
   * Waits until there is room for a request of this size. Each that got room calls `append()` or `release()` with the same size.
   * @throws {WarehouseError} backendError after a minute.
   */
  admit(bytes: number): Promise<void> {
    return this.#backlog.enter(bytes, BACKLOG_DEADLINE_MS);
  }

  release(bytes: number): void {
    this.#backlog.leave(bytes);
  }

  /**
   * Stores decoded rows. They are on disk when this resolves, and every query that starts after that sees them. Call it in the
   * same turn as `decode()`: the table must not change in between.
   */
  append(entry: RowsEntry, table: Table, decoded: DecodedRows): Promise<void> {
    const bytes = entry.rows.byteLength;
    this.#expiry.appended(table, decoded.columns);
    return this.#journal.append(entry, (position) => {
      this.#applier.enqueue({ kind: "rows", position, bytes, table, columns: decoded.columns });
    });
  }

  /**
   * Resolves once queries see everything that has been acknowledged up to now, and nothing whose retention is over.
   * @throws {WarehouseError} timeout
   */
  async caughtUp(deadlineMs: number): Promise<void> {
    const giveUpAt = performance.now() + deadlineMs;
    await settledWithin(this.#expiry.enforce(), deadlineMs);
    await this.#indexed(Math.max(0, giveUpAt - performance.now()));
  }

  #indexed(deadlineMs: number): Promise<void> {
    return this.#applier.reached(this.#journal.committedPosition, deadlineMs);
  }

  /** A DuckDB connection of the caller's own; the caller closes it. */
  async connect(): Promise<DuckDBConnection> {
    const connection = await this.#instance.connect();
    await prepareSession(connection);
    if (this.now !== Date.now) await setClock(connection, this.now());
    return connection;
  }

  async #count(sql: string): Promise<number> {
    const connection = await this.connect();
    try {
      return Number((await connection.runAndReadAll(sql)).getRows()[0]?.[0] ?? 0);
    } finally {
      connection.closeSync();
    }
  }

  /** Stores what was accepted. The index is brought up to date if that takes no longer than a moment; if not, the next start does it. */
  async close(): Promise<void> {
    await this.#expiry.stop();
    await this.#journal.close();
    await this.#indexed(CLOSE_CATCH_UP_MS).catch(() => undefined);
    await this.#applier.close();
    const connection = await this.#instance.connect();
    await checkpoint(connection);
    connection.closeSync();
    this.#instance.closeSync();
  }

  async #closeIndex(): Promise<void> {
    await this.#applier.close();
    this.#instance.closeSync();
  }

  async #replay(past: JournalReader, position: number): Promise<void> {
    for (const change of past.changesUpTo(position)) this.catalog.apply(change);
    const behind = past.committedPosition - position;
    if (behind > 0) log("INFO", "The index is brought up to date from the journal.", { entries: behind });
    for (const entry of past.entriesAfter(position)) await this.#replayEntry(entry);
    await this.#applier.reached(past.committedPosition, REPLAY_STALL_MS);
  }

  async #replayEntry(entry: StoredEntry): Promise<void> {
    const { position } = entry;
    if (entry.kind === "change") {
      const statements = indexStatements(entry.change, this.catalog);
      this.catalog.apply(entry.change);
      this.#applier.enqueue({ kind: "statements", position, bytes: 0, ...statements });
      return;
    }
    const bytes = entry.rows.byteLength;
    await this.#backlog.enter(bytes, REPLAY_STALL_MS);
    const table = this.catalog.table(entry.table);
    const { columns, failures } = this.decode(table.schema, entry.descriptorId, entry.rows);
    if (failures[0] !== undefined) {
      throw new Error(
        `Entry ${position} of the journal holds a row for ${tableName(entry.table)} that this version cannot read ` +
          `(${failures[0].message}): use the version that wrote it.`,
      );
    }
    this.#applier.enqueue({ kind: "rows", position, bytes, table, columns });
  }
}

/** @throws {WarehouseError} timeout; what it is waited for goes on */
async function settledWithin(work: Promise<void>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new WarehouseError("timeout", `What has expired was not taken away within ${deadlineMs} ms.`)),
      deadlineMs,
    );
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
