import { arrayMacros } from "./functions/arrays.ts";
import { castMacros } from "./functions/casts.ts";
import { dateMacros } from "./functions/dates.ts";
import { jsonMacros } from "./functions/json.ts";
import { numberMacros } from "./functions/numbers.ts";
import { regexpMacros } from "./functions/regexps.ts";
import { guardMacros } from "./functions/rule.ts";
import { stringMacros } from "./functions/strings.ts";

/**
 * Statements to run once, in order, on each database that is opened: the functions that translated SQL calls. They
 * expect the session's TimeZone to be UTC.
 */
export const macros: readonly string[] = [
  ...guardMacros,
  ...castMacros,
  ...stringMacros,
  ...regexpMacros,
  ...numberMacros,
  ...arrayMacros,
  ...jsonMacros,
  ...dateMacros,
  "CREATE OR REPLACE MACRO bq_comparable_class(t) AS CASE WHEN t IN ('BIGINT', 'DOUBLE', 'DECIMAL(38,9)') THEN 'number' ELSE t END",
  // TRUE, or an error where BigQuery has no such comparison and DuckDB would convert one side.
  "CREATE OR REPLACE MACRO bq_comparable(x, y) AS CASE " +
    `WHEN typeof(x) = '"NULL"' OR typeof(y) = '"NULL"' THEN TRUE ` +
    "WHEN typeof(x) LIKE '%[]' OR typeof(x) LIKE 'STRUCT(%' OR typeof(x) = 'JSON' " +
    "OR bq_comparable_class(typeof(x)) <> bq_comparable_class(typeof(y)) " +
    "THEN error('No matching signature for operator for argument types: bq_type<' || typeof(x) || '>, bq_type<' || typeof(y) || '>') " +
    "ELSE TRUE END",
  "CREATE OR REPLACE MACRO bq_groupable(x) AS CASE WHEN typeof(x) = 'JSON' " +
    "THEN error('Grouping by expressions of type JSON is not allowed') ELSE TRUE END",
  "CREATE OR REPLACE MACRO bq_scalar_elements(a) AS CASE WHEN typeof(a) LIKE 'STRUCT(%[]' " +
    "THEN error('SELECT * over UNNEST of an array of STRUCT is not supported by this warehouse') ELSE a END",
];
