import { StatementFault, locate } from "./errors.ts";
import type { DuckDBBinding, QueryParameter } from "./parameters.ts";
import { parseStatement } from "./parser/statement.ts";
import { printQuery } from "./printer/queries.ts";
import { openSession } from "./session.ts";

export { explainEngineError } from "./engine-errors.ts";
export { QueryError, checkColumnNames } from "./errors.ts";
export { CLOCK_VARIABLE } from "./functions/dates.ts";
export { macros } from "./macros.ts";
export type { DuckDBBinding, QueryParameter, QueryParameterType, QueryParameterValue } from "./parameters.ts";

export type TableRef = { projectId: string; datasetId: string; tableId: string };

/** SQL for DuckDB with its `$1` to `$n`, and the tables that the statement reads, each once. */
export type Translation = { sql: string; bindings: readonly DuckDBBinding[]; tables: readonly TableRef[] };

export type TranslationContext = {
  /** The project of a table whose name gives none. */
  projectId: string;
  /** The dataset of a table whose name gives none; without it such a name is an error. */
  defaultDataset?: { projectId: string; datasetId: string } | undefined;
  parameters: readonly QueryParameter[];
  parameterMode: "NAMED" | "POSITIONAL" | "NONE";
  /** The name of a table or view for DuckDB, quoted; undefined where there is no such table. */
  resolveTable(ref: TableRef): string | undefined;
};

/** BigQuery takes statements of up to 1 MiB. */
export const MAX_STATEMENT_LENGTH: number = 1024 * 1024;
export const tooLong = "Query is too long: 1 MiB is the most";

/**
 * Translates a GoogleSQL query into DuckDB's SQL. What is not known to give BigQuery's own answer is refused. The
 * columns of the result are to be given to {@link checkColumnNames}, errors of DuckDB to {@link explainEngineError}.
 *
 * The database must have run {@link macros}, and its session's TimeZone must be UTC.
 *
 * @throws QueryError `invalidQuery`, `notFound`, `invalid` or, for whatever is not a query, `accessDenied`
 */
export function translate(statement: string, context: TranslationContext): Translation {
  return locating(statement, () => {
    const query = parseStatement(statement);
    const { session, bindings, tables } = openSession(context);
    const sql = printQuery(query, { session, commonTables: new Map() });
    return { sql, bindings, tables: [...tables.values()] };
  });
}

/** Runs `work` on a statement that may be one at all. @throws {QueryError} for its faults, with their places */
export function locating<Result>(statement: string, work: () => Result): Result {
  try {
    if (statement.length > MAX_STATEMENT_LENGTH) throw new StatementFault(tooLong);
    if (!statement.isWellFormed()) throw new StatementFault("Query is not well-formed Unicode");
    return work();
  } catch (error) {
    throw error instanceof StatementFault ? locate(error, statement) : error;
  }
}
