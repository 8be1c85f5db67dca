import { WarehouseError } from "../errors.ts";
import { isRecord } from "../table-schema.ts";
import type { Context } from "hono";

export type Body = Readonly<Record<string, unknown>>;

/** The JSON object of a request. @throws {WarehouseError} invalid */
export async function readBody(context: Context): Promise<Body> {
  let body: unknown;
  try {
    body = await context.req.json();
  } catch (cause) {
    throw new WarehouseError("invalid", "The request body is not JSON.", { cause });
  }
  if (!isRecord(body)) throw new WarehouseError("invalid", "The request body is not a JSON object.");
  return body;
}

/** A part of the path. */
export function param(context: Context, name: string): string {
  return context.req.param(name) ?? "";
}

/** @throws {WarehouseError} invalid: there, and no text. */
export function optionalText(value: unknown, name: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw new WarehouseError("invalid", `Invalid value for ${name}: a string is needed.`);
  return value;
}

/** Where a job runs or a dataset is. @throws {WarehouseError} invalid: there, and no location. */
export function optionalLocation(value: unknown, name: string): string | undefined {
  const location = optionalText(value, name);
  if (location === undefined || /^[A-Za-z0-9-]{0,64}$/.test(location)) return location;
  throw new WarehouseError("invalid", `Invalid value for ${name}: letters, digits and -, at most 64.`);
}

/** Google's clients send integers as numbers, as text, or leave them out. @throws {WarehouseError} invalid */
export function optionalCount(value: unknown, name: string): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const count = Number(value);
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new WarehouseError("invalid", `Invalid value for ${name}: ${JSON.stringify(value)} is not a count.`);
  }
  return count;
}

/** An ID of a dataset or table. @throws {WarehouseError} invalid */
export function requireId(value: unknown, kind: "dataset" | "table"): string {
  const pattern = kind === "dataset" ? /^\w{1,1024}$/ : /^[\p{L}\p{M}\p{N}\p{Pc}\p{Pd}\p{Zs}]{1,1024}$/u;
  if (typeof value === "string" && pattern.test(value)) return value;
  throw new WarehouseError(
    "invalid",
    `Invalid ${kind} ID ${JSON.stringify(value)}: letters, digits and underscores, at most 1,024.`,
  );
}

/** Refuses fields that this warehouse would have to ignore, apart from those whose value says "not used". */
export function refuseOthers(body: Body, known: ReadonlySet<string>, what: string): void {
  for (const [name, value] of Object.entries(body)) {
    if (known.has(name) || value === null || value === undefined || value === false) continue;
    throw new WarehouseError("notImplemented", `This warehouse does not support ${name} of a ${what}.`);
  }
}

/** Where a page starts. The token is the offset, written so that nobody takes it for one. */
export function readPageToken(token: string | undefined): number | undefined {
  if (token === undefined || token === "") return undefined;
  const match = /^offset-(\d{1,15})$/.exec(Buffer.from(token, "base64url").toString());
  if (match === null) throw new WarehouseError("invalid", "Invalid page token.");
  return Number(match[1]);
}

export function writePageToken(offset: number): string {
  return Buffer.from(`offset-${offset}`).toString("base64url");
}

/** One page of a list that is in memory, and the token of the next. */
export function slicePage<Item>(
  items: readonly Item[],
  context: Context,
): { page: readonly Item[]; next: { nextPageToken?: string } } {
  const start = readPageToken(context.req.query("pageToken")) ?? 0;
  const end = start + (optionalCount(context.req.query("maxResults"), "maxResults") ?? 1000);
  return { page: items.slice(start, end), next: end < items.length ? { nextPageToken: writePageToken(end) } : {} };
}

/**
 * The settings of a dataset or table after a PATCH: what is named is replaced, null removes, labels are merged.
 * `replace`: after a PUT, which removes what it does not name.
 */
export function mergeSettings<Settings extends object>(
  before: Settings,
  body: Body,
  names: readonly (keyof Settings & string)[],
  replace: boolean,
): Settings {
  const merged: Record<string, unknown> = replace ? {} : { ...before };
  for (const name of names) {
    const value = body[name];
    if (value === undefined) continue;
    if (value === null) delete merged[name];
    else merged[name] = name === "labels" ? mergeLabels(merged[name], value) : value;
  }
  return merged as Settings;
}

function mergeLabels(before: unknown, after: unknown): Record<string, unknown> {
  if (!isRecord(after)) throw new WarehouseError("invalid", "Labels are an object of strings.");
  const labels = { ...(isRecord(before) ? before : {}), ...after };
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== null));
}
