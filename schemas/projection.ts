/**
 * Whether a typed column says what the entry says, in GoogleSQL: `entry` is the truth, the columns are its projection (SPEC §5). The
 * expressions name the columns of one row of a raw table, which stands under the alias `row_of`.
 */
import type { Column, Columns } from "./columns.ts";

type NamedColumn = readonly [name: string, column: Column];

/** What is to be selected beside the row's own columns for `differenceOf`: what it uses more than once. */
export function saidColumns(columns: readonly NamedColumn[]): string[] {
  return columns.flatMap(([name, column]) => {
    const said = saidText(name, column);
    return said === undefined ? [] : [`${said} AS ${saidName(name)}`];
  });
}

function saidText(name: string, column: Column): string | undefined {
  if (column.type === "timestamp") return jsonValue("entry", name);
  if (column.type === "json") return `SAFE.PARSE_JSON(JSON_QUERY(entry, '$.${name}'))`;
  if (column.type === "array" && column.items.type === "string") return typed(column, "entry", name);
  return undefined;
}

/** A condition that is never NULL: the column `name` differs from the entry. Missing, null and NULL are the same. */
export function differenceOf(name: string, column: Column): string {
  const stored = `row_of.${name}`;
  const said = `row_of.${saidName(name)}`;
  switch (column.type) {
    case "timestamp":
      return `${stored} IS DISTINCT FROM ${timestampOf(said)}`;
    case "json":
      // Both sides are read from text and written again, so that neither the order of keys nor the form of numbers matters.
      return `TO_JSON_STRING(SAFE.PARSE_JSON(TO_JSON_STRING(${stored}))) IS DISTINCT FROM TO_JSON_STRING(${said})`;
    case "array":
      return column.items.type === "struct"
        ? structsDiffer(name, column.items.fields)
        : `${comparable(column, stored)} != ${comparable(column, said)}`;
    default:
      return `${stored} IS DISTINCT FROM ${typed(column, "row_of.entry", name)}`;
  }
}

/** The fields are selected before they are written, as each is used more than once in that. */
function structsDiffer(name: string, fields: Columns): string {
  const columns = Object.entries(fields);
  const text = columns.map(([field, column]) => comparable(column, `field_of.${field}`)).join(", ',', ");
  const list = (from: string, value: (field: string, column: Column) => string): string => `ARRAY_TO_STRING(ARRAY(
        SELECT CONCAT('[', ${text}, ']')
        FROM (
          SELECT ${columns.map(([field, column]) => `${value(field, column)} AS ${field}`).join(",\n            ")}, position
          FROM UNNEST(${from}) AS item WITH OFFSET AS position
        ) AS field_of ORDER BY position), ',')`;
  return `${list(`row_of.${name}`, (field) => `item.${field}`)}
      != ${list(`JSON_QUERY_ARRAY(row_of.entry, '$.${name}')`, (field, column) => typed(column, "item", field))}`;
}

/** The member `name` of a JSON text, as the type of its column. What is no such value is NULL. */
function typed(column: Column, json: string, name: string): string {
  switch (column.type) {
    case "string":
      return jsonValue(json, name);
    case "int64":
    case "float64":
    case "bool":
      return `SAFE_CAST(${jsonValue(json, name)} AS ${column.type.toUpperCase()})`;
    case "array":
      if (column.items.type === "string") return `JSON_VALUE_ARRAY(${json}, '$.${name}')`;
  }
  throw new Error(`${name}: a column of type ${column.type} inside a struct cannot be compared yet`);
}

/** A value as text that is never NULL and tells all values of its type apart. */
function comparable(column: Column, value: string): string {
  switch (column.type) {
    case "string":
      return `TO_JSON_STRING(${value})`;
    case "array":
      // BigQuery stores a missing array as an empty one.
      return `TO_JSON_STRING(IFNULL(${value}, ARRAY<STRING>[]))`;
    default:
      return `IFNULL(CAST(${value} AS STRING), 'null')`;
  }
}

/** RFC 3339 text as a TIMESTAMP. BigQuery itself reads offsets up to 14 hours, RFC 3339 has them up to 23:59. */
function timestampOf(text: string): string {
  const local = `SAFE_CAST(REGEXP_REPLACE(${text}, r'[+-]\\d\\d:\\d\\d$', 'Z') AS TIMESTAMP)`;
  const hours = `SAFE_CAST(REGEXP_EXTRACT(${text}, r'([+-]\\d\\d):\\d\\d$') AS INT64)`;
  const sign = `REGEXP_EXTRACT(${text}, r'([+-])\\d\\d:\\d\\d$')`;
  const minutes = `SAFE_CAST(CONCAT(${sign}, REGEXP_EXTRACT(${text}, r'[+-]\\d\\d:(\\d\\d)$')) AS INT64)`;
  return `TIMESTAMP_SUB(${local},
        INTERVAL IFNULL(60 * ${hours} + ${minutes}, 0) MINUTE)`;
}

function jsonValue(json: string, name: string): string {
  return `JSON_VALUE(${json}, '$.${name}')`;
}

function saidName(column: string): string {
  return `said_${column}`;
}
