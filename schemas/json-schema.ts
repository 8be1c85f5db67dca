import { DEFAULT_MAX_LENGTH, type Column, type Columns } from "./columns.ts";
import { eventColumns, type Table } from "./tables.ts";

/** A JSON Schema of draft 2020-12's subset that draft-07 shares, so that every validator reads it. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** The schema of an event of `table`, as a publisher in any language sends it. Optional columns may be null. */
export function jsonSchemaOf(table: Table): JsonSchema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    $id: `urn:indelible:schema:${table.name}:${table.version}`,
    title: table.name,
    description: table.description,
    ...objectSchema(eventColumns(table)),
  };
}

function objectSchema(columns: Columns): JsonSchema {
  const names = Object.keys(columns);
  return {
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name, columnSchema(columns[name] as Column)])),
    required: names.filter((name) => columns[name]?.required === true),
    additionalProperties: false,
  };
}

function columnSchema(column: Column): JsonSchema {
  const { description } = column;
  if (column.type === "json") return { description };
  const { type, ...rest } = valueSchema(column);
  if (column.required === true) return { description, type, ...rest };
  const closed = rest["enum"];
  return {
    description,
    type: [type, "null"],
    ...rest,
    ...(Array.isArray(closed) ? { enum: [...(closed as unknown[]), null] } : {}),
  };
}

function valueSchema(column: Exclude<Column, { type: "json" }>): { type: string; [keyword: string]: unknown } {
  switch (column.type) {
    case "string":
      return {
        type: "string",
        ...(column.required === true ? { minLength: 1 } : {}),
        maxLength: column.maxLength ?? DEFAULT_MAX_LENGTH,
        ...(column.enum === undefined ? {} : { enum: column.enum }),
        ...(column.format === undefined ? {} : { format: column.format }),
      };
    case "timestamp":
      return { type: "string", format: "date-time" };
    case "int64":
      return {
        type: "integer",
        minimum: column.minimum ?? Number.MIN_SAFE_INTEGER,
        maximum: column.maximum ?? Number.MAX_SAFE_INTEGER,
      };
    case "float64":
      return {
        type: "number",
        ...(column.minimum === undefined ? {} : { minimum: column.minimum }),
        ...(column.maximum === undefined ? {} : { maximum: column.maximum }),
      };
    case "bool":
      return { type: "boolean" };
    case "array":
      return { type: "array", items: { ...elementSchema(column.items), description: column.items.description } };
    case "struct":
      return { ...objectSchema(column.fields), type: "object" };
  }
}

/** BigQuery's arrays hold no nulls, so an element never may be one. */
function elementSchema(column: Column): JsonSchema {
  return columnSchema({ ...column, required: true });
}
