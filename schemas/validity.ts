/** What BigQuery, or whatever derives from a declaration, would refuse or take for something else: of one declaration, whatever was before. */
import type { ColumnSnapshot, ColumnsSnapshot, Snapshot, TableSnapshot } from "./snapshot.ts";

/**
 * BigQuery ignores case, takes at most 300 characters for a column, and has names of its own that begin with an underscore (`_CHANGE_TYPE`,
 * `_PARTITIONTIME`, `_TABLE_SUFFIX`): https://docs.cloud.google.com/bigquery/docs/schemas#column_names.
 */
const isName = /^[a-z][a-z0-9_]{0,299}$/;

const MAX_CLUSTER_COLUMNS = 4;

/** Types of ours that BigQuery clusters by. */
const clusterTypes: ReadonlySet<ColumnSnapshot["type"]> = new Set(["string", "timestamp", "int64", "bool"]);

/** Each fault as a sentence; none of what is valid. Pure. */
export function faultsOf({ system, tables }: Snapshot): readonly string[] {
  const { stamped, recorded } = system;
  return [
    ...nameFaults("every table", { ...stamped, ...recorded }),
    ...shared(stamped, recorded).map((name) => `every table has the system column ${name} twice.`),
    ...Object.entries(tables).flatMap(([name, table]) => tableFaults(name, table, { ...stamped, ...recorded })),
  ];
}

/** An entity may be `log_id`: an event need not have one, a row always has. */
function tableFaults(name: string, table: TableSnapshot, system: ColumnsSnapshot): string[] {
  const { columns, version, retentionDays, entity, occurredAt, partitionBy } = table;
  const all = new Map([...Object.entries(columns), ...Object.entries(system)]);
  return [
    ...(isName.test(name) ? [] : [`${JSON.stringify(name)} is no name of a table: ${naming}.`]),
    ...nameFaults(name, columns),
    ...shared(columns, system).map((column) => `${name}.${column} has the name of a system column.`),
    ...(isPositive(version) ? [] : [`${name} has version ${version}: it must be a whole number from 1.`]),
    ...(isPositive(retentionDays) ? [] : [`${name} keeps rows for ${retentionDays} days: it must be at least 1.`]),
    ...(all.get(entity)?.required === true || entity === "log_id"
      ? []
      : [`${name} has ${entity} as entity, which is no required column.`]),
    ...[occurredAt, partitionBy].flatMap((column) =>
      all.get(column)?.type === "timestamp" ? [] : [`${name} goes by the time of ${column}, which is no timestamp.`],
    ),
    ...clusterFaults(name, table.clusterBy, all),
  ];
}

const naming = "a lower-case letter, then lower-case letters, digits and underscores, at most 300 characters in all";

function nameFaults(place: string, columns: ColumnsSnapshot): string[] {
  return Object.entries(columns).flatMap(([name, { fields, items }]) => [
    ...(isName.test(name) ? [] : [`${place}: ${JSON.stringify(name)} is no name of a column: ${naming}.`]),
    ...nameFaults(`${place}.${name}`, fields ?? items?.fields ?? {}),
  ]);
}

function clusterFaults(name: string, clusterBy: readonly string[], all: ReadonlyMap<string, ColumnSnapshot>): string[] {
  return [
    ...(clusterBy.length <= MAX_CLUSTER_COLUMNS
      ? []
      : [`${name} is clustered by ${clusterBy.length} columns: at most ${MAX_CLUSTER_COLUMNS} can be.`]),
    ...(new Set(clusterBy).size === clusterBy.length ? [] : [`${name} is clustered by the same column twice.`]),
    ...clusterBy.flatMap((column) => {
      const type = all.get(column)?.type;
      if (type === undefined) return [`${name} is clustered by ${column}, which it does not have.`];
      return clusterTypes.has(type) ? [] : [`${name} is clustered by ${column}: BigQuery does not cluster by ${type}.`];
    }),
  ];
}

function shared(some: ColumnsSnapshot, others: ColumnsSnapshot): string[] {
  return Object.keys(some).filter((name) => Object.hasOwn(others, name));
}

function isPositive(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}
