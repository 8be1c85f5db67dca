/** Finds the event in a line of pino's. */
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { publishedTables } from "@indelible/schemas/names.ts";
import { assertLossless } from "@indelible/schemas/strict-json.ts";
import { tables, type Event, type TableName } from "@indelible/schemas/tables.ts";

export interface LineEvent {
  readonly table: TableName;
  readonly fields: Event;
}

/**
 * The event that `line` carries under `key`, with the line's time where it gives none of its own. Undefined: it carries none,
 * which is no fault. Lines without the key are not parsed.
 *
 * @throws ERR_NOT_JSON, ERR_INVALID_EVENT; ERR_DUPLICATE_KEY and ERR_LOSSY_NUMBER for an event that `JSON.parse` would change
 */
export function eventIn(line: string, key: string): LineEvent | undefined {
  if (!line.includes(JSON.stringify(key))) {
    if (line.startsWith("{") && line.endsWith("}")) return undefined;
    throw notJson(line);
  }
  const parsed = parse(line);
  const event: unknown = parsed[key];
  if (event === undefined || event === null) return undefined;
  const [text, another] = memberTexts(line, key);
  if (another !== undefined) {
    throw new IndelibleError("ERR_DUPLICATE_KEY", `the line has ${JSON.stringify(key)} twice`, {
      hint: "A child logger's bindings and the line itself both carry an event: let only one of them do so.",
    });
  }
  assertLossless(text ?? "");
  if (!isObject(event)) throw new IndelibleError("ERR_INVALID_EVENT", `${key} is not an object`);
  const { table, ...rest } = event;
  if (!isPublished(table)) {
    const accepted = publishedTables.join(", ");
    throw new IndelibleError("ERR_INVALID_EVENT", `${key}.table is none of ${accepted}`);
  }
  const fields: { [column: string]: unknown } = rest;
  const time = timeOf(parsed["time"]);
  if (time !== undefined) {
    fields[tables[table].occurredAt] ??= time;
    fields["logged_at"] ??= time;
  }
  return { table, fields };
}

function parse(line: string): { readonly [key: string]: unknown } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    throw notJson(line);
  }
  if (!isObject(parsed)) throw notJson(line);
  return parsed;
}

function notJson(line: string): IndelibleError {
  const shown = line.length > 40 ? `${line.slice(0, 40)}…` : line;
  return new IndelibleError("ERR_NOT_JSON", `a line is not a JSON object: ${shown.toWellFormed()}`);
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPublished(table: unknown): table is TableName {
  return publishedTables.some((name) => name === table);
}

/** Milliseconds or seconds since 1970, or ISO 8601: what pino's own time functions write. */
function timeOf(time: unknown): string | undefined {
  if (typeof time === "string") {
    return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(time) ? time : undefined;
  }
  if (typeof time !== "number") return undefined;
  // As milliseconds, this was in 1973; as seconds, it will be in 5138.
  const ms = Math.abs(time) < 1e11 ? time * 1_000 : time;
  return ms > 0 && ms < Date.UTC(2199, 11, 31) ? new Date(ms).toISOString() : undefined;
}

/** The texts of the members of that name of the object that `text` is, which must be valid JSON. */
function memberTexts(text: string, name: string): string[] {
  const texts: string[] = [];
  let depth = 0;
  let isKey = false;
  let isWanted = false;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case '"': {
        const end = endOfString(text, at);
        if (isKey) {
          isWanted = JSON.parse(text.slice(at, end)) === name;
          start = text.indexOf(":", end) + 1;
          isKey = false;
        }
        at = end - 1;
        break;
      }
      case "{":
      case "[":
        depth += 1;
        isKey = depth === 1;
        break;
      case "}":
      case "]":
        if (depth === 1 && isWanted) texts.push(text.slice(start, at));
        depth -= 1;
        break;
      case ",":
        if (depth !== 1) break;
        if (isWanted) texts.push(text.slice(start, at));
        isWanted = false;
        isKey = true;
        break;
    }
  }
  return texts;
}

/** Where the string that begins at `start` has ended: behind its closing quote. */
function endOfString(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === "\\") backslashes += 1;
  return backslashes % 2 === 1;
}
