import type { Call, Expression } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { microsPerUnit } from "./parts.ts";
import type { ArgumentPrinter, FunctionTable } from "./rule.ts";

export const arrayFunctions: FunctionTable = {
  ARRAY_LENGTH: { arguments: "array", returns: "INT64", print: (array) => `array_length(${array})` },
  ARRAY_REVERSE: { arguments: "array", print: (array) => `list_reverse(${array})` },
  ARRAY_CONCAT: {
    arguments: "array ...",
    // DuckDB's list_concat reads NULL as empty.
    print: (...printed) =>
      `CASE WHEN ${printed.map((array) => `${array} IS NOT NULL`).join(" AND ")} THEN list_concat(${printed.join(", ")}) END`,
  },
  ARRAY_TO_STRING: {
    arguments: "strings string string?",
    returns: "STRING",
    print: (array, separator, nullText) =>
      nullText === undefined
        ? `array_to_string(${array}, ${separator})`
        : `array_to_string(list_transform(${array}, lambda bq_element: coalesce(bq_element, ${nullText})), ${separator})`,
  },
  ARRAY_FIRST: { arguments: "array", print: (array) => `bq_offset(${array}, 0)` },
  ARRAY_LAST: { arguments: "array", print: (array) => `bq_offset(${array}, len(${array}) - 1)` },
  GENERATE_ARRAY: {
    arguments: "int64 int64 int64?",
    print: (first, last, step = "1") => `bq_generate_array(${first}, ${last}, ${step})`,
  },
  GENERATE_DATE_ARRAY: { counts: [2, 3], special: printDates },
  GENERATE_TIMESTAMP_ARRAY: { counts: [3, 3], special: printTimestamps },
};

function printDates(call: Call, printer: ArgumentPrinter): string {
  const [first, last, step] = call.arguments as readonly [Expression, Expression, Expression | undefined];
  const { value, unit } = step ? readStep(step, printer) : { value: "1", unit: "DAY" };
  // Steps of months are counted from the first date, so that the 31st comes back after a shorter month.
  const perUnit = { DAY: 1, WEEK: 7, MONTH: 1, QUARTER: 3, YEAR: 12 }[unit];
  if (perUnit === undefined)
    throw new StatementFault(`GENERATE_DATE_ARRAY does not support the ${unit} date part`, call.at);
  const isDays = unit === "DAY" || unit === "WEEK";
  const macro = isDays ? "bq_generate_days" : "bq_generate_months";
  return `${macro}(${printer.guarded(first, "date")}, ${printer.guarded(last, "date")}, ${value} * ${perUnit})`;
}

function printTimestamps(call: Call, printer: ArgumentPrinter): string {
  const [first, last, step] = call.arguments as readonly [Expression, Expression, Expression];
  const { value, unit } = readStep(step, printer);
  const micros = microsPerUnit(unit);
  if (micros === undefined)
    throw new StatementFault(`GENERATE_TIMESTAMP_ARRAY does not support the ${unit} date part`, call.at);
  return `bq_generate_timestamps(${printer.guarded(first, "timestamp")}, ${printer.guarded(last, "timestamp")}, ${value} * ${micros})`;
}

function readStep(step: Expression, printer: ArgumentPrinter): { value: string; unit: string } {
  if (step.kind !== "interval") throw new StatementFault("Expected INTERVAL expression", step.at);
  return { value: printer.guarded(step.value, "int64"), unit: step.unit.text.toUpperCase() };
}

const define = (head: string, body: string): string => `CREATE OR REPLACE MACRO ${head} AS ${body}`;
const series = (first: string, last: string, step: string): string =>
  `CASE WHEN ${step} = 0 THEN error('Sequence step cannot be 0.') ELSE generate_series(${first}, ${last}, ${step}) END`;

export const arrayMacros: readonly string[] = [
  define(
    "bq_offset(a, i)",
    "CASE WHEN i < 0 OR i >= array_length(a) THEN error('Array index ' || i || ' is out of bounds') " +
      "ELSE list_extract(a, i + 1) END",
  ),
  define("bq_safe_offset(a, i)", "CASE WHEN i >= 0 AND i < array_length(a) THEN list_extract(a, i + 1) END"),
  define("bq_generate_array(x, y, step)", series("x", "y", "step")),
  define(
    "bq_generate_days(x, y, step)",
    `list_transform(${series("0::BIGINT", "CAST(y - x AS BIGINT)", "step")}, lambda bq_element: x + CAST(bq_element AS INTEGER))`,
  ),
  define(
    "bq_generate_months(x, y, step)",
    `list_filter(list_transform(${series("0::BIGINT", "datediff('month', x, y)", "step")}, ` +
      "lambda bq_element: CAST(x + to_months(CAST(bq_element AS INTEGER)) AS DATE)), lambda bq_element: CASE WHEN step > 0 THEN bq_element <= y ELSE bq_element >= y END)",
  ),
  define(
    "bq_generate_timestamps(x, y, step)",
    `list_transform(${series("epoch_us(x)", "epoch_us(y)", "step")}, lambda bq_element: make_timestamptz(bq_element))`,
  ),
];
