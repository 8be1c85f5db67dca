/** Tables whose partitions are days of UTC of one of their columns: which rows are in which, and when a partition is over. */
import { tableName } from "./catalog.ts";
import { MIN_DAY } from "./civil-time.ts";
import { WarehouseError } from "./errors.ts";
import { isRecord, quoteName } from "./table-schema.ts";
import type { Cell } from "./cell-readers.ts";
import type { Table } from "./catalog.ts";
import type { TableRef } from "./sql/translate.ts";
import type { TableSchema } from "./table-schema.ts";

/** How a table is partitioned by day. */
export type DayPartitioning = {
  readonly field: string;
  readonly type: PartitionType;
  /** Its place among the columns of the table. */
  readonly column: number;
  /** How long a partition stays, from its beginning; undefined: for ever. */
  readonly expirationMs: number | undefined;
};
type PartitionType = "TIMESTAMP" | "DATETIME" | "DATE";

/** Rows of whole days, in milliseconds since 1970: from the first day, if one is given, up to and without another. */
export type Days = { readonly fromMs?: number; readonly beforeMs: number };

const DAY_MS = 86_400_000;
const MICROS = 1000;
const types: ReadonlySet<string> = new Set(["DAY", "HOUR", "MONTH", "YEAR"]);
const partitionTypes: readonly PartitionType[] = ["TIMESTAMP", "DATETIME", "DATE"];

/** Undefined for a table that is not partitioned by days of a column of its own. */
export function dayPartitioningOf({
  schema,
  settings,
}: Pick<Table, "schema" | "settings">): DayPartitioning | undefined {
  const { type, field, expirationMs } = settings.timePartitioning ?? {};
  if (type !== "DAY" || typeof field !== "string") return undefined;
  const column = schema.fields.findIndex(({ name }) => name.toLowerCase() === field.toLowerCase());
  const found = schema.fields[column];
  const partitionType = partitionTypes.find((one) => one === found?.type);
  if (found === undefined || partitionType === undefined) return undefined;
  const ms = Number(expirationMs ?? 0);
  return { field: found.name, type: partitionType, column, expirationMs: ms > 0 ? ms : undefined };
}

/**
 * Refuses what BigQuery would refuse of a partitioning.
 * @throws {WarehouseError} invalid
 */
export function checkPartitioning(value: unknown, { fields }: TableSchema): void {
  if (value === undefined || value === null) return;
  if (!isRecord(value) || typeof value["type"] !== "string" || !types.has(value["type"]))
    throw new WarehouseError("invalid", "timePartitioning is {type: DAY, HOUR, MONTH or YEAR, field, expirationMs}.");
  const { field, expirationMs } = value;
  if (field !== undefined && field !== null) {
    const column = fields.find(({ name }) => typeof field === "string" && name.toLowerCase() === field.toLowerCase());
    if (column === undefined || !partitionTypes.some((one) => one === column.type) || column.mode === "REPEATED") {
      const message = `The field specified for time partitioning must be a TIMESTAMP, DATETIME or DATE column of the table: ${JSON.stringify(field)} is none.`;
      throw new WarehouseError("invalid", message);
    }
  }
  if (expirationMs === undefined || expirationMs === null) return;
  const ms = typeof expirationMs === "string" && /^\d{1,19}$/.test(expirationMs) ? Number(expirationMs) : expirationMs;
  if (typeof ms !== "number" || !Number.isInteger(ms) || ms <= 0) {
    const message = `Invalid value for timePartitioning.expirationMs: ${JSON.stringify(expirationMs)} is no number of milliseconds above 0.`;
    throw new WarehouseError("invalid", message);
  }
}

/**
 * The beginning of the oldest day that is not over: one is over when its beginning and `expirationMs` are past. Undefined: none is over that a
 * column can hold.
 */
export function firstDayKept(nowMs: number, expirationMs: number): number | undefined {
  const ms = (Math.floor((nowMs - expirationMs) / DAY_MS) + 1) * DAY_MS;
  return ms > MIN_DAY * DAY_MS ? ms : undefined;
}

/** The condition, for DuckDB, that a row is of these days. A row whose column is NULL is of none. */
export function daysCondition({ field, type }: Pick<DayPartitioning, "field" | "type">, days: Days): string {
  const column = quoteName(field);
  const conditions = [`${column} < ${literal(type, days.beforeMs)}`];
  if (days.fromMs !== undefined) conditions.unshift(`${column} >= ${literal(type, days.fromMs)}`);
  return conditions.join(" AND ");
}

/** Whether one of these cells of the column is of a day before this one, which is given in milliseconds since 1970. */
export function isAnyBefore({ type }: DayPartitioning, cells: readonly Cell[], beforeMs: number): boolean {
  const before = type === "DATE" ? beforeMs / DAY_MS : beforeMs * MICROS;
  return cells.some((cell) => (typeof cell === "number" || typeof cell === "bigint") && cell < before);
}

/** The table and the day that `table$YYYYMMDD` names; undefined for a name without such an end. @throws {WarehouseError} invalid */
export function partitionNamed(ref: TableRef): { readonly table: TableRef; readonly days: Days } | undefined {
  const [, tableId, id] = /^(.*)\$(.*)$/s.exec(ref.tableId) ?? [];
  if (tableId === undefined || id === undefined) return undefined;
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})$/.exec(id) ?? [];
  const fromMs = Date.parse(`${year}-${month}-${day}T00:00:00Z`);
  if (Number.isNaN(fromMs) || new Date(fromMs).toISOString().slice(0, 10) !== `${year}-${month}-${day}`) {
    const message = `Invalid partition ${JSON.stringify(id)} of ${tableName({ ...ref, tableId })}: this warehouse names days, as $20260131.`;
    throw new WarehouseError("invalid", message);
  }
  return { table: { ...ref, tableId }, days: { fromMs, beforeMs: fromMs + DAY_MS } };
}

function literal(type: PartitionType, ms: number): string {
  const [date, time = ""] = new Date(ms).toISOString().slice(0, -1).split("T");
  if (type === "DATE") return `DATE '${date}'`;
  return type === "DATETIME" ? `TIMESTAMP '${date} ${time}'` : `TIMESTAMPTZ '${date} ${time}+00'`;
}
