import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  LIST,
  STRUCT,
  TIMESTAMP,
  TIMESTAMPTZ,
  VARCHAR,
} from "@duckdb/node-api";
import type { DuckDBType, DuckDBValue } from "@duckdb/node-api";
import type { ScalarTypeName, SqlType } from "./ast.ts";
import { StatementFault } from "./errors.ts";
import { scalarType } from "./parser/types.ts";
import { parseDate, parseDatetime, parseTimestamp } from "./temporal.ts";
import { typeText } from "./types.ts";

/** The type of a query parameter, as REST v2 writes it (`QueryParameterType`). */
export type QueryParameterType = {
  type: string;
  arrayType?: QueryParameterType;
  structTypes?: readonly { name?: string; type: QueryParameterType }[];
};

/** The value of a query parameter, as REST v2 writes it (`QueryParameterValue`). Neither field set: NULL. */
export type QueryParameterValue = {
  value?: string | null;
  arrayValues?: readonly QueryParameterValue[] | null;
  structValues?: Readonly<Record<string, QueryParameterValue>> | null;
};

/**
 * One query parameter: REST v2's `name`, `parameterType` as `type` and `parameterValue` as `value`, which is checked
 * here. A parameter with no name is positional.
 */
export type QueryParameter = { name?: string; type: QueryParameterType; value: unknown };

/** A value for `$n` of the translated SQL, with the DuckDB type that it is bound as. */
export type DuckDBBinding = { value: DuckDBValue; type: DuckDBType };

/** A parameter that is ready to be bound. `text` is its value where it is a STRING. */
export type ReadyParameter = { name?: string; type: SqlType; binding: DuckDBBinding; text?: string };

/** Checks a parameter and turns its value into DuckDB's. JSON is bound as text: DuckDB has no JSON value. */
export function readParameter(parameter: QueryParameter): ReadyParameter {
  const type = readType(parameter.type);
  const value = parameter.value as QueryParameterValue | null | undefined;
  const text = type.kind === "STRING" ? value?.value : undefined;
  return {
    type,
    binding: { value: readValue(type, value ?? {}), type: bindingType(type) },
    ...(parameter.name !== undefined && parameter.name !== "" && { name: parameter.name }),
    ...(typeof text === "string" && { text }),
  };
}

function readType(type: QueryParameterType): SqlType {
  const name = String(type.type).toUpperCase();
  if (name === "ARRAY" && type.arrayType) return { kind: "ARRAY", element: readType(type.arrayType) };
  if (name === "STRUCT" && type.structTypes) {
    const fields = type.structTypes.map((field) => ({ ...field, type: readType(field.type) }));
    if (fields.every((field) => field.name)) return { kind: "STRUCT", fields };
    throw new StatementFault("STRUCT parameters whose fields have no names are not supported by this warehouse");
  }
  const scalar = scalarType(name);
  if (!scalar) throw new StatementFault(`Invalid query parameter type: ${name}`, undefined, "invalid");
  return { kind: scalar };
}

function bindingType(type: SqlType): DuckDBType {
  if (type.kind === "ARRAY") return LIST(bindingType(type.element));
  if (type.kind !== "STRUCT") return scalarBindings[type.kind].type;
  return STRUCT(Object.fromEntries(type.fields.map((field) => [field.name ?? "", bindingType(field.type)])));
}

function readValue(type: SqlType, value: QueryParameterValue): DuckDBValue {
  if (typeof value !== "object") throw invalidValue(type, value);
  if (type.kind === "ARRAY") {
    // BigQuery has no NULL arrays among parameters: an absent one is empty.
    return new DuckDBListValue((value.arrayValues ?? []).map((element) => readValue(type.element, element)));
  }
  if (type.kind === "STRUCT") {
    const { structValues } = value;
    if (!structValues) return null;
    const entries = type.fields.map(({ name = "", type: fieldType }): [string, DuckDBValue] => [
      name,
      readValue(fieldType, (Object.hasOwn(structValues, name) ? structValues[name] : undefined) ?? {}),
    ]);
    return new DuckDBStructValue(Object.fromEntries(entries));
  }
  if (value.value === undefined || value.value === null) return null;
  const read = scalarBindings[type.kind].read(String(value.value));
  if (read === undefined) throw invalidValue(type, value.value);
  return read;
}

function invalidValue(type: SqlType, value: unknown): StatementFault {
  return new StatementFault(`Invalid value for type ${typeText(type)}: ${JSON.stringify(value)}`, undefined, "invalid");
}

/** How a scalar is bound, and how its text is read; undefined says that the text is no such value. */
const scalarBindings: Readonly<
  Record<ScalarTypeName, { type: DuckDBType; read: (text: string) => DuckDBValue | undefined }>
> = {
  STRING: { type: VARCHAR, read: (text) => (text.isWellFormed() ? text : undefined) },
  JSON: { type: VARCHAR, read: readJson },
  INT64: { type: BIGINT, read: readInteger },
  FLOAT64: { type: DOUBLE, read: readFloat },
  BOOL: { type: BOOLEAN, read: readBoolean },
  BYTES: { type: BLOB, read: readBytes },
  TIMESTAMP: { type: TIMESTAMPTZ, read: wrap(parseTimestamp, (micros) => new DuckDBTimestampTZValue(micros)) },
  DATE: { type: DATE, read: wrap(parseDate, (days) => new DuckDBDateValue(days)) },
  DATETIME: { type: TIMESTAMP, read: wrap(parseDatetime, (micros) => new DuckDBTimestampValue(micros)) },
  NUMERIC: { type: DECIMAL(38, 9), read: wrap(parseNumeric, (scaled) => new DuckDBDecimalValue(scaled, 38, 9)) },
};

function wrap<T>(parse: (text: string) => T | undefined, build: (parsed: T) => DuckDBValue) {
  return (text: string): DuckDBValue | undefined => {
    const parsed = parse(text);
    return parsed === undefined ? undefined : build(parsed);
  };
}

function readInteger(text: string): bigint | undefined {
  if (!/^[+-]?\d{1,19}$/.test(text)) return undefined;
  const value = BigInt(text.replace("+", ""));
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/** NaN is refused: BigQuery compares it unlike DuckDB. */
function readFloat(text: string): number | undefined {
  const infinity = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (infinity) return infinity[1] === "-" ? -Infinity : Infinity;
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined;
}

function readBoolean(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  return lower === "true" || (lower === "false" ? false : undefined);
}

function readBytes(text: string): DuckDBBlobValue | undefined {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) return undefined;
  return new DuckDBBlobValue(Buffer.from(text, "base64"));
}

function readJson(text: string): string | undefined {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return undefined;
  }
}

/** A NUMERIC as billionths, or undefined where the text is none or needs more than 29 digits before or 9 after the point. */
export function parseNumeric(text: string): bigint | undefined {
  const match = /^([+-]?)(\d{0,29})(?:\.(\d{0,9}))?$/.exec(text);
  if (!match || `${match[2]}${match[3] ?? ""}` === "") return undefined;
  const scaled = BigInt(`${match[2]}${(match[3] ?? "").padEnd(9, "0")}`);
  return match[1] === "-" ? -scaled : scaled;
}
