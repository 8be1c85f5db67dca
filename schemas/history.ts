import type { Column } from "./columns.ts";
import { rowColumns, type Table } from "./tables.ts";

/**
 * Every entry once, of a relation of rows of one table that has either all copies of an entry or none.
 *
 * @param arrivals what can stand behind FROM
 * @param columns names of those that are wanted. Default: all, and `conflict`
 */
export function historyQuery(arrivals: string, columns?: readonly string[]): string {
  return `SELECT
  ${columns?.join(", ") ?? `*,\n  ${conflict}`}
FROM ${arrivals}
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY log_id ORDER BY published_at, message_id, ingested_at) = 1`;
}

const conflict = "MIN(entry_hash) OVER (PARTITION BY log_id) != MAX(entry_hash) OVER (PARTITION BY log_id) AS conflict";

/**
 * The columns that `entitiesQuery` needs of the history to give `columns`.
 */
export function historyColumnsOf(table: Table, columns: readonly string[]): readonly string[] {
  const own = columns.filter((name) => name !== "entries");
  return [...new Set([table.entity, ...own, "logged_at", "published_at", "seq", "log_id"])];
}

/**
 * One row an entity, of a relation as `historyQuery` makes it that has either all entries of an entity or none. Columns are qualified,
 * because the result has columns of the same names, which QUALIFY and WINDOW could mean as well.
 *
 * @param history what can stand behind FROM
 * @param wanted names of columns of the table, and `entries`, how many there are. The entity's identity is always there. Default: all. No engine
 *   leaves out a window function that nobody asked for: what 390,000 things cost took 26 s with all columns, and 3 s with those that are read
 */
export function entitiesQuery(table: Table, history: string, wanted?: readonly string[]): string {
  const entity = `entry_of.${table.entity}`;
  const order = ["COALESCE(entry_of.logged_at, entry_of.published_at)", "entry_of.seq", "entry_of.log_id"];
  const all = Object.entries(rowColumns(table));
  const chosen = wanted === undefined ? all : all.filter(([name]) => name === table.entity || wanted.includes(name));
  // What is never null is in the latest entry, which is the row that is left; a window function for each would double the time.
  const columns = chosen.map(([name, column]) =>
    column.required === true
      ? `entry_of.${name}`
      : `LAST_VALUE(${valueOf(name, column)} IGNORE NULLS) OVER latest AS ${name}`,
  );
  if (wanted === undefined || wanted.includes("entries")) columns.push("COUNT(*) OVER latest AS entries");
  return `SELECT
  ${columns.join(",\n  ")}
FROM ${history} AS entry_of
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY ${entity} ORDER BY ${order.map((term) => `${term} DESC`).join(", ")}) = 1
WINDOW latest AS (
  PARTITION BY ${entity}
  ORDER BY ${order.join(", ")}
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
)`;
}

/** BigQuery stores a missing array as an empty one. */
function valueOf(name: string, column: Column): string {
  const value = `entry_of.${name}`;
  return column.type === "array" ? `IF(ARRAY_LENGTH(${value}) = 0, NULL, ${value})` : value;
}
