import {
  Binary,
  Bool,
  DateDay,
  Decimal,
  Field,
  Float64,
  Int64,
  List,
  Schema,
  Struct,
  TimestampMicrosecond,
  Utf8,
} from "apache-arrow";
import type { DataType } from "apache-arrow";
import type { TableField, TableSchema } from "../table-schema.ts";

/** How BigQuery marks the types that share an Arrow type with another one. */
const EXTENSION_NAME = "ARROW:extension:name";
const extensions: Partial<Record<TableField["type"], string>> = {
  JSON: "google:sqlType:json",
  DATETIME: "google:sqlType:datetime",
};
const NUMERIC_SCALE = 9;
const NUMERIC_PRECISION = 38;

export function arrowSchema(schema: TableSchema): Schema {
  return new Schema(schema.fields.map(arrowField));
}

/** An array is never NULL in BigQuery, and it is the array's field, not its element's, that says what the elements are. */
export function arrowField(field: TableField): Field {
  const { name, type, mode } = field;
  const extension = extensions[type];
  const metadata = extension === undefined ? undefined : new Map([[EXTENSION_NAME, extension]]);
  if (mode !== "REPEATED") return new Field(name, valueType(field), mode === "NULLABLE", metadata);
  return new Field(name, new List(new Field("item", valueType(field), true)), false, metadata);
}

function valueType({ type, fields = [] }: TableField): DataType {
  switch (type) {
    case "STRING":
    case "JSON":
      return new Utf8();
    case "BYTES":
      return new Binary();
    case "INTEGER":
      return new Int64();
    case "FLOAT":
      return new Float64();
    case "BOOLEAN":
      return new Bool();
    case "TIMESTAMP":
      return new TimestampMicrosecond("UTC");
    case "DATETIME":
      return new TimestampMicrosecond();
    case "DATE":
      return new DateDay();
    case "NUMERIC":
      return new Decimal(NUMERIC_SCALE, NUMERIC_PRECISION);
    case "RECORD":
      return new Struct(fields.map(arrowField));
  }
}
