import { StatementFault, locate } from "./errors.ts";
import type { QueryError } from "./errors.ts";
import { readParameter } from "./parameters.ts";
import type { DuckDBBinding, QueryParameter, ReadyParameter } from "./parameters.ts";
import { parseStatement } from "./parser/statement.ts";
import { printQuery } from "./printer/queries.ts";
import type { ParameterReference, Session } from "./printer/scope.ts";
import { duckdbTypeName } from "./types.ts";

export { explainEngineError } from "./engine-errors.ts";
export { QueryError, checkColumnNames } from "./errors.ts";
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
const maxStatementLength = 1024 * 1024;

/**
 * Translates a GoogleSQL query into DuckDB's SQL. What is not known to give BigQuery's own answer is refused. The
 * columns of the result are to be given to {@link checkColumnNames}, errors of DuckDB to {@link explainEngineError}.
 *
 * The database must have run {@link macros}, and its session's TimeZone must be UTC.
 *
 * @throws QueryError `invalidQuery`, `notFound`, `invalid` or, for whatever is not a query, `accessDenied`
 */
export function translate(statement: string, context: TranslationContext): Translation {
  try {
    if (statement.length > maxStatementLength) throw new StatementFault("Query is too long: 1 MiB is the most");
    if (!statement.isWellFormed()) throw new StatementFault("Query is not well-formed Unicode");
    const query = parseStatement(statement);
    const tables = new Map<string, TableRef>();
    const bindings: DuckDBBinding[] = [];
    const session: Session = {
      ...parameterSession(context, bindings),
      table: (path, at) => findTable(path, at, context, tables),
    };
    const sql = printQuery(query, { session, commonTables: new Map() });
    return { sql, bindings, tables: [...tables.values()] };
  } catch (error) {
    throw asQueryError(error, statement);
  }
}

function asQueryError(error: unknown, statement: string): QueryError | unknown {
  return error instanceof StatementFault ? locate(error, statement) : error;
}

function parameterSession(
  { parameters, parameterMode }: TranslationContext,
  bindings: DuckDBBinding[],
): Pick<Session, "parameter" | "bound"> {
  const ready = parameters.map((parameter) => readParameter(parameter));
  const places = new Map<ReadyParameter, number>();
  const parameter = ({ name, index, at }: ParameterReference): ReadyParameter => {
    const isNamed = name !== undefined;
    const mode = isNamed ? "POSITIONAL" : "NAMED";
    if (parameterMode === mode) {
      const kind = isNamed ? "Named" : "Positional";
      throw new StatementFault(`${kind} parameters are not supported in ${mode} parameter mode`, at);
    }
    const lower = name?.toLowerCase();
    const found = isNamed ? ready.find((candidate) => candidate.name?.toLowerCase() === lower) : ready[index];
    if (found) return found;
    const message = isNamed
      ? `Query parameter '${name}' not found`
      : `Query parameter number ${index + 1} is not defined`;
    throw new StatementFault(message, at);
  };
  const bound = (reference: ParameterReference): string => {
    const found = parameter(reference);
    const place = places.get(found) ?? bindings.push(found.binding);
    places.set(found, place);
    return `CAST($${place} AS ${duckdbTypeName(found.type)})`;
  };
  return { parameter, bound };
}

function findTable(
  path: readonly string[],
  at: number,
  context: TranslationContext,
  tables: Map<string, TableRef>,
): string {
  const written = path.join(".");
  if (path.some((part) => part.toUpperCase() === "INFORMATION_SCHEMA")) {
    throw new StatementFault(
      "INFORMATION_SCHEMA is not supported by this warehouse: ask its REST API for datasets and tables",
      at,
    );
  }
  const ref = readTableRef(path, context);
  if (!ref)
    throw new StatementFault(`Table "${written}" must be qualified with a dataset (e.g. dataset.table)`, at, "invalid");
  if (ref.tableId.includes("*")) throw new StatementFault("Wildcard tables are not supported by this warehouse", at);
  const resolved = context.resolveTable(ref);
  const key = `${ref.projectId}:${ref.datasetId}.${ref.tableId}`;
  if (resolved === undefined) throw new StatementFault(`Not found: Table ${key}`, undefined, "notFound");
  tables.set(key, ref);
  return resolved;
}

function readTableRef(path: readonly string[], context: TranslationContext): TableRef | undefined {
  const [tableId, datasetId, ...project] = path.toReversed();
  if (tableId === undefined || path.includes("")) return undefined;
  if (datasetId === undefined) return context.defaultDataset && { ...context.defaultDataset, tableId };
  // Projects of a domain have a dot in their names: `example.com:project`.
  const projectId = project.length > 0 ? project.toReversed().join(".") : context.projectId;
  return { projectId, datasetId, tableId };
}
