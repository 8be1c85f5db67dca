import type { FieldType, TableField, TableSchema } from "../table-schema.ts";

/** The Storage API's names of types, where they differ from REST's. */
const storageTypes: Partial<Record<FieldType, string>> = {
  INTEGER: "INT64",
  FLOAT: "DOUBLE",
  BOOLEAN: "BOOL",
  RECORD: "STRUCT",
};

/** A schema as `google.cloud.bigquery.storage.v1.TableSchema`. */
export function storageSchema(schema: TableSchema): object {
  return { fields: schema.fields.map(storageField) };
}

function storageField(field: TableField): object {
  const { name, type, mode, description = "", fields = [] } = field;
  return { name, type: storageTypes[type] ?? type, mode, description, fields: fields.map(storageField) };
}
