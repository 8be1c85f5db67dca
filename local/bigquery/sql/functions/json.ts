import type { Call } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { quoteText } from "../types.ts";
import { duckdbPath } from "./paths.ts";
import type { ArgumentPrinter, FunctionRule, FunctionTable, SpecialRule } from "./rule.ts";

/** A function of a document (STRING or JSON) and a constant path, which is `$` where it is left out. */
const atPath = (macro: string, returns?: "STRING"): SpecialRule => ({
  counts: [1, 2],
  ...(returns && { returns }),
  special(call: Call, printer: ArgumentPrinter): string {
    const [document, path] = call.arguments;
    if (!document) return "";
    const constant = path ? printer.constantText(path) : "$";
    if (constant === undefined) {
      throw new StatementFault("JSONPath must be a string literal or query parameter", path?.at);
    }
    return `${macro}(${printer.guarded(document, "document")}, ${quoteText(duckdbPath(constant, path?.at ?? call.at))})`;
  },
});

const converter = (macro: string, returns: FunctionRule["returns"]): FunctionRule => ({
  arguments: "json",
  print: (json) => `${macro}(${json})`,
  ...(returns && { returns }),
});

/** Keys are constants: of two that are the same BigQuery takes the first, which only the translator can tell. */
const object: SpecialRule = {
  counts: [0, 100],
  returns: "JSON",
  special(call: Call, printer: ArgumentPrinter): string {
    const members = new Map<string, string>();
    for (let at = 0; at < call.arguments.length; at += 2) {
      const [key, value] = call.arguments.slice(at, at + 2);
      if (!key || !value) throw new StatementFault("JSON_OBJECT takes pairs of a key and a value", call.at);
      const name = printer.constantText(key);
      if (name === undefined) {
        throw new StatementFault(
          "JSON_OBJECT with a key that is no constant is not supported by this warehouse",
          key.at,
        );
      }
      if (!members.has(name)) members.set(name, printer.guarded(value, "member"));
    }
    return `json_object(${[...members].map(([name, value]) => `${quoteText(name)}, ${value}`).join(", ")})`;
  },
};

export const jsonFunctions: FunctionTable = {
  JSON_OBJECT: object,
  JSON_VALUE: atPath("bq_json_value", "STRING"),
  JSON_EXTRACT_SCALAR: atPath("bq_json_value", "STRING"),
  JSON_QUERY: atPath("bq_json_query"),
  JSON_EXTRACT: atPath("bq_json_query"),
  JSON_VALUE_ARRAY: atPath("bq_json_value_array"),
  JSON_EXTRACT_STRING_ARRAY: atPath("bq_json_value_array"),
  JSON_QUERY_ARRAY: atPath("bq_json_query_array"),
  JSON_EXTRACT_ARRAY: atPath("bq_json_query_array"),
  JSON_TYPE: converter("bq_json_type", "STRING"),
  PARSE_JSON: {
    arguments: "string",
    returns: "JSON",
    print: (text) => `CAST(${text} AS JSON)`,
    printSafe: (text) => `TRY_CAST(${text} AS JSON)`,
  },
  TO_JSON_STRING: { arguments: "any", returns: "STRING", print: (value) => `bq_json_text(${value})` },
  TO_JSON: { arguments: "any", returns: "JSON", print: (value) => `CAST(bq_json_text(${value}) AS JSON)` },
  INT64: converter("bq_json_int64", "INT64"),
  FLOAT64: converter("bq_json_float64", "FLOAT64"),
  BOOL: converter("bq_json_bool", "BOOL"),
  LAX_INT64: converter("bq_json_lax_int64", "INT64"),
  LAX_FLOAT64: converter("bq_json_lax_float64", "FLOAT64"),
  LAX_BOOL: converter("bq_json_lax_bool", "BOOL"),
  LAX_STRING: converter("bq_json_lax_string", "STRING"),
};

const define = (head: string, body: string): string => `CREATE OR REPLACE MACRO ${head} AS ${body}`;
/** A string of a JSON text, or else a number. */
const token = String.raw`("(?:[^"\\]|\\.)*")|(-?[0-9][0-9.eE+-]*)`;
const integers = "('BIGINT', 'UBIGINT')";
const numbers = "('BIGINT', 'UBIGINT', 'DOUBLE')";

/** Converts a JSON value of the right type, and refuses all others, JSON null among them. */
const strict = (types: string, convert: string, target: string): string =>
  `CASE WHEN j IS NULL OR json_type(j) IN ${types} THEN ${convert} ` +
  `ELSE error('The provided JSON input is not ${target}') END`;

const scalar = "json_extract_string(j, '$')";

export const jsonMacros: readonly string[] = [
  // A text that is no JSON has no values in it: BigQuery answers NULL, DuckDB would fail.
  define("bq_document(j)", "CASE WHEN json_valid(j) THEN j END"),
  // The text with its numbers as strings. Numbers are put between control characters first, which JSON cannot contain.
  define(
    "bq_numbers_quoted(j)",
    `replace(replace(regexp_replace(CAST(j AS VARCHAR), '${token}', '\\1' || chr(1) || '\\2' || chr(1), 'g'), ` +
      `chr(1) || chr(1), ''), chr(1), '"')`,
  ),
  // BigQuery gives a number as it stands in the text. DuckDB gives it in a form of its own, such as 1e21 for 1e+21.
  define(
    "bq_number_text(j, p)",
    "CASE WHEN typeof(j) = 'JSON' THEN json_extract_string(j, p) ELSE json_extract_string(bq_numbers_quoted(j), p) END",
  ),
  define(
    "bq_json_value(j, p)",
    "CASE WHEN json_type(bq_document(j), p) IN ('OBJECT', 'ARRAY') THEN NULL " +
      "WHEN json_type(bq_document(j), p) = 'DOUBLE' THEN bq_number_text(j, p) " +
      "ELSE json_extract_string(bq_document(j), p) END",
  ),
  // Of a text the JSON null is NULL, of JSON it is a JSON null.
  define(
    "bq_json_query(j, p)",
    "CASE WHEN typeof(j) = 'JSON' OR json_type(bq_document(j), p) <> 'NULL' " +
      "THEN cast_to_type(json_extract(bq_document(j), p), j) END",
  ),
  define(
    "bq_json_elements(j, p)",
    "CASE WHEN json_type(bq_document(j), p) = 'ARRAY' THEN CAST(json_extract(bq_document(j), p) AS JSON[]) END",
  ),
  define("bq_json_query_array(j, p)", "cast_to_type(bq_json_elements(j, p), [j])"),
  define(
    "bq_json_value_array(j, p)",
    "CASE WHEN len(list_filter(bq_json_elements(j, p), lambda bq_element: json_type(bq_element) IN ('OBJECT', 'ARRAY'))) = 0 " +
      "THEN list_transform(bq_json_elements(j, p), lambda bq_element: json_extract_string(bq_element, '$')) END",
  ),
  define(
    "bq_json_type(j)",
    "CASE json_type(j) WHEN 'OBJECT' THEN 'object' WHEN 'ARRAY' THEN 'array' WHEN 'VARCHAR' THEN 'string' " +
      "WHEN 'BOOLEAN' THEN 'boolean' WHEN 'NULL' THEN 'null' ELSE CASE WHEN j IS NOT NULL THEN 'number' END END",
  ),
  // DuckDB writes JSON as BigQuery does only for these types.
  define(
    "bq_json_text(x)",
    "CASE WHEN typeof(x) = 'BIGINT' AND abs(TRY_CAST(CAST(x AS VARCHAR) AS HUGEINT)) > 9007199254740992 " +
      `THEN '"' || CAST(x AS VARCHAR) || '"' ` +
      "WHEN typeof(x) = 'JSON' THEN CAST(json(CAST(x AS VARCHAR)) AS VARCHAR) " +
      "WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN " +
      `'"' || replace(bq_clock_text(timezone('UTC', TRY_CAST(CAST(x AS VARCHAR) AS TIMESTAMPTZ))), ' ', 'T') || 'Z"' ` +
      "WHEN typeof(x) IN ('VARCHAR', 'BOOLEAN', 'BIGINT', 'DATE', 'VARCHAR[]') THEN coalesce(CAST(to_json(x) AS VARCHAR), 'null') " +
      `WHEN typeof(x) = '"NULL"' THEN 'null' ` +
      "ELSE error('TO_JSON_STRING of bq_type<' || typeof(x) || '> is not supported by this warehouse') END",
  ),
  define("bq_json_int64(j)", strict(integers, `CAST(${scalar} AS BIGINT)`, "an integer")),
  define("bq_json_float64(j)", strict(numbers, `CAST(${scalar} AS DOUBLE)`, "a number")),
  define("bq_json_bool(j)", strict("('BOOLEAN')", `CAST(${scalar} AS BOOLEAN)`, "a boolean")),
  define("bq_json_string(j)", strict("('VARCHAR')", scalar, "a string")),
  define(
    "bq_json_lax_float64(j)",
    `CASE WHEN json_type(j) IN ('VARCHAR', 'BIGINT', 'UBIGINT', 'DOUBLE') THEN bq_safe_cast_float64(${scalar}) END`,
  ),
  define(
    "bq_json_lax_int64(j)",
    `CASE WHEN json_type(j) = 'BOOLEAN' THEN CAST(CAST(${scalar} AS BOOLEAN) AS BIGINT) ` +
      `WHEN json_type(j) IN ${integers} THEN TRY_CAST(${scalar} AS BIGINT) ` +
      "ELSE TRY_CAST(round(bq_json_lax_float64(j)) AS BIGINT) END",
  ),
  define(
    "bq_json_lax_bool(j)",
    `CASE WHEN json_type(j) IN ('BOOLEAN', 'VARCHAR') THEN bq_safe_cast_bool(${scalar}) ` +
      `WHEN json_type(j) IN ${numbers} THEN CAST(${scalar} AS DOUBLE) <> 0 END`,
  ),
  define("bq_json_lax_string(j)", `CASE WHEN json_type(j) NOT IN ('OBJECT', 'ARRAY') THEN ${scalar} END`),
];
