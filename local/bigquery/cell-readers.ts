import { isUtf8 } from "node:buffer";
import { MAX_DAY, MAX_MICROS, MIN_DAY, MIN_MICROS, parseDate, parseDatetime, parseTimestamp } from "./civil-time.ts";
import { WireFault } from "./wire-reader.ts";
import type { MessageField } from "./message-type.ts";
import type { FieldType } from "./table-schema.ts";
import type { WireReader } from "./wire-reader.ts";

/**
 * One value on its way into a column. Text, JSON and bytes: Uint8Array. INTEGER, TIMESTAMP and DATETIME (microseconds):
 * number, or bigint beyond 2^53. DATE: days. NUMERIC: bigint, times 10^9. RECORD and REPEATED: arrays.
 */
export type Cell = null | Uint8Array | number | bigint | boolean | readonly Cell[];
export type CellReader = (reader: WireReader) => Cell;

const MAX_NUMERIC = 10n ** 38n - 1n;
const NUMERIC_SCALE = 9;
const SCALE_FACTOR = 10n ** BigInt(NUMERIC_SCALE);

const integerReaders: Readonly<Record<string, (reader: WireReader) => number | bigint>> = {
  int32: (reader) => reader.int64(),
  int64: (reader) => reader.int64(),
  uint32: (reader) => reader.uint32(),
  sint32: (reader) => reader.sint64(),
  sint64: (reader) => reader.sint64(),
  fixed32: (reader) => reader.fixed32(),
  sfixed32: (reader) => reader.fixed32() | 0,
  sfixed64: (reader) => reader.sfixed64(),
};

/** Protobuf's wire type of a field type: 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
export function wireType(type: string): 0 | 1 | 2 | 5 {
  if (type === "double" || type === "fixed64" || type === "sfixed64") return 1;
  if (type === "float" || type === "fixed32" || type === "sfixed32") return 5;
  return type === "string" || type === "bytes" || type === "message" ? 2 : 0;
}

/**
 * How a field of this protobuf type becomes a value of a column of this type, by Google's table of conversions.
 * Undefined: it does not. The reader throws `WireFault` for a value that the column cannot hold.
 */
export function cellReader(column: Exclude<FieldType, "RECORD">, field: MessageField): CellReader | undefined {
  const { type } = field;
  const integer = integerReaders[type];
  switch (column) {
    case "STRING":
      return type === "enum" ? enumNameReader(field.names ?? new Map()) : type === "string" ? readText : undefined;
    case "JSON":
      return type === "string" ? readJson : undefined;
    case "BYTES":
      return type === "bytes" || type === "string" ? (reader) => reader.bytes() : undefined;
    case "INTEGER":
      return integer ?? (type === "enum" ? (reader) => reader.int64() : undefined);
    case "FLOAT":
      return type === "double"
        ? (reader) => reader.double()
        : type === "float"
          ? (reader) => reader.float()
          : undefined;
    case "BOOLEAN":
      if (type === "bool") return (reader) => reader.int64() !== 0;
      return integer === undefined ? undefined : (reader) => Number(integer(reader)) !== 0;
    case "TIMESTAMP":
      if (type === "string") return (reader) => micros(parseTimestamp(text(reader)), "timestamp");
      return integer === undefined
        ? undefined
        : (reader) => inRange(integer(reader), MIN_MICROS, MAX_MICROS, "timestamp");
    case "DATETIME":
      return type === "string" ? (reader) => micros(parseDatetime(text(reader)), "datetime") : undefined;
    case "DATE":
      if (type === "string") return readDate;
      return integer === undefined ? undefined : (reader) => inRange(integer(reader), MIN_DAY, MAX_DAY, "date");
    case "NUMERIC":
      if (type === "string") return (reader) => parseNumeric(text(reader));
      return integer === undefined ? undefined : (reader) => BigInt(integer(reader)) * SCALE_FACTOR;
  }
}

function readText(reader: WireReader): Uint8Array {
  const bytes = reader.bytes();
  if (!isUtf8(bytes)) throw new WireFault("is not valid UTF-8");
  return bytes;
}

function text(reader: WireReader): string {
  const bytes = readText(reader);
  return reader.buffer.toString("utf8", reader.position - bytes.length, reader.position);
}

function readJson(reader: WireReader): Uint8Array {
  const bytes = readText(reader);
  const json = reader.buffer.toString("utf8", reader.position - bytes.length, reader.position);
  try {
    if (/\\u[dD]/.test(json)) JSON.parse(json, wellFormed);
    else JSON.parse(json);
  } catch {
    throw new WireFault("is not valid JSON");
  }
  return bytes;
}

/** A lone surrogate passes JSON.parse, and then fails each query that reads the column. */
function wellFormed(key: string, value: unknown): unknown {
  if (!key.isWellFormed() || (typeof value === "string" && !value.isWellFormed()))
    throw new SyntaxError("lone surrogate");
  return value;
}

function enumNameReader(names: ReadonlyMap<number, string>): CellReader {
  const encoded = new Map([...names].map(([number, name]) => [number, new TextEncoder().encode(name)]));
  return (reader) => {
    const number = Number(reader.int64());
    const name = encoded.get(number);
    if (name === undefined) throw new WireFault(`has no enum value ${number}`);
    return name;
  };
}

function readDate(reader: WireReader): number {
  const days = parseDate(text(reader));
  if (days === undefined) throw new WireFault("is not a date (YYYY-MM-DD)");
  return days;
}

function micros(value: bigint | undefined, what: string): bigint {
  if (value === undefined) throw new WireFault(`is not a ${what}`);
  return inRange(value, MIN_MICROS, MAX_MICROS, what);
}

function inRange<Value extends number | bigint>(
  value: Value,
  min: number | bigint,
  max: number | bigint,
  what: string,
): Value {
  if (value < min || value > max) throw new WireFault(`is a ${what} outside of the years 1 to 9999`);
  return value;
}

function parseNumeric(value: string): bigint {
  const match = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(value);
  const fraction = match?.[3]?.replace(/0+$/, "") ?? "";
  if (match === null || fraction.length > NUMERIC_SCALE)
    throw new WireFault("is not a NUMERIC with at most 9 decimals");
  const magnitude = BigInt(`${match[2]}${fraction.padEnd(NUMERIC_SCALE, "0")}`);
  if (magnitude > MAX_NUMERIC) throw new WireFault("is beyond the range of NUMERIC");
  return match[1] === "-" ? -magnitude : magnitude;
}
