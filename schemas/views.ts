import { costDailyView } from "./cost.ts";
import { agentEventsView } from "./events.ts";
import { entitiesQuery, historyQuery } from "./history.ts";
import { integrityViewsOf } from "./integrity-views.ts";
import { defaultDatasets, type Datasets } from "./names.ts";
import { reviewViewsOf } from "./review-views.ts";
import { rowColumns, tables, tableNames, type Table } from "./tables.ts";

export interface View {
  readonly name: string;
  readonly description: string;
  /** GoogleSQL. */
  readonly query: string;
  /** Names of the columns of its result. */
  readonly columns: readonly string[];
}

/**
 * Every view of the dataset that people read, in an order in which each can be created.
 *
 * @param datasets default: `agent_logs_raw` and `agent_logs`
 */
export function viewsOf(projectId: string, datasets: Datasets = defaultDatasets): readonly View[] {
  return [
    ...tableNames.flatMap((name) => [
      arrivalsView(tables[name], `\`${projectId}.${datasets.raw}.${name}\``),
      historyView(tables[name], `\`${projectId}.${datasets.raw}.${name}\``),
      entityView(tables[name], `\`${projectId}.${datasets.views}.${name}_history\``),
    ]),
    ...integrityViewsOf(projectId, datasets),
    costDailyView(projectId, datasets),
    ...reviewViewsOf(projectId, datasets),
    agentEventsView(projectId, datasets),
  ];
}

/**
 * The table as it is. A filter reaches its partitions and blocks, which it does not through a window function: this is where to find out
 * which entries a question is about, before the history is computed of those alone (see `relations.ts`).
 */
function arrivalsView(table: Table, from: string): View {
  return {
    name: `${table.name}_arrivals`,
    columns: Object.keys(rowColumns(table)),
    description: `${table.description} Every copy of every entry: an entry that was delivered twice is here twice.`,
    query: `SELECT *\nFROM ${from}`,
  };
}

/** Every entry once: of those with the same `log_id` the one published first, and whether the others said something else. */
function historyView(table: Table, arrivals: string): View {
  return {
    name: `${table.name}_history`,
    columns: [...Object.keys(rowColumns(table)), "conflict"],
    description: `${table.description} Every entry once; conflict: another entry has the same log_id and other content.`,
    query: historyQuery(arrivals),
  };
}

/** One row an entity: of each column the latest value that is not null, by the agent's clock where it gave one. */
function entityView(table: Table, history: string): View {
  return {
    name: table.name,
    columns: [...Object.keys(rowColumns(table)), "entries"],
    description: `${table.description} One row for each ${table.entity}: the latest value of each column.`,
    query: entitiesQuery(table, history),
  };
}
