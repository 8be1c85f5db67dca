import type { Literal, ScalarTypeName } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { parseNumeric } from "../parameters.ts";
import { parseDate, parseDatetime, parseTimestamp } from "../temporal.ts";
import { duckdbTypeName, quoteText } from "../types.ts";

/** Prints a literal so that DuckDB reads the same value in the same type. `negated` takes its minus sign in. */
export function printLiteral(literal: Literal, negated = false): string {
  switch (literal.type) {
    case "NULL":
      return "NULL";
    case "BOOL":
      return literal.text;
    case "INT64":
      return printInteger(literal, negated);
    case "FLOAT64":
      return printFloat(literal, negated);
    case "STRING":
      return quoteText(literal.text);
    case "BYTES":
      return `unhex('${Buffer.from(literal.text, "latin1").toString("hex")}')`;
    default:
      return printTyped(literal.type, literal.text, literal.at);
  }
}

function printInteger(literal: Literal, negated: boolean): string {
  const value = BigInt(literal.text) * (negated ? -1n : 1n);
  if (BigInt.asIntN(64, value) !== value)
    throw new StatementFault(`Invalid integer literal: ${literal.text}`, literal.at);
  return value < 0n ? `(${value})::BIGINT` : `${value}::BIGINT`;
}

function printFloat(literal: Literal, negated: boolean): string {
  const value = Number(literal.text);
  if (!Number.isFinite(value)) throw new StatementFault(`Invalid floating point literal: ${literal.text}`, literal.at);
  // With an exponent DuckDB reads a DOUBLE, without one a DECIMAL.
  return negated ? `(-${value.toExponential()})` : value.toExponential();
}

/** A literal such as DATE '2024-05-15', or the text that stands where such a value is wanted. */
export function printTyped(type: ScalarTypeName, text: string, at: number): string {
  if (!isValid(type, text)) throw new StatementFault(`Invalid ${type} literal`, at);
  if (type !== "TIMESTAMP") return `CAST(${quoteText(text.trim())} AS ${duckdbTypeName({ kind: type })})`;
  const micros = parseTimestamp(text);
  return micros === undefined ? `bq_cast_timestamp(${quoteText(text)})` : `make_timestamptz((${micros})::BIGINT)`;
}

/** A zone's name is left for DuckDB to know. */
const namedZone = /^[-\d]+(?:[Tt ][\d:.]+)? ?[A-Za-z_]+\/[A-Za-z0-9_+/-]+$/;

function isValid(type: ScalarTypeName, text: string): boolean {
  if (type === "DATE") return parseDate(text) !== undefined;
  if (type === "DATETIME") return parseDatetime(text) !== undefined;
  if (type === "TIMESTAMP") return parseTimestamp(text) !== undefined || namedZone.test(text);
  if (type === "NUMERIC") return parseNumeric(text.trim()) !== undefined;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
