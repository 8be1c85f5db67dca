import { canonicalizerOf, type Canonicalizer } from "@indelible/schemas/canonicalizer.ts";
import { entryHash, logIdOfMessage } from "@indelible/schemas/entry.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { assertLossless } from "@indelible/schemas/strict-json.ts";
import { eventColumns, tables, type Event, type TableName } from "@indelible/schemas/tables.ts";
import { truncateToMicros } from "@indelible/schemas/timestamp.ts";
import type { Fault } from "./decode.ts";
import { originOf, type Message, type Origin } from "./message.ts";
import { faultOf, type ValidEvent } from "./validate.ts";

/** An entry of the log: the event, its canonical bytes and their hash. */
export interface Entry {
  readonly index: number;
  readonly text: string;
  readonly event: Event;
  readonly logId: string;
  readonly entry: string;
  readonly entryHash: string;
}

/**
 * Makes entries of valid events: writes them in canonical form, and hashes that.
 *
 * An event that was sent in canonical form, as our publisher does, is thereby known to have lost nothing in parsing. Any other text
 * is read again by a strict parser: lossless is accepted, lossy is added to `faults`.
 */
export function hash(table: TableName, message: Message, events: readonly ValidEvent[], faults: Fault[]): Entry[] {
  const entries: Entry[] = [];
  const origin = originOf(message);
  for (const valid of events) {
    try {
      entries.push(entryOf(table, origin, valid));
    } catch (error) {
      faults.push(faultOf(valid.index, valid.text, error));
    }
  }
  return entries;
}

function entryOf(table: TableName, origin: Origin, { index, text, event: received }: ValidEvent): Entry {
  const canonicalize = canonicalizerOf(tables[table]);
  const sent = canonicalText(canonicalize, received, text);
  if (sent !== text) assertLossless(text);
  const event = complete(table, origin, index, received);
  const entry = event === received ? sent : canonicalize(event);
  return { index, text, event, logId: event["log_id"] as string, entry, entryHash: entryHash(entry) };
}

function canonicalText(canonicalize: Canonicalizer, event: Event, text: string): string {
  try {
    return canonicalize(event);
  } catch (error) {
    // A number like 1e400 has become infinite; what is at fault is the text.
    if (IndelibleError.is(error) && error.code === "ERR_UNSERIALIZABLE") assertLossless(text);
    throw error;
  }
}

/** Gives an event what it lacks: a `log_id`, and times that BigQuery can hold. Most lack nothing and come back as they are. */
function complete(table: TableName, origin: Origin, index: number, event: Event): Event {
  let changed: Record<string, unknown> | undefined;
  for (const name of timestampsOf(table)) {
    const value = event[name];
    if (typeof value !== "string") continue;
    const truncated = truncateToMicros(value);
    if (truncated !== value) (changed ??= { ...event })[name] = truncated;
  }
  if (typeof event["log_id"] !== "string") {
    (changed ??= { ...event })["log_id"] = logIdOfMessage(table, origin.messageId, origin.index + index);
  }
  return changed ?? event;
}

const timestamps = new Map<TableName, readonly string[]>();

function timestampsOf(table: TableName): readonly string[] {
  let names = timestamps.get(table);
  if (names === undefined) {
    const columns = eventColumns(tables[table]);
    timestamps.set(table, (names = Object.keys(columns).filter((name) => columns[name]?.type === "timestamp")));
  }
  return names;
}
