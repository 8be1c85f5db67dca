import { demandOnDataset, demandOnTable, isAdmin } from "../access/demand.ts";
import { duckdbTable, tableName } from "../catalog.ts";
import { isVolatileView, viewTables } from "../index-statements.ts";
import { QueryError } from "../sql/translate.ts";
import { appendOnly } from "../sql/change.ts";
import { createTableAs, readTableChange, translateTableChange } from "../statement-sql.ts";
import { parseTableSchema, quoteName } from "../table-schema.ts";
import { WarehouseError } from "../errors.ts";
import { run } from "./engine.ts";
import { resultFields } from "./result-schema.ts";
import { Slots } from "./slots.ts";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { Caller } from "../access/caller.ts";
import type { Policy } from "../access/policy.ts";
import type { Change, Table } from "../catalog.ts";
import type { ChangeTranslation, ReadChange } from "../sql/change.ts";
import type { TableRef } from "../sql/translate.ts";
import type { Tried, Warehouse } from "../warehouse.ts";
import type { QueryEngine, Statement } from "./engine.ts";

/** What a statement that changes a table came to, in the words of REST's statistics. */
export type ChangeOutcome = {
  readonly target: TableRef;
  /** Rows that DML changed. */
  readonly affectedRows?: number;
  /** What DDL did. */
  readonly operation?: "CREATE" | "REPLACE" | "DROP" | "SKIP";
};
/** Told which tables and views a statement reads, and where it stores what it read. */
export type OnRead = (named: readonly TableRef[], destination: TableRef | undefined) => Promise<void>;
/** A statement that its caller may send. */
export type DemandedChange = {
  readonly statement: Statement;
  readonly read: ReadChange;
  /** In BigQuery's words. */
  readonly statementType: string;
};

const statementTypes: Readonly<Record<ReadChange["tree"]["kind"], string>> = {
  insert: "INSERT",
  update: "UPDATE",
  delete: "DELETE",
  truncate: "TRUNCATE_TABLE",
  drop: "DROP_TABLE",
  create: "CREATE_TABLE_AS_SELECT",
};

const MAX_WAITING_CHANGES = 100;
/** Where BigQuery places errors that have no place in the text. */
const query = { location: "query" } as const;

/**
 * Runs statements that change a table, for whoever may. Each is tried out first, in a transaction that is rolled back, so that its error
 * comes to the caller and never stands in the journal; then the journal takes it.
 */
export class TableChanges {
  readonly #warehouse: Warehouse;
  readonly #engine: QueryEngine;
  readonly #policy: Policy;
  /** Taken before a place among the queries, so that statements that wait for one another leave room for them. */
  readonly #turns = new Slots(1, MAX_WAITING_CHANGES);

  constructor(warehouse: Warehouse, engine: QueryEngine, policy: Policy) {
    this.#warehouse = warehouse;
    this.#engine = engine;
    this.#policy = policy;
  }

  /** Reads a statement for whoever may send it. @throws {QueryError} */
  read(statement: Statement, caller: Caller): DemandedChange {
    if (!this.#policy.hasTableChanges) throw new QueryError("accessDenied", appendOnly, query);
    const read = readFor(caller, statement);
    demandChange(read, caller, this.#warehouse);
    return { statement, read, statementType: statementTypes[read.tree.kind] };
  }

  /**
   * The change is on disk when this resolves. A dry run reads nothing and leaves everything as it is.
   * @param onRead told what the statement reads, and where it puts what it read, before it does; when it rejects, nothing is read or changed
   * @throws {QueryError | WarehouseError}
   */
  async run(
    change: DemandedChange,
    caller: Caller,
    dryRun: boolean,
    signal: AbortSignal,
    deadlineMs: number,
    onRead: OnRead,
  ): Promise<ChangeOutcome> {
    return this.#turns.run(() =>
      this.#engine.session(signal, deadlineMs, (connection) =>
        this.#warehouse.changeAfter(async () => {
          signal.throwIfAborted();
          const { result, run } = await this.#prepare(connection, change, caller);
          return dryRun ? { change: undefined, result } : run(onRead);
        }, deadlineMs),
      ),
    );
  }

  /** Finds out whether a statement can be run, without reading a row. `result` is what is known of it, `run` tries it out. */
  async #prepare(
    connection: DuckDBConnection,
    { statement, read }: DemandedChange,
    caller: Caller,
  ): Promise<{ readonly result: ChangeOutcome; run(onRead: OnRead): Promise<Tried<ChangeOutcome>> }> {
    const { catalog } = this.#warehouse;
    const { tree, target } = read;
    const before = catalog.findTable(target);
    if (before?.viewQuery !== undefined) {
      throw new QueryError("invalidQuery", `${tableName(target)} is a view: this statement takes a table.`, query);
    }
    if (tree.kind === "drop") {
      if (before === undefined && tree.ifExists) return withoutReading(undefined, { target, operation: "SKIP" });
      const { ref } = catalog.table(target);
      return withoutReading({ kind: "deleteTable", ref }, { target, operation: "DROP" });
    }
    const atMs = this.#warehouse.now();
    const resolveTable = this.#engine.tableResolver(caller);
    if (tree.kind !== "create") catalog.table(target);
    const translation = translateTableChange(read, { statement, target, atMs, catalog, resolveTable });
    this.#refuseVolatile(translation.tables);
    const readsTarget = tree.kind === "update" || tree.kind === "delete";
    const tables = readsTarget ? [target, ...translation.tables] : translation.tables;
    // A table that only its own rows come into is no copy.
    const isCopy = tree.kind !== "delete" && tables.some((ref) => tableName(ref) !== tableName(target));
    const destination = isCopy ? target : undefined;
    const base = { kind: "statement", statement, target, atMs, principal: caller.principal } as const;
    if (tree.kind === "create") {
      if (before !== undefined && !tree.replace)
        throw new WarehouseError("duplicate", `Already Exists: Table ${tableName(target)}`);
      const table = await this.#newTable(connection, target, translation, atMs);
      const created = { ...translation, sql: createTableAs(table, translation.sql) };
      await explain(connection, created);
      const result = { target, operation: before === undefined ? "CREATE" : "REPLACE" } as const;
      return {
        result,
        async run(onRead) {
          await onRead(tables, destination);
          await tried(connection, created);
          return { change: { ...base, table }, result };
        },
      };
    }
    await checkWidth(connection, translation);
    await explain(connection, translation);
    const fills = tree.kind === "insert" || tree.kind === "update";
    const check = fills ? (): Promise<void> => checkRequired(connection, catalog.table(target)) : undefined;
    return {
      result: { target },
      async run(onRead) {
        await onRead(tables, destination);
        const affectedRows = await tried(connection, translation, check);
        return { change: affectedRows === 0 ? undefined : base, result: { target, affectedRows } };
      },
    };
  }

  /** The table that a query makes, after checking that there may be one of this name. */
  async #newTable(
    connection: DuckDBConnection,
    ref: TableRef,
    translation: ChangeTranslation,
    createdMs: number,
  ): Promise<Table> {
    const { catalog } = this.#warehouse;
    catalog.dataset(ref);
    const same = catalog.sameTable(ref);
    if (same !== undefined && same.ref.tableId !== ref.tableId)
      throw new WarehouseError("duplicate", `Already Exists: Table ${tableName(same.ref)}`);
    if (!/^[\p{L}\p{M}\p{N}\p{Pc}\p{Pd}\p{Zs}]{1,1024}$/u.test(ref.tableId))
      throw new WarehouseError("invalid", `Invalid table ID ${JSON.stringify(ref.tableId)}.`);
    const described = await run(connection, `SELECT * FROM (${translation.sql}) LIMIT 0`, translation);
    const fields = resultFields(described.columnNames(), described.columnTypes());
    return { ref, schema: parseTableSchema({ fields }), settings: {}, createdMs, modifiedMs: createdMs };
  }

  /** What a view says of the present would be another present when the index is rebuilt. */
  #refuseVolatile(tables: readonly TableRef[], seen: Set<string> = new Set()): void {
    for (const ref of tables) {
      const view = this.#warehouse.catalog.findTable(ref);
      if (view?.viewQuery === undefined || seen.has(tableName(ref))) continue;
      seen.add(tableName(ref));
      if (isVolatileView(view)) {
        const message = `The view ${tableName(ref)} calls a clock or chance: a statement that changes a table cannot read it here, because the log could not be rebuilt from its journal.`;
        throw new WarehouseError("notImplemented", message);
      }
      this.#refuseVolatile(viewTables(view), seen);
    }
  }
}

function withoutReading(
  change: Change | undefined,
  result: ChangeOutcome,
): { result: ChangeOutcome; run(): Promise<Tried<ChangeOutcome>> } {
  return { result, run: () => Promise.resolve({ change, result }) };
}

/** Who may not do everything is not told what he could have done. */
function readFor(caller: Caller, statement: Statement): ReadChange {
  try {
    return readTableChange(statement);
  } catch (cause) {
    if (isAdmin(caller)) throw cause;
    throw new QueryError("accessDenied", appendOnly, { ...query, cause });
  }
}

/** @throws {QueryError} accessDenied */
function demandChange({ tree, target }: ReadChange, caller: Caller, { catalog }: Warehouse): void {
  const demand = (permission: string): void => demandOnTable(caller, permission, target);
  try {
    switch (tree.kind) {
      case "insert":
      case "update":
      case "delete":
        demand("bigquery.tables.updateData");
        return demand("bigquery.tables.getData");
      case "truncate":
        return demand("bigquery.tables.updateData");
      case "drop":
        return demand("bigquery.tables.delete");
      case "create":
        demandOnDataset(caller, "bigquery.tables.create", target);
        if (!tree.replace || catalog.findTable(target) === undefined) return;
        demand("bigquery.tables.update");
        demand("bigquery.tables.updateData");
    }
  } catch (cause) {
    const message = `${(cause as Error).message} ${appendOnly.replace("Access Denied: this", "This")}`;
    throw new QueryError("accessDenied", message, { ...query, cause });
  }
}

/** Refuses what DuckDB cannot run at all. @throws {QueryError} */
async function explain(connection: DuckDBConnection, translation: ChangeTranslation): Promise<void> {
  await run(connection, `EXPLAIN ${translation.sql}`, translation);
}

/** Runs SQL, and `check` on what has become of the rows, and takes it back. Returns how many rows it changed. @throws {QueryError} */
async function tried(
  connection: DuckDBConnection,
  translation: ChangeTranslation,
  check?: () => Promise<void>,
): Promise<number> {
  await connection.run("BEGIN TRANSACTION");
  try {
    const changed = await run(connection, translation.sql, translation);
    const [count] = (await changed.getRows())[0] ?? [];
    await check?.();
    return Number(count ?? 0);
  } finally {
    // Closing the connection does the same.
    await connection.run("ROLLBACK").catch(() => undefined);
  }
}

/** @throws {QueryError} a REQUIRED column is NULL somewhere: DuckDB does not know that they must not be. */
async function checkRequired(connection: DuckDBConnection, { ref, schema }: Table): Promise<void> {
  const required = schema.fields.filter(({ mode }) => mode === "REQUIRED").map(({ name }) => name);
  if (required.length === 0) return;
  const counts = required.map((name) => `count(*) - count(${quoteName(name)})`).join(", ");
  const [row = []] = await (await connection.run(`SELECT ${counts} FROM ${duckdbTable(ref)}`)).getRows();
  const missing = required.find((_, index) => Number(row[index]) > 0);
  if (missing !== undefined) throw new QueryError("invalidQuery", `Required field ${missing} cannot be null`, query);
}

/** @throws {QueryError} the query of an INSERT has another number of columns than it is to fill. */
async function checkWidth(connection: DuckDBConnection, translation: ChangeTranslation): Promise<void> {
  const { query: source, columnCount } = translation;
  if (source === undefined || columnCount === undefined) return;
  const { columnCount: given } = await run(connection, `SELECT * FROM (${source}) LIMIT 0`, translation);
  if (given === columnCount) return;
  const message = `Inserted row has wrong column count; Has ${given}, expected ${columnCount}`;
  throw new QueryError("invalidQuery", message, query);
}
