import type { Column } from "./columns.ts";
import { rowColumns, type Table } from "./tables.ts";

/**
 * Every entry once, of a relation of rows of one table that has either all copies of an entry or none.
 *
 * @param arrivals what can stand behind FROM
 */
export function historyQuery(arrivals: string): string {
  return `SELECT
  *,
  MIN(entry_hash) OVER (PARTITION BY log_id) != MAX(entry_hash) OVER (PARTITION BY log_id) AS conflict
FROM ${arrivals}
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY log_id ORDER BY published_at, message_id, ingested_at) = 1`;
}

/**
 * One row an entity, of a relation as `historyQuery` makes it that has either all entries of an entity or none. Columns are qualified,
 * because the result has columns of the same names, which QUALIFY and WINDOW could mean as well.
 *
 * @param history what can stand behind FROM
 */
export function entitiesQuery(table: Table, history: string): string {
  const entity = `entry_of.${table.entity}`;
  const order = ["COALESCE(entry_of.logged_at, entry_of.published_at)", "entry_of.seq", "entry_of.log_id"];
  const columns = Object.entries(rowColumns(table)).map(([name, column]) =>
    name === table.entity ? entity : `LAST_VALUE(${valueOf(name, column)} IGNORE NULLS) OVER latest AS ${name}`,
  );
  return `SELECT
  ${columns.join(",\n  ")},
  COUNT(*) OVER latest AS entries
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
