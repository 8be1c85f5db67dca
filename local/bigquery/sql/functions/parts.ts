import type { Expression } from "../ast.ts";
import { StatementFault } from "../errors.ts";

const fixedMicros: Readonly<Record<string, number>> = {
  MICROSECOND: 1,
  MILLISECOND: 1000,
  SECOND: 1_000_000,
  MINUTE: 60_000_000,
  HOUR: 3_600_000_000,
  DAY: 86_400_000_000,
};

const weekdays = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];

/** Microseconds of a unit that is always as long: MICROSECOND to DAY, a day being 24 hours. Undefined for the others. */
export function microsPerUnit(unit: string): number | undefined {
  return Object.hasOwn(fixedMicros, unit) ? fixedMicros[unit] : undefined;
}

/** A date part. `weekStart` counts from Monday (0) and is there for WEEK, WEEK(day) and ISOWEEK. */
export type DatePart = { name: string; weekStart?: number };

const names: ReadonlySet<string> = new Set([
  ...Object.keys(fixedMicros),
  "DAYOFWEEK",
  "DAYOFYEAR",
  "MONTH",
  "QUARTER",
  "YEAR",
  "ISOYEAR",
  "DATE",
  "DATETIME",
]);

/** Reads a part such as MONTH or WEEK(MONDAY) from the expression that the parser took it for. */
export function readPart(expression: Expression | undefined): DatePart {
  if (expression?.kind === "path" && expression.names.length === 1) {
    const name = expression.names[0].text.toUpperCase();
    if (name === "WEEK") return { name, weekStart: 6 };
    if (name === "ISOWEEK") return { name, weekStart: 0 };
    if (names.has(name)) return { name };
  }
  if (expression?.kind === "call" && expression.name === "WEEK" && expression.arguments.length === 1) {
    const day = expression.arguments[0];
    const weekStart = day?.kind === "path" ? weekdays.indexOf(day.names[0].text.toUpperCase()) : -1;
    if (weekStart >= 0) return { name: "WEEK", weekStart };
  }
  throw new StatementFault("A valid date part name is required", expression?.at);
}

/** A DuckDB TIMESTAMP cut down to the beginning of its part; undefined where the part cannot be cut to. */
export function truncated(part: DatePart, local: string): string | undefined {
  if (part.weekStart !== undefined) {
    if (part.weekStart === 0) return `date_trunc('week', ${local})`;
    return `(date_trunc('week', ${local} - to_days(${part.weekStart})) + to_days(${part.weekStart}))`;
  }
  if (part.name === "ISOYEAR") return `date_trunc('week', make_timestamp(isoyear(${local}), 1, 4, 0, 0, 0))`;
  const plain = ["MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "MONTH", "QUARTER", "YEAR"];
  return plain.includes(part.name) ? `date_trunc('${part.name.toLowerCase()}', ${local})` : undefined;
}

/** How many boundaries of the part lie between two DuckDB TIMESTAMPs; undefined where they cannot be counted. */
export function boundaries(part: DatePart, end: string, start: string): string | undefined {
  if (part.weekStart !== undefined) {
    return `(datediff('day', ${truncated(part, start)}, ${truncated(part, end)}) // 7)`;
  }
  if (part.name === "ISOYEAR") return `(isoyear(${end}) - isoyear(${start}))`;
  return truncated(part, end) && `datediff('${part.name.toLowerCase()}', ${start}, ${end})`;
}

/** The number of the part within a DuckDB TIMESTAMP; undefined for what is no number. */
export function extracted(part: DatePart, local: string): string | undefined {
  if (part.name === "ISOWEEK") return `weekofyear(${local})`;
  if (part.weekStart !== undefined) {
    // Week 0 is what precedes the year's first week start.
    return `((dayofyear(${local}) + 6 - (isodow(${local}) + 6 - ${part.weekStart}) % 7) // 7)`;
  }
  switch (part.name) {
    case "MICROSECOND":
      return `(epoch_us(${local}) % 1000000 + 1000000) % 1000000`;
    case "MILLISECOND":
      return `((epoch_us(${local}) % 1000000 + 1000000) % 1000000) // 1000`;
    case "DAYOFWEEK":
      return `(dayofweek(${local}) + 1)`;
    case "DATE":
    case "DATETIME":
      return undefined;
    default:
      return `${part.name.toLowerCase()}(${local})`;
  }
}
