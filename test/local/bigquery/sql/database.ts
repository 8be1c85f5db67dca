import { DuckDBInstance } from "@duckdb/node-api";
import type { DuckDBConnection, DuckDBType, DuckDBValue } from "@duckdb/node-api";
import {
  QueryError,
  checkColumnNames,
  explainEngineError,
  macros,
  translate,
} from "../../../../local/bigquery/sql/translate.ts";
import type { QueryParameter, TableRef } from "../../../../local/bigquery/sql/translate.ts";

/** A warehouse of one project `p` with a few small tables, in memory. */
export type Database = {
  /** The rows of a query, each value as DuckDB's JSON form writes it. */
  rows(statement: string, parameters?: readonly QueryParameter[]): Promise<unknown[][]>;
  columns(statement: string): Promise<readonly string[]>;
  /** The first value of the first row, as DuckDB gives it. */
  value(statement: string, parameters?: readonly QueryParameter[]): Promise<DuckDBValue>;
  plan(statement: string): Promise<string>;
  types(statement: string): Promise<readonly DuckDBType[]>;
  close(): void;
};

const setup = [
  "CREATE SCHEMA agent_logs",
  `CREATE TABLE agent_logs.conversations (
     log_id VARCHAR, conversation_id VARCHAR, agent_position VARCHAR, cost_usd DOUBLE, tokens BIGINT, seq BIGINT,
     publisher_id VARCHAR, logged_at TIMESTAMPTZ, published_at TIMESTAMPTZ, ended_at TIMESTAMPTZ, day DATE,
     local_time TIMESTAMP, price DECIMAL(38, 9), done BOOLEAN, payload JSON, raw BLOB,
     options_considered VARCHAR[], entry VARCHAR, entry_hash VARCHAR, inner_value STRUCT(a BIGINT, b VARCHAR))`,
  `INSERT INTO agent_logs.conversations VALUES
     ('l1', 'c1', 'CEO', 1.5, 100, 1, 'p1', '2024-05-15 15:00:00+00', '2024-05-15 15:00:01+00', NULL, '2024-05-15',
      '2024-05-15 10:30:00', 12.5, TRUE, '{"a": {"b c": [1, "x"]}, "n": 7}', 'ab'::BLOB, ['x', 'y'],
      '{"cost":1.5,"started_at":"2024-05-15T15:00:00.000Z"}',
      sha256('{"cost":1.5,"started_at":"2024-05-15T15:00:00.000Z"}'), {'a': 1, 'b': 'one'}),
     ('l2', 'c1', 'CEO', 2.5, 200, 2, 'p1', '2024-05-15 16:00:00+00', '2024-05-15 16:00:01+00',
      '2024-05-15 17:00:00+00', '2024-05-16', '2024-05-16 10:30:00', 0.1, FALSE, '{"a": null}', '\\xff'::BLOB, [],
      '{"cost":2}', 'tampered', {'a': 2, 'b': 'two'}),
     ('l3', 'c2', 'CFO', NULL, NULL, 4, 'p1', NULL, '2024-05-16 15:00:01+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL,
      [], '{}', sha256('{}'), NULL)`,
];

export async function openDatabase(): Promise<Database> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  for (const statement of [...macros, ...setup]) await connection.run(statement);
  return {
    rows: async (statement, parameters) => (await run(connection, statement, parameters)).getRowsJson() as unknown[][],
    columns: async (statement) => (await run(connection, statement)).columnNames(),
    value: async (statement, parameters) => (await run(connection, statement, parameters)).getRows()[0]?.[0] ?? null,
    plan: async (statement) => {
      const { sql } = translate(statement, { ...context, parameters: [], parameterMode: "NONE" });
      return JSON.stringify((await connection.runAndReadAll(`EXPLAIN ${sql}`)).getRowsJson());
    },
    types: async (statement) => (await run(connection, statement)).columnTypes(),
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** The name of a table of project `p` for DuckDB. */
export function resolveTable(ref: TableRef): string | undefined {
  const isKnown = ref.projectId === "p" && ref.datasetId === "agent_logs" && ref.tableId === "conversations";
  return isKnown ? '"agent_logs"."conversations"' : undefined;
}

const context = { projectId: "p", defaultDataset: { projectId: "p", datasetId: "agent_logs" }, resolveTable };

async function run(connection: DuckDBConnection, statement: string, parameters: readonly QueryParameter[] = []) {
  const parameterMode = parameters.length === 0 ? "NONE" : parameters[0]?.name === undefined ? "POSITIONAL" : "NAMED";
  const { sql, bindings } = translate(statement, { ...context, parameters, parameterMode });
  const values = bindings.map((binding) => binding.value);
  const types = bindings.map((binding) => binding.type);
  try {
    const result = await connection.runAndReadAll(sql, values, types);
    checkColumnNames(result.columnNames());
    return result;
  } catch (error) {
    if (error instanceof QueryError) throw error;
    const explained = explainEngineError(String((error as Error).message));
    explained.cause = new Error(`${(error as Error).message}\n${sql}`);
    throw explained;
  }
}
