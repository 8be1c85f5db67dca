import type { Call, Expression } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { quoteText } from "../types.ts";
import { readingPatterns, writingPattern } from "./formats.ts";
import { boundaries, microsPerUnit, readPart, truncated } from "./parts.ts";
import type { ArgumentKind, ArgumentPrinter, FunctionTable, SpecialRule } from "./rule.ts";

/** The three types of moments. Each is computed with as a DuckDB TIMESTAMP (`local`) and turned back by `restore`. */
type Family = {
  name: "DATE" | "DATETIME" | "TIMESTAMP";
  kind: ArgumentKind;
  local(value: string, zone?: string): string;
  restore(local: string, zone?: string): string;
};

const utc = "'UTC'";

const dateFamily: Family = {
  name: "DATE",
  kind: "date",
  local: (value) => `CAST(${value} AS TIMESTAMP)`,
  restore: (local) => `CAST(${local} AS DATE)`,
};
const datetimeFamily: Family = {
  name: "DATETIME",
  kind: "datetime",
  local: (value) => value,
  restore: (local) => `CAST(${local} AS TIMESTAMP)`,
};
const timestampFamily: Family = {
  name: "TIMESTAMP",
  kind: "timestamp",
  local: (value, zone = utc) => `timezone(${zone}, ${value})`,
  restore: (local, zone = utc) => `timezone(${zone}, ${local})`,
};

const clockParts = /^(?:MICROSECOND|MILLISECOND|SECOND|MINUTE|HOUR)$/;
const monthsPerUnit: Readonly<Record<string, number>> = { MONTH: 1, QUARTER: 3, YEAR: 12 };

const special = (
  counts: readonly [number, number],
  family: Family | undefined,
  print: (call: Call, printer: ArgumentPrinter) => string,
): SpecialRule => ({
  counts,
  ...(family && { returns: family.name }),
  special: print,
});

/**
 * `moment` plus or minus an interval: `sign` is 1 or -1. Shared by F_ADD, F_SUB and the operators + and -, for which the
 * family is DATETIME: they keep the type of a TIMESTAMP and make a DATE a DATETIME, as DuckDB does.
 */
export function shifted(
  family: Family,
  moment: string,
  step: Expression | undefined,
  sign: 1 | -1,
  printer: ArgumentPrinter,
): string {
  if (step?.kind !== "interval") throw new StatementFault("Expected INTERVAL expression", step?.at);
  const unit = step.unit.text.toUpperCase();
  const count = `(${printer.guarded(step.value, "int64")} * ${sign})`;
  const isDate = family.name === "DATE";
  const micros = unit === "WEEK" && family.name !== "TIMESTAMP" ? 604_800_000_000 : microsPerUnit(unit);
  if (micros !== undefined && !(isDate && clockParts.test(unit))) {
    if (isDate) return `(${moment} + CAST(${count} * ${micros / 86_400_000_000} AS INTEGER))`;
    return `(${moment} + to_microseconds(${count} * ${micros}))`;
  }
  const months = monthsPerUnit[unit];
  if (months === undefined || family.name === "TIMESTAMP") throw unsupportedPart(family, unit, step.at);
  return family.restore(`(${moment} + to_months(CAST(${count} * ${months} AS INTEGER)))`);
}

export const families: Readonly<Record<"DATE" | "DATETIME" | "TIMESTAMP", Family>> = {
  DATE: dateFamily,
  DATETIME: datetimeFamily,
  TIMESTAMP: timestampFamily,
};

const addition = (family: Family, sign: 1 | -1): SpecialRule =>
  special([2, 2], family, (call, printer) => {
    const [moment, step] = call.arguments as readonly [Expression, Expression];
    return shifted(family, printer.guarded(moment, family.kind), step, sign, printer);
  });

const difference = (family: Family): SpecialRule => ({
  ...special([3, 3], undefined, (call, printer) => {
    const [end, start, unit] = call.arguments as readonly [Expression, Expression, Expression];
    const part = readPart(unit);
    const [to, from] = [printer.guarded(end, family.kind), printer.guarded(start, family.kind)];
    if (family.name === "TIMESTAMP") {
      // Timestamps are apart by whole units of time, dates by the boundaries between them.
      const micros = microsPerUnit(part.name);
      if (micros === undefined) throw unsupportedPart(family, part.name, unit.at);
      return `((epoch_us(${to}) - epoch_us(${from})) // ${micros})`;
    }
    const isClock = clockParts.test(part.name);
    const count =
      family.name === "DATE" && isClock ? undefined : boundaries(part, family.local(to), family.local(from));
    if (count === undefined) throw unsupportedPart(family, part.name, unit.at);
    return count;
  }),
  returns: "INT64",
});

const truncation = (family: Family): SpecialRule =>
  special([2, family.name === "TIMESTAMP" ? 3 : 2], family, (call, printer) => {
    const [moment, unit, zone] = call.arguments as readonly [Expression, Expression, Expression | undefined];
    const part = readPart(unit);
    const zoneText = zone && printer.guarded(zone, "string");
    const local = family.local(printer.guarded(moment, family.kind), zoneText);
    const cut = family.name === "DATE" && clockParts.test(part.name) ? undefined : truncated(part, local);
    if (cut === undefined) throw unsupportedPart(family, part.name, unit.at);
    return family.restore(cut, zoneText);
  });

function unsupportedPart(family: Family, unit: string, offset: number): StatementFault {
  return new StatementFault(`${family.name} functions do not support the ${unit} date part`, offset);
}

function constantFormat(argument: Expression | undefined, printer: ArgumentPrinter): { format: string; at: number } {
  const format = argument && printer.constantText(argument);
  if (!argument || format === undefined) {
    throw new StatementFault("Formats must be string literals in this warehouse", argument?.at);
  }
  return { format, at: argument.at };
}

const formatting = (family: Family): SpecialRule => ({
  ...special([2, family.name === "TIMESTAMP" ? 3 : 2], undefined, (call, printer) => {
    const [first, moment, zone] = call.arguments as readonly [Expression, Expression, Expression | undefined];
    const { format, at } = constantFormat(first, printer);
    const local = family.local(printer.guarded(moment, family.kind), zone && printer.guarded(zone, "string"));
    return `strftime(${local}, ${quoteText(writingPattern(format, at, family.name === "DATE"))})`;
  }),
  returns: "STRING",
});

const parsing = (family: Family): SpecialRule =>
  special([2, 2], family, (call, printer) => {
    const [first, text] = call.arguments as readonly [Expression, Expression];
    const { format, at } = constantFormat(first, printer);
    const { patterns, zoned } = readingPatterns(format, at, family.name === "DATE");
    if (zoned && family.name !== "TIMESTAMP") throw new StatementFault(`${call.name} does not support time zones`, at);
    const list = `[${patterns.map((pattern) => quoteText(pattern)).join(", ")}]`;
    const parsed = `${call.safe ? "try_strptime" : "strptime"}(${printer.guarded(text, "string")}, ${list})`;
    return zoned ? parsed : family.restore(parsed);
  });

/** DATE(...), DATETIME(...) and TIMESTAMP(...): a conversion, with a zone perhaps, or the parts one by one. */
const constructing = (family: Family): SpecialRule =>
  special([1, family.name === "DATETIME" ? 6 : family.name === "DATE" ? 3 : 2], family, (call, printer) => {
    const [first, second, third] = call.arguments as readonly [
      Expression,
      Expression | undefined,
      Expression | undefined,
    ];
    const name = family.name.toLowerCase();
    if (!second) return `bq_${call.safe ? "safe_" : ""}cast_${name}(${printer.print(first)})`;
    if (call.safe) throw new StatementFault(`Function SAFE.${call.name} is not supported by this warehouse`, call.at);
    if (!third && call.arguments.length === 2) {
      const zone = printer.guarded(second, "string");
      if (family.name === "TIMESTAMP") return `bq_timestamp_in(${printer.print(first)}, ${zone})`;
      const local = `timezone(${zone}, ${printer.guarded(first, "timestamp")})`;
      return family.restore(local);
    }
    const numbers = call.arguments.map((argument) => printer.guarded(argument, "int64"));
    if (family.name === "DATE") return `make_date(${numbers.join(", ")})`;
    if (numbers.length !== 6) throw new StatementFault("DATETIME takes 1, 2 or 6 arguments in this warehouse", call.at);
    return `make_timestamp(${numbers.slice(0, 5).join(", ")}, CAST(${numbers[5]} AS DOUBLE))`;
  });

const shared = (of: Family): FunctionTable => ({
  [of.name]: constructing(of),
  [`${of.name}_ADD`]: addition(of, 1),
  [`${of.name}_SUB`]: addition(of, -1),
  [`${of.name}_DIFF`]: difference(of),
  [`${of.name}_TRUNC`]: truncation(of),
  [`FORMAT_${of.name}`]: formatting(of),
  [`PARSE_${of.name}`]: parsing(of),
});

/** The variable of a DuckDB connection that says what is the present. Where it is not set, the machine's clock is. */
export const CLOCK_VARIABLE = "indelible_now";
const now = "bq_now()";

export const dateFunctions: FunctionTable = {
  ...shared(dateFamily),
  ...shared(datetimeFamily),
  ...shared(timestampFamily),
  CURRENT_TIMESTAMP: { arguments: "", returns: "TIMESTAMP", print: () => now },
  CURRENT_DATE: {
    arguments: "string?",
    returns: "DATE",
    print: (zone = utc) => `CAST(timezone(${zone}, ${now}) AS DATE)`,
  },
  CURRENT_DATETIME: {
    arguments: "string?",
    returns: "DATETIME",
    print: (zone = utc) => `timezone(${zone}, ${now})`,
  },
  UNIX_MICROS: { arguments: "timestamp", returns: "INT64", print: (moment) => `epoch_us(${moment})` },
  // BigQuery rounds down, also before 1970.
  UNIX_MILLIS: {
    arguments: "timestamp",
    returns: "INT64",
    print: (moment) => `bq_floor_div(epoch_us(${moment}), 1000)`,
  },
  UNIX_SECONDS: {
    arguments: "timestamp",
    returns: "INT64",
    print: (moment) => `bq_floor_div(epoch_us(${moment}), 1000000)`,
  },
  UNIX_DATE: { arguments: "date", returns: "INT64", print: (date) => `CAST(${date} - DATE '1970-01-01' AS BIGINT)` },
  DATE_FROM_UNIX_DATE: {
    arguments: "int64",
    returns: "DATE",
    print: (days) => `(DATE '1970-01-01' + CAST(${days} AS INTEGER))`,
  },
  TIMESTAMP_MICROS: { arguments: "int64", returns: "TIMESTAMP", print: (count) => `make_timestamptz(${count})` },
  TIMESTAMP_MILLIS: { arguments: "int64", returns: "TIMESTAMP", print: (count) => `make_timestamptz(${count} * 1000)` },
  TIMESTAMP_SECONDS: {
    arguments: "int64",
    returns: "TIMESTAMP",
    print: (count) => `make_timestamptz(${count} * 1000000)`,
  },
  LAST_DAY: special([1, 1], dateFamily, (call, printer) => {
    const [date] = call.arguments as readonly [Expression];
    return `last_day(${printer.guarded(date, "date")})`;
  }),
  STRING: special([1, 2], undefined, (call, printer) => {
    const [value, zone] = call.arguments as readonly [Expression, Expression | undefined];
    if (zone) throw new StatementFault("STRING with a time zone is not supported by this warehouse", call.at);
    return `bq_string(${printer.print(value)})`;
  }),
};

export const dateMacros: readonly string[] = [
  `CREATE OR REPLACE MACRO bq_now() AS coalesce(CAST(getvariable('${CLOCK_VARIABLE}') AS TIMESTAMPTZ), current_timestamp)`,
  "CREATE OR REPLACE MACRO bq_floor_div(x, y) AS (x - ((x % y) + y) % y) // y",
  "CREATE OR REPLACE MACRO bq_local(x) AS CASE WHEN typeof(x) IN ('TIMESTAMP', 'DATE') THEN CAST(x AS TIMESTAMP) " +
    "WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN timezone('UTC', CAST(x AS TIMESTAMPTZ)) " +
    "ELSE error('No matching signature for function EXTRACT: bq_type<' || typeof(x) || '>') END",
  "CREATE OR REPLACE MACRO bq_local_clock(x) AS CASE WHEN typeof(x) = 'DATE' " +
    "THEN error('EXTRACT from DATE does not support parts of a day') ELSE bq_local(x) END",
  "CREATE OR REPLACE MACRO bq_timestamp_in(x, zone) AS CASE typeof(x) " +
    "WHEN 'DATE' THEN timezone(zone, CAST(x AS TIMESTAMP)) WHEN 'TIMESTAMP' THEN timezone(zone, CAST(x AS TIMESTAMP)) " +
    "WHEN 'VARCHAR' THEN timezone(zone, bq_cast_datetime(CAST(x AS VARCHAR))) " +
    "ELSE error('No matching signature for function TIMESTAMP: bq_type<' || typeof(x) || '>') END",
  "CREATE OR REPLACE MACRO bq_string(x) AS CASE WHEN typeof(x) = 'JSON' THEN bq_json_string(CAST(CAST(x AS VARCHAR) AS JSON)) " +
    "WHEN typeof(x) IN ('DATE', 'TIMESTAMP', 'TIMESTAMP WITH TIME ZONE') THEN bq_cast_string(x) " +
    "ELSE error('No matching signature for function STRING: bq_type<' || typeof(x) || '>') END",
];
