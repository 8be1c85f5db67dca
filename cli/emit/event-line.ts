import { isUtf8 } from "node:buffer";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { assertLossless } from "@indelible/schemas/strict-json.ts";
import { loggedTables, type LoggedTable } from "../delivery/entries.ts";
import { isObject, type JsonObject } from "../json.ts";
import { MAX_LINE_BYTES, type RawLine } from "./lines.ts";

/** What a line says: an event, not yet complete, and the table that it is for. */
export interface EventLine {
  readonly table: LoggedTable;
  readonly event: JsonObject;
}

/** The text of a line without the white space around it; empty when the line is blank. @throws ERR_TOO_LARGE, ERR_NOT_UTF8 */
export function textOf({ bytes, length }: RawLine): string {
  if (bytes === undefined) {
    throw new IndelibleError("ERR_TOO_LARGE", `the line has ${length} bytes, more than ${MAX_LINE_BYTES}`);
  }
  if (!isUtf8(bytes)) throw new IndelibleError("ERR_NOT_UTF8", "the line is not UTF-8");
  // Takes away a byte order mark and a carriage return too.
  return bytes.toString("utf8").trim();
}

/** What may stand beside the event: the publisher writes such lines for what it has held back. */
const envelopeKeys: ReadonlySet<string> = new Set(["table", "event", "code", "message", "at"]);

/**
 * Reads a line: the event itself where `table` is given, or `{"table": …, "event": {…}}`, whose table must then be the same. No table has
 * columns called `table` and `event`, so that no event is taken for an envelope.
 *
 * @throws ERR_NOT_JSON, ERR_DUPLICATE_KEY, ERR_LOSSY_NUMBER, ERR_INVALID_EVENT, ERR_UNKNOWN_FIELD
 */
export function readEventLine(text: string, table: LoggedTable | undefined): EventLine {
  const value = parse(text);
  if (!isObject(value)) throw new IndelibleError("ERR_NOT_JSON", "the line is not a JSON object", { hint });
  const isEnvelope = Object.hasOwn(value, "table") && Object.hasOwn(value, "event");
  if (table !== undefined && !isEnvelope) return { table, event: value };
  if (!isEnvelope) {
    throw new IndelibleError("ERR_INVALID_EVENT", "the line does not say which table it is for", {
      hint: 'Give --table for lines that are events, or write each line as {"table": "action_logs", "event": {…}}.',
    });
  }
  const named = tableOf(value["table"]);
  if (table !== undefined && named !== table) {
    throw new IndelibleError("ERR_INVALID_EVENT", `the line is for ${named}, --table says ${table}`, {
      hint: "Leave --table out when the lines name their tables.",
    });
  }
  const unknown = Object.keys(value).find((key) => !envelopeKeys.has(key));
  if (unknown !== undefined) {
    throw new IndelibleError("ERR_UNKNOWN_FIELD", `beside "event" the line has the field ${shown(unknown)}`, {
      hint: "Columns of the event belong into `event`.",
    });
  }
  const { event } = value;
  if (!isObject(event)) throw new IndelibleError("ERR_NOT_JSON", "`event` of the line is not a JSON object", { hint });
  return { table: named, event };
}

const hint = "Write each event as one JSON object on one line.";

function parse(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // V8's message quotes the text, which may be anything.
    const position = /position \d+/.exec(String(cause))?.[0];
    throw new IndelibleError("ERR_NOT_JSON", `the line is not JSON${position === undefined ? "" : `: ${position}`}`, {
      cause,
      hint,
    });
  }
  assertLossless(text);
  return value;
}

function tableOf(name: unknown): LoggedTable {
  const table = loggedTables.find((one) => one === name);
  if (table !== undefined) return table;
  throw new IndelibleError("ERR_INVALID_EVENT", `there is no table ${shown(name)} to log to`, {
    hint: `One of: ${loggedTables.join(", ")}.`,
  });
}

const maxShown = 64;

function shown(value: unknown): string {
  if (typeof value !== "string") return `of type ${value === null ? "null" : typeof value}`;
  return JSON.stringify(value.length > maxShown ? `${value.slice(0, maxShown)}…` : value);
}
