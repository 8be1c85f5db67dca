import type { Column, Columns } from "./columns.ts";
import { rowColumns, type Table } from "./tables.ts";

/** A field as in BigQuery's REST resource `TableFieldSchema`. */
export interface BigQueryField {
  readonly name: string;
  readonly type: "STRING" | "TIMESTAMP" | "INTEGER" | "FLOAT" | "BOOLEAN" | "JSON" | "RECORD";
  readonly mode: "REQUIRED" | "NULLABLE" | "REPEATED";
  readonly description: string;
  readonly fields?: readonly BigQueryField[];
}

/** What `tables.insert` takes, without the table's reference. */
export interface BigQueryTable {
  readonly description: string;
  readonly schema: { readonly fields: readonly BigQueryField[] };
  readonly timePartitioning: { readonly type: "DAY"; readonly field: "ingested_at"; readonly expirationMs: string };
  readonly clustering: { readonly fields: readonly string[] };
}

const scalarTypes = {
  string: "STRING",
  timestamp: "TIMESTAMP",
  int64: "INTEGER",
  float64: "FLOAT",
  bool: "BOOLEAN",
  json: "JSON",
  struct: "RECORD",
} as const;

const dayMs = 86_400_000;

/** How long a partition of `table` stays, in whole days: a year is 365.25 of them, rounded up. */
export function retentionDaysOf(table: Table): number {
  return Math.ceil(table.retentionYears * 365.25);
}

/** The stored form of `table`: partitioned by `ingested_at`, expiring by its retention. */
export function bigQueryTableOf(table: Table): BigQueryTable {
  return {
    description: table.description,
    schema: { fields: fieldsOf(rowColumns(table)) },
    timePartitioning: {
      type: "DAY",
      field: "ingested_at",
      expirationMs: String(retentionDaysOf(table) * dayMs),
    },
    clustering: { fields: table.clusterBy },
  };
}

function fieldsOf(columns: Columns): BigQueryField[] {
  return Object.entries(columns).map(([name, column]) => fieldOf(name, column));
}

function fieldOf(name: string, column: Column): BigQueryField {
  const { description } = column;
  if (column.type === "array") {
    return { ...fieldOf(name, column.items), mode: "REPEATED", description };
  }
  const mode = column.required === true ? "REQUIRED" : "NULLABLE";
  const field = { name, type: scalarTypes[column.type], mode, description } as const;
  return column.type === "struct" ? { ...field, fields: fieldsOf(column.fields) } : field;
}
