import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
} from "@duckdb/node-api";
import { formatDate, formatDatetime, formatEpochSeconds } from "../civil-time.ts";
import { WarehouseError } from "../errors.ts";
import type { DuckDBValue } from "@duckdb/node-api";
import type { TableField } from "../table-schema.ts";

/** How a TIMESTAMP is written: seconds with a fraction (REST's default), microseconds, or ISO 8601. */
export type TimestampFormat = "FLOAT64" | "INT64" | "ISO8601_STRING";
export type EncodedValue = null | string | EncodedRow | readonly { readonly v: EncodedValue }[];
export type EncodedRow = { readonly f: readonly { readonly v: EncodedValue }[] };

const MAX_INT64 = 2n ** 63n - 1n;

/** Writes rows in REST v2's form, and counts how many characters of values it wrote. */
export class RowEncoder {
  readonly #fields: readonly TableField[];
  readonly #timestamps: TimestampFormat;
  characters = 0;

  constructor(fields: readonly TableField[], timestamps: TimestampFormat) {
    this.#fields = fields;
    this.#timestamps = timestamps;
  }

  encode(row: readonly DuckDBValue[]): EncodedRow {
    return { f: this.#fields.map((field, index) => ({ v: this.#encodeField(row[index] ?? null, field) })) };
  }

  #encodeField(value: DuckDBValue, field: TableField): EncodedValue {
    if (field.mode !== "REPEATED") return this.#encodeValue(value, field);
    const items = value instanceof DuckDBListValue ? value.items : [];
    return items.map((item) => ({ v: this.#encodeValue(item, field) }));
  }

  #encodeValue(value: DuckDBValue, field: TableField): EncodedValue {
    if (value === null) return null;
    if (value instanceof DuckDBStructValue) {
      const fields = field.fields ?? [];
      return { f: fields.map((child) => ({ v: this.#encodeField(value.entries[child.name] ?? null, child) })) };
    }
    const text = typeof value === "number" ? formatNumber(value, field) : this.#encodeScalar(value);
    this.characters += text.length;
    return text;
  }

  #encodeScalar(value: DuckDBValue): string {
    if (typeof value === "string") return value;
    if (typeof value === "bigint") return formatInteger(value);
    if (typeof value === "boolean") return String(value);
    if (value instanceof DuckDBTimestampTZValue) return this.#encodeTimestamp(value.micros);
    if (value instanceof DuckDBTimestampValue) return formatDatetime(value.micros);
    if (value instanceof DuckDBDateValue) return formatDate(value.days);
    if (value instanceof DuckDBDecimalValue) return formatDecimal(value);
    if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString("base64");
    throw new WarehouseError("invalidQuery", `A value of the result has no form in BigQuery's JSON: ${typeof value}.`);
  }

  #encodeTimestamp(micros: bigint): string {
    if (this.#timestamps === "INT64") return String(micros);
    return this.#timestamps === "FLOAT64" ? formatEpochSeconds(micros) : `${formatDatetime(micros)}Z`;
  }
}

/** FLOAT64, or an integer of DuckDB's smaller types. */
function formatNumber(value: number, field: TableField): string {
  const text = Object.is(value, -0) ? "-0" : String(value);
  return field.type === "FLOAT" && Number.isInteger(value) && !text.includes("e") ? `${text}.0` : text;
}

function formatInteger(value: bigint): string {
  if (value > MAX_INT64 || value < -MAX_INT64 - 1n)
    throw new WarehouseError("invalidQuery", "int64 overflow in the result.");
  return String(value);
}

function formatDecimal({ value, scale }: DuckDBDecimalValue): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, "");
  const whole = digits.slice(0, digits.length - scale);
  return `${value < 0n ? "-" : ""}${whole}${scale === 0 || fraction === "" ? "" : `.${fraction}`}`;
}
