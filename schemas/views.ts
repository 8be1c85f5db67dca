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
    ...tableNames.flatMap((name) => [
      arrivalsView(projectId, tables[name]),
      historyView(projectId, tables[name]),
      entityView(projectId, tables[name]),
    ]),
    ...integrityViewsOf(projectId),
  ];
}

/**
 * The table as it is. A filter reaches its partitions and blocks, which it does not through a window function: this is where to find out
 * which entries a question is about, before the history is computed of those alone (see `relations.ts`).
 */
function arrivalsView(projectId: string, table: Table): View {
  return {
    name: `${table.name}_arrivals`,
    columns: Object.keys(rowColumns(table)),
    description: `${table.description} Every copy of every entry: an entry that was delivered twice is here twice.`,
    query: `SELECT *\nFROM \`${projectId}.${RAW_DATASET}.${table.name}\``,
  };
}

/** Every entry once: of those with the same `log_id` the one published first, and whether the others said something else. */
function historyView(projectId: string, table: Table): View {
  return {
    name: `${table.name}_history`,
    columns: [...Object.keys(rowColumns(table)), "conflict"],
    description: `${table.description} Every entry once; conflict: another entry has the same log_id and other content.`,
    query: historyQuery(`\`${projectId}.${RAW_DATASET}.${table.name}\``),
  };
}

/** One row an entity: of each column the latest value that is not null, by the agent's clock where it gave one. */
function entityView(projectId: string, table: Table): View {
  return {
    name: table.name,
    columns: [...Object.keys(rowColumns(table)), "entries"],
    description: `${table.description} One row for each ${table.entity}: the latest value of each column.`,
    query: entitiesQuery(table, `\`${projectId}.${VIEWS_DATASET}.${table.name}_history\``),
  };
}

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
