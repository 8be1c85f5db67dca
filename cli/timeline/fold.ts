import { tables, type TableName } from "@indelible/schemas/tables.ts";
import { parseTimestamp } from "@indelible/schemas/timestamp.ts";
import type { PlainRow } from "../warehouse.ts";

/** A conversation, decision and so on, of all its entries: as in the view `<table>`, and how it became so. */
export interface Entity {
  readonly table: TableName;
  readonly id: string;
  /** Of each column the latest value that is there. */
  readonly latest: PlainRow;
  /** In order, at least one. */
  readonly entries: readonly PlainRow[];
  /** Columns of which a later entry said something else than an earlier one. */
  readonly corrected: readonly string[];
  /** An entry came with different content too. */
  readonly conflict: boolean;
}

/** Microseconds since 1970 of a time as the warehouse gives it; undefined: there is none. */
export function microsOf(time: unknown): number | undefined {
  return typeof time === "string" ? parseTimestamp(time) : undefined;
}

/** Entities of the rows of `<table>_history`, each with all of its entries. */
export function entitiesOf(table: TableName, rows: readonly PlainRow[]): Entity[] {
  const groups = Map.groupBy(rows, (row) => String(row[tables[table].entity]));
  return [...groups].map(([id, entries]) => entityOf(table, id, entries.toSorted(compareEntries)));
}

function entityOf(table: TableName, id: string, entries: readonly PlainRow[]): Entity {
  const latest: { [column: string]: unknown } = {};
  const corrected = new Set<string>();
  for (const entry of entries) {
    for (const [column, value] of Object.entries(entry)) {
      if (isNothing(value)) continue;
      const before = latest[column];
      const isOwn = Object.hasOwn(tables[table].columns, column);
      if (isOwn && !stages.has(column) && before !== undefined && JSON.stringify(before) !== JSON.stringify(value))
        corrected.add(column);
      latest[column] = value;
    }
  }
  return {
    table,
    id,
    latest,
    entries,
    corrected: [...corrected],
    conflict: entries.some((entry) => entry["conflict"] === true),
  };
}

/** Columns whose change is a stage, and no correction. */
const stages: ReadonlySet<string> = new Set(["human_reviewed"]);

/** BigQuery stores a missing array as an empty one. */
function isNothing(value: unknown): boolean {
  return value === null || value === undefined || (Array.isArray(value) && value.length === 0);
}

/** By the clock, number and ID of `entitiesQuery`. */
function compareEntries(a: PlainRow, b: PlainRow): number {
  const at = (row: PlainRow): number => microsOf(row["logged_at"] ?? row["published_at"]) ?? 0;
  const seq = (row: PlainRow): number => (typeof row["seq"] === "number" ? row["seq"] : -1);
  return at(a) - at(b) || seq(a) - seq(b) || (String(a["log_id"]) < String(b["log_id"]) ? -1 : 1);
}
