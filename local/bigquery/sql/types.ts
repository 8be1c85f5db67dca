import type { ScalarTypeName, SqlType } from "./ast.ts";

const duckdbNames: Readonly<Record<ScalarTypeName, string>> = {
  STRING: "VARCHAR",
  INT64: "BIGINT",
  FLOAT64: "DOUBLE",
  BOOL: "BOOLEAN",
  BYTES: "BLOB",
  TIMESTAMP: "TIMESTAMPTZ",
  DATE: "DATE",
  DATETIME: "TIMESTAMP",
  NUMERIC: "DECIMAL(38, 9)",
  JSON: "JSON",
};

/** The DuckDB type in which the warehouse stores a BigQuery type. */
export function duckdbTypeName(type: SqlType): string {
  if (type.kind === "ARRAY") return `${duckdbTypeName(type.element)}[]`;
  if (type.kind !== "STRUCT") return duckdbNames[type.kind];
  const fields = type.fields.map(
    (field, index) => `${quoteName(field.name ?? `_field_${index + 1}`)} ${duckdbTypeName(field.type)}`,
  );
  return `STRUCT(${fields.join(", ")})`;
}

/** The type as BigQuery's messages write it. */
export function typeText(type: SqlType): string {
  if (type.kind === "ARRAY") return `ARRAY<${typeText(type.element)}>`;
  if (type.kind !== "STRUCT") return type.kind;
  const fields = type.fields.map(
    (field) => `${field.name === undefined ? "" : `${field.name} `}${typeText(field.type)}`,
  );
  return `STRUCT<${fields.join(", ")}>`;
}

/** A name for DuckDB: quoted, so that no word is a keyword and no character is syntax. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text literal for DuckDB. NUL ends DuckDB's statements, so it is put in by `chr(0)`. */
export function quoteText(text: string): string {
  const parts = text.split("\0").map((part) => `'${part.replaceAll("'", "''")}'`);
  return parts.length === 1 ? (parts[0] ?? "''") : `(${parts.join(" || chr(0) || ")})`;
}
