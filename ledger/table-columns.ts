import { bigQueryTableOf } from "@indelible/schemas/bigquery.ts";
import { tables, type TableName } from "@indelible/schemas/tables.ts";

/** A column as BigQuery tells of it. */
export interface StoredField {
  readonly name?: string;
  readonly type?: string;
  readonly mode?: string;
  readonly fields?: readonly StoredField[];
}

/** Types have two names each in BigQuery's REST API. */
const sameTypes: { readonly [type: string]: string } = {
  INT64: "INTEGER",
  FLOAT64: "FLOAT",
  BOOL: "BOOLEAN",
  STRUCT: "RECORD",
};

/**
 * The declared columns that a table does not have, or has with another type: such a column cannot be read as what it should be. A column
 * that is not required any more can.
 */
export function unusableColumns(table: TableName, stored: readonly StoredField[]): string[] {
  return bigQueryTableOf(tables[table])
    .schema.fields.filter((declared) => !isIn(stored, declared))
    .map(({ name }) => name);
}

function isIn(stored: readonly StoredField[], declared: StoredField): boolean {
  const field = stored.find(({ name }) => name?.toLowerCase() === declared.name?.toLowerCase());
  if (field === undefined || typeOf(field) !== typeOf(declared)) return false;
  if ((field.mode === "REPEATED") !== (declared.mode === "REPEATED")) return false;
  return (declared.fields ?? []).every((inner) => isIn(field.fields ?? [], inner));
}

function typeOf({ type = "" }: StoredField): string {
  const upper = type.toUpperCase();
  return sameTypes[upper] ?? upper;
}
