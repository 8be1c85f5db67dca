import {
  BigQueryDate,
  BigQueryDatetime,
  BigQueryInt,
  BigQueryTime,
  BigQueryTimestamp,
  Geography,
} from "@google-cloud/bigquery";

const wrappers = [BigQueryDate, BigQueryDatetime, BigQueryTime, BigQueryTimestamp, Geography];

/**
 * A value of a result as plain JSON: dates and times as their text, whole numbers as numbers or, beyond 2^53, as text,
 * NUMERIC as text, bytes in base64.
 */
export function plainValue(value: unknown): unknown {
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof BigQueryInt) {
    const number = Number(value.value);
    return Number.isSafeInteger(number) ? number : String(value.value);
  }
  // By class and not by shape: what agents log may look like anything.
  if (wrappers.some((wrapper) => value instanceof wrapper)) return (value as { readonly value: string }).value;
  if (Buffer.isBuffer(value)) return value.toString("base64");
  if (Array.isArray(value)) return value.map(plainValue);
  if (Object.getPrototypeOf(value) !== Object.prototype) {
    // A RANGE has its literal; NUMERIC is an object of a number library that prints itself.
    return String("literalValue" in value ? value.literalValue : value);
  }
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plainValue(member)]));
}

/** A plain value as a cell of a table. */
export function cellOf(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  return typeof value === "string" ? value : typeof value === "object" ? JSON.stringify(value) : String(value);
}
