import { DuckDBDecimalType, DuckDBListType, DuckDBStructType, DuckDBTypeId } from "@duckdb/node-api";
import { QueryError, checkColumnNames } from "../sql/translate.ts";
import type { DuckDBType } from "@duckdb/node-api";
import type { FieldType, TableField } from "../table-schema.ts";

const types: Partial<Record<DuckDBTypeId, FieldType>> = {
  [DuckDBTypeId.BOOLEAN]: "BOOLEAN",
  [DuckDBTypeId.TINYINT]: "INTEGER",
  [DuckDBTypeId.SMALLINT]: "INTEGER",
  [DuckDBTypeId.INTEGER]: "INTEGER",
  [DuckDBTypeId.BIGINT]: "INTEGER",
  [DuckDBTypeId.UTINYINT]: "INTEGER",
  [DuckDBTypeId.USMALLINT]: "INTEGER",
  [DuckDBTypeId.UINTEGER]: "INTEGER",
  [DuckDBTypeId.UBIGINT]: "INTEGER",
  [DuckDBTypeId.HUGEINT]: "INTEGER",
  [DuckDBTypeId.FLOAT]: "FLOAT",
  [DuckDBTypeId.DOUBLE]: "FLOAT",
  [DuckDBTypeId.VARCHAR]: "STRING",
  [DuckDBTypeId.BLOB]: "BYTES",
  [DuckDBTypeId.DATE]: "DATE",
  [DuckDBTypeId.TIMESTAMP]: "DATETIME",
  [DuckDBTypeId.TIMESTAMP_TZ]: "TIMESTAMP",
  /** The type of a bare NULL, which is INT64 in GoogleSQL. */
  [DuckDBTypeId.SQLNULL]: "INTEGER",
};

/**
 * The columns of a result in BigQuery's types.
 * @throws {QueryError} for a column that has none, and for two columns of the same name.
 */
export function resultFields(names: readonly string[], columnTypes: readonly DuckDBType[]): TableField[] {
  checkColumnNames(names);
  return names.map((name, index) => resultField(name, columnTypes[index] as DuckDBType));
}

function resultField(name: string, type: DuckDBType): TableField {
  if (type instanceof DuckDBListType) {
    const element = resultField(name, type.valueType);
    if (element.mode === "REPEATED") throw new QueryError("invalidQuery", `Column ${name} is an array of arrays.`);
    return { ...element, mode: "REPEATED" };
  }
  if (type instanceof DuckDBStructType) {
    const fields = type.entryNames.map((entry, index) => resultField(entry, type.entryTypes[index] as DuckDBType));
    return { name, type: "RECORD", mode: "NULLABLE", fields };
  }
  return { name, type: scalarType(name, type), mode: "NULLABLE" };
}

function scalarType(name: string, type: DuckDBType): FieldType {
  if (type instanceof DuckDBDecimalType && type.scale <= 9) return "NUMERIC";
  if (type.alias === "JSON") return "JSON";
  const known = types[type.typeId];
  if (known === undefined) {
    throw new QueryError("invalidQuery", `Column ${name} has the type ${String(type)}, which BigQuery does not have.`);
  }
  return known;
}
