/**
 * Whether a row's typed columns say what its entry says (SPEC.md, 5): the entry is the truth, and the columns are what people query. A
 * column that the row's own version of the declaration did not have is missing in the entry, and so must be NULL or empty in the row.
 */
import { canonicalize } from "@indelible/schemas/canonical.ts";
import type { Column, Columns } from "@indelible/schemas/columns.ts";
import { eventColumns, rowColumns, tables, type Table, type TableName } from "@indelible/schemas/tables.ts";
import { parseTimestamp } from "@indelible/schemas/timestamp.ts";
import type { BatchColumn, CellValue, RowBatch } from "./row-reader.ts";
import { isText, textOf } from "./verification/cells.ts";

/**
 * The first column of a row of this batch that does not say what the parsed entry says; undefined when all do. A key of the entry that is no column
 * is one too, and so may be of any length. `schema_version` differs when it is none that this declaration knows, `entry` when it is no object.
 * Never throws for what a row holds.
 */
export type Differ = (entry: unknown, row: number) => string | undefined;

/** Makes the comparison for the rows of a batch, which must have the columns `projectedColumns`. */
export type Projection = (batch: RowBatch) => Differ;

const projections = new Map<TableName, Projection>();

/** Names of the columns that are compared. */
export function projectedColumns(name: TableName): string[] {
  return [...Object.keys(eventColumns(tables[name])), "schema_version"];
}

/** Every column of a row, with which it can be both identified and compared. */
export function allColumns(name: TableName): string[] {
  return Object.keys(rowColumns(tables[name]));
}

/** The comparison of one table, compiled on first use. */
export function projectionOf(name: TableName): Projection {
  let projection = projections.get(name);
  if (projection === undefined) projections.set(name, (projection = compile(tables[name])));
  return projection;
}

/** Whether the column says `said`, which is neither null nor undefined. */
type Says = (column: BatchColumn, row: number, said: unknown) => boolean;

const says: { readonly [type in Exclude<Column["type"], "array" | "struct">]: Says } = {
  string: (column, row, said) => {
    const bytes = column.bytes(row);
    return bytes !== undefined && typeof said === "string" && isText(bytes, said);
  },
  timestamp: (column, row, said) => {
    const micros = column.int64(row);
    return micros !== undefined && typeof said === "string" && Number(micros) === parseTimestamp(said);
  },
  int64: (column, row, said) => {
    const value = column.int64(row);
    return value !== undefined && Number.isSafeInteger(said) && Number(value) === said;
  },
  float64: (column, row, said) => typeof said === "number" && column.value(row) === said,
  bool: (column, row, said) => typeof said === "boolean" && column.value(row) === said,
  json: (column, row, said) => {
    const bytes = column.bytes(row);
    return bytes !== undefined && isJson(textOf(bytes), said);
  },
};

/**
 * Generates a function that reads each member of the entry by its name: looking names up in a loop costs several times as much. Column
 * names are ours and plain identifiers.
 */
function compile(table: Table): Projection {
  const columns = Object.entries(eventColumns(table));
  const steps = columns.map(
    ([name], index) => `v = entry.${name};
    if (v === undefined) { if (!absent${index}(c${index}, row)) return "${name}"; }
    else { known += 1; if (v === null ? !absent${index}(c${index}, row) : !says${index}(c${index}, row, v)) return "${name}"; }`,
  );
  const body = `"use strict"; return (batch) => {
    ${columns.map(([name], index) => `const c${index} = batch.column("${name}");`).join("\n    ")}
    const version = batch.column("schema_version");
    return (entry, row) => {
      if (!isObject(entry)) return "entry";
      if (!isVersion(version.int64(row))) return "schema_version";
      let v, known = 0;
      ${steps.join("\n      ")}
      for (const key in entry) known -= 1;
      return known === 0 ? undefined : strange(entry);
    };
  }`;
  const names = new Set(columns.map(([name]) => name));
  const latest = BigInt(table.version);
  const given: { readonly [name: string]: unknown } = {
    isObject: (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value),
    isVersion: (version: bigint | undefined) => version !== undefined && version >= 1n && version <= latest,
    strange: (entry: object) => Object.keys(entry).find((key) => !names.has(key)),
    ...Object.fromEntries(
      columns.flatMap(([, column], index) => [
        [`says${index}`, saysOf(column)],
        [`absent${index}`, absentOf(column)],
      ]),
    ),
  };
  // Compiled from our own declaration, never from data.
  // oxlint-disable-next-line no-implied-eval, no-new-func
  return (new Function(...Object.keys(given), body) as (...values: unknown[]) => Projection)(...Object.values(given));
}

function saysOf(column: Column): Says {
  if (column.type !== "array" && column.type !== "struct") return says[column.type];
  const equal = valueEqual(column);
  return (stored, row, said) => equal(stored.value(row), said);
}

/** Whether a column is NULL, or an array empty. */
function absentOf(column: Column): (stored: BatchColumn, row: number) => boolean {
  switch (column.type) {
    case "string":
    case "json":
      return (stored, row) => stored.bytes(row) === undefined;
    case "timestamp":
    case "int64":
      return (stored, row) => stored.int64(row) === undefined;
    default:
      return (stored, row) => isAbsent(stored.value(row));
  }
}

function isAbsent(value: CellValue | undefined): boolean {
  return value === null || value === undefined || (Array.isArray(value) && value.length === 0);
}

type ValueEqual = (stored: CellValue | undefined, said: unknown) => boolean;

/** The same for values that stand in arrays and structs. Null or missing on one side is nothing on the other. */
function valueEqual(column: Column): ValueEqual {
  switch (column.type) {
    case "string":
    case "float64":
    case "bool":
      return (stored, said) =>
        isAbsent(stored) === (said === undefined || said === null) && (isAbsent(stored) || stored === said);
    case "timestamp":
      return (stored, said) =>
        said === undefined || said === null
          ? isAbsent(stored)
          : typeof stored === "bigint" && typeof said === "string" && Number(stored) === parseTimestamp(said);
    case "int64":
      return (stored, said) =>
        said === undefined || said === null
          ? isAbsent(stored)
          : typeof stored === "bigint" && Number.isSafeInteger(said) && Number(stored) === said;
    case "json":
      return (stored, said) =>
        said === undefined || said === null ? isAbsent(stored) : typeof stored === "string" && isJson(stored, said);
    case "array": {
      const equal = valueEqual(column.items);
      return (stored, said) => {
        if (said === undefined || said === null) return isAbsent(stored);
        const items: unknown = stored ?? [];
        if (!Array.isArray(said) || !Array.isArray(items) || said.length !== items.length) return false;
        return said.every((item, index) => item !== null && equal(items[index] as CellValue, item));
      };
    }
    case "struct":
      return structEqual(column.fields);
  }
}

function structEqual(columns: Columns): ValueEqual {
  const fields = Object.entries(columns).map(([name, column]) => ({ name, equal: valueEqual(column) }));
  return (stored, said) => {
    if (said === undefined || said === null) return isAbsent(stored);
    if (!isRecord(stored) || !isRecord(said)) return false;
    for (const { name, equal } of fields) {
      const member = Object.hasOwn(said, name) ? said[name] : undefined;
      if (!equal(stored[name] as CellValue | undefined, member)) return false;
    }
    return Object.keys(said).every((key) => Object.hasOwn(columns, key));
  };
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** BigQuery's JSON keeps neither the order of keys nor the text of numbers, so both sides are written canonically. */
function isJson(text: string, said: unknown): boolean {
  try {
    const canonical = canonicalize(said);
    return text === canonical || canonicalize(JSON.parse(text)) === canonical;
  } catch {
    return false;
  }
}
