import type { Column } from "./columns.ts";
import { integrityViewsOf } from "./integrity-views.ts";
import { RAW_DATASET, VIEWS_DATASET } from "./names.ts";
import { rowColumns, tables, tableNames, type Table } from "./tables.ts";

export interface View {
  readonly name: string;
  readonly description: string;
  /** GoogleSQL. */
  readonly query: string;
  /** Names of the columns of its result. */
  readonly columns: readonly string[];
}

/** Every view of the dataset that people read, in an order in which each can be created. */
export function viewsOf(projectId: string): readonly View[] {
  return [
    ...tableNames.flatMap((name) => [historyView(projectId, tables[name]), entityView(projectId, tables[name])]),
    ...integrityViewsOf(projectId),
  ];
}

/** Every entry once: of those with the same `log_id` the one published first, and whether the others said something else. */
function historyView(projectId: string, table: Table): View {
  return {
    name: `${table.name}_history`,
    columns: [...Object.keys(rowColumns(table)), "conflict"],
    description: `${table.description} Every entry once; conflict: another entry has the same log_id and other content.`,
    query: `SELECT
  *,
  MIN(entry_hash) OVER (PARTITION BY log_id) != MAX(entry_hash) OVER (PARTITION BY log_id) AS conflict
FROM \`${projectId}.${RAW_DATASET}.${table.name}\`
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY log_id ORDER BY published_at, message_id, ingested_at) = 1`,
  };
}

/**
 * One row an entity: of each column the latest value that is not null, by the agent's clock where it gave one. Columns are
 * qualified, because the result has columns of the same names, which QUALIFY and WINDOW could mean as well.
 */
function entityView(projectId: string, table: Table): View {
  const entity = `entry_of.${table.entity}`;
  const order = ["COALESCE(entry_of.logged_at, entry_of.published_at)", "entry_of.seq", "entry_of.log_id"];
  const columns = Object.entries(rowColumns(table)).map(([name, column]) =>
    name === table.entity ? entity : `LAST_VALUE(${valueOf(name, column)} IGNORE NULLS) OVER latest AS ${name}`,
  );
  return {
    name: table.name,
    columns: [...Object.keys(rowColumns(table)), "entries"],
    description: `${table.description} One row for each ${table.entity}: the latest value of each column.`,
    query: `SELECT
  ${columns.join(",\n  ")},
  COUNT(*) OVER latest AS entries
FROM \`${projectId}.${VIEWS_DATASET}.${table.name}_history\` AS entry_of
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY ${entity} ORDER BY ${order.map((term) => `${term} DESC`).join(", ")}) = 1
WINDOW latest AS (
  PARTITION BY ${entity}
  ORDER BY ${order.join(", ")}
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
)`,
  };
}

/** BigQuery stores a missing array as an empty one. */
function valueOf(name: string, column: Column): string {
  const value = `entry_of.${name}`;
  return column.type === "array" ? `IF(ARRAY_LENGTH(${value}) = 0, NULL, ${value})` : value;
}
