import { Reading } from "../access/reading.ts";
import { runBound } from "../applier.ts";
import { duckdbTable } from "../catalog.ts";
import { WarehouseError } from "../errors.ts";
import { RESULTS_CATALOG } from "../index-database.ts";
import { QueryError, explainEngineError, translate } from "../sql/translate.ts";
import { quoteName } from "../table-schema.ts";
import { resultFields } from "./result-schema.ts";
import { RowEncoder } from "./row-encoder.ts";
import { Slots } from "./slots.ts";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { Caller } from "../access/caller.ts";
import type { Policy } from "../access/policy.ts";
import type { DatasetRef } from "../catalog.ts";
import type { QueryParameter, TableRef, Translation } from "../sql/translate.ts";
import type { TableField } from "../table-schema.ts";
import type { Warehouse } from "../warehouse.ts";
import type { EncodedRow, TimestampFormat } from "./row-encoder.ts";

/** A statement with everything that its meaning depends on. */
export type Statement = {
  readonly query: string;
  readonly projectId: string;
  readonly defaultDataset: DatasetRef | undefined;
  readonly parameters: readonly QueryParameter[];
  readonly parameterMode: "NAMED" | "POSITIONAL" | "NONE";
};
export type QueryPlan = { readonly translation: Translation; readonly fields: readonly TableField[] };
/** A result that waits to be fetched. `relation` is its DuckDB name, quoted. */
export type QueryResult = {
  readonly relation: string;
  readonly fields: readonly TableField[];
  readonly totalRows: number;
};
export type Page = { readonly rows: readonly EncodedRow[]; readonly nextOffset: number };

/** Each query holds one of libuv's four threads; the index needs one to follow the journal. */
const CONCURRENT_QUERIES = 2;
const MAX_WAITING_QUERIES = 100;
/** DuckDB forgets an interrupt that comes just before a statement starts, so it is repeated until the work has ended. */
const INTERRUPT_INTERVAL_MS = 50;
const COUNT_DEADLINE_MS = 60_000;
const MAX_PAGE_ROWS = 50_000;
const MAX_PAGE_CHARACTERS = 10 * 1024 * 1024;

/** Runs statements on the index. A statement sees everything that was acknowledged before it was sent. */
export class QueryEngine {
  readonly #warehouse: Warehouse;
  readonly #policy: Policy;
  readonly #slots = new Slots(CONCURRENT_QUERIES, MAX_WAITING_QUERIES);

  constructor(warehouse: Warehouse, policy: Policy) {
    this.#warehouse = warehouse;
    this.#policy = policy;
  }

  /**
   * Says what a statement will answer, without running it.
   * @throws {QueryError | WarehouseError}
   */
  plan(statement: Statement, caller: Caller, signal: AbortSignal, deadlineMs: number): Promise<QueryPlan> {
    return this.session(signal, deadlineMs, (connection) => this.#plan(connection, statement, caller));
  }

  /**
   * Runs a statement and keeps its result until `drop()`.
   * @param onRead told which tables and views the statement names, before it reads them
   * @throws {QueryError | WarehouseError}
   */
  execute(
    statement: Statement,
    caller: Caller,
    resultId: string,
    signal: AbortSignal,
    deadlineMs: number,
    onRead: (named: readonly TableRef[]) => void,
  ): Promise<QueryResult> {
    return this.session(signal, deadlineMs, async (connection) => {
      const { translation, fields } = await this.#plan(connection, statement, caller);
      signal.throwIfAborted();
      onRead(translation.tables);
      const relation = `${RESULTS_CATALOG}.main.${quoteName(resultId)}`;
      const columns = fields.map((_, index) => `c${index}`).join(", ");
      const created = await run(connection, `CREATE TABLE ${relation} (${columns}) AS ${translation.sql}`, translation);
      const [count] = (await created.getRows())[0] ?? [0n];
      return { relation, fields, totalRows: Number(count) };
    });
  }

  /** Rows of a result, from `offset`: as many as asked for, or as fit into 10 MB. */
  page(
    result: { relation: string; fields: readonly TableField[] },
    offset: number,
    maxRows: number,
    timestamps: TimestampFormat,
  ): Promise<Page> {
    return this.#slots.run(async () => {
      const connection = await this.#warehouse.connect();
      try {
        const limit = Math.min(maxRows, MAX_PAGE_ROWS);
        const stream = await connection.stream(`SELECT * FROM ${result.relation} LIMIT ${limit} OFFSET ${offset}`);
        const encoder = new RowEncoder(result.fields, timestamps);
        const rows: EncodedRow[] = [];
        for await (const chunk of stream.yieldRows()) {
          for (const row of chunk) {
            if (rows.length > 0 && encoder.characters > MAX_PAGE_CHARACTERS)
              return { rows, nextOffset: offset + rows.length };
            rows.push(encoder.encode(row));
          }
        }
        return { rows, nextOffset: offset + rows.length };
      } finally {
        connection.closeSync();
      }
    });
  }

  /** How many rows a table holds. */
  countRows(table: TableRef): Promise<number> {
    return this.#slots.run(async () => {
      await this.#warehouse.caughtUp(COUNT_DEADLINE_MS);
      const connection = await this.#warehouse.connect();
      try {
        const rows = (await connection.runAndReadAll(`SELECT count(*) FROM ${duckdbTable(table)}`)).getRows();
        return Number(rows[0]?.[0] ?? 0);
      } finally {
        connection.closeSync();
      }
    });
  }

  async drop(result: QueryResult): Promise<void> {
    const connection = await this.#warehouse.connect();
    try {
      await connection.run(`DROP TABLE IF EXISTS ${result.relation}`);
    } finally {
      connection.closeSync();
    }
  }

  /** Names the tables that a statement reads, for whoever may read them. */
  tableResolver(caller: Caller): (ref: TableRef) => string | undefined {
    const { catalog } = this.#warehouse;
    const reading = new Reading(caller, catalog, this.#policy);
    return (ref) => {
      reading.demand(ref);
      return catalog.findTable(ref) === undefined ? undefined : duckdbTable(ref);
    };
  }

  async #plan(connection: DuckDBConnection, statement: Statement, caller: Caller): Promise<QueryPlan> {
    const { query, defaultDataset, ...context } = statement;
    const translation = translate(query, {
      ...context,
      ...(defaultDataset === undefined ? {} : { defaultDataset }),
      resolveTable: this.tableResolver(caller),
    });
    const described = await run(connection, `SELECT * FROM (${translation.sql}) LIMIT 0`, translation);
    return { translation, fields: resultFields(described.columnNames(), described.columnTypes()) };
  }

  /** Gives a connection that sees everything that has been acknowledged, ends what runs on it when it must stop, and closes it. */
  session<Result>(
    signal: AbortSignal,
    deadlineMs: number,
    work: (connection: DuckDBConnection) => Promise<Result>,
  ): Promise<Result> {
    return this.#slots.run(async () => {
      signal.throwIfAborted();
      await this.#warehouse.caughtUp(deadlineMs);
      const connection = await this.#warehouse.connect();
      let interrupting: NodeJS.Timeout | undefined;
      const interrupt = (): void => {
        connection.interrupt();
        interrupting ??= setInterval(interrupt, INTERRUPT_INTERVAL_MS);
      };
      const timedOut = AbortSignal.timeout(deadlineMs);
      const stopped = AbortSignal.any([signal, timedOut]);
      stopped.addEventListener("abort", interrupt);
      try {
        return await work(connection);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (timedOut.aborted)
          throw new WarehouseError("timeout", `Operation timed out after ${deadlineMs / 1000} seconds.`);
        throw error;
      } finally {
        stopped.removeEventListener("abort", interrupt);
        clearInterval(interrupting);
        connection.closeSync();
      }
    });
  }
}

type EngineResult = Awaited<ReturnType<typeof runBound>>;

/** @throws {QueryError} DuckDB's, in BigQuery's words */
export async function run(connection: DuckDBConnection, sql: string, { bindings }: Bindings): Promise<EngineResult> {
  try {
    return await runBound(connection, { sql, bindings });
  } catch (error) {
    if (error instanceof QueryError) throw error;
    throw explainEngineError(error instanceof Error ? error.message : String(error));
  }
}

type Bindings = Pick<Translation, "bindings">;
