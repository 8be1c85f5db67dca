import { IndelibleError, type ErrorCode } from "@indelible/schemas/errors.ts";
import { rowEncoderOf } from "@indelible/schemas/protobuf.ts";
import { tables, type TableName } from "@indelible/schemas/tables.ts";
import type { Admission } from "./admission.ts";
import type { Appender, PendingRow } from "./appender.ts";
import { deadLetterEntries } from "./dead-letter-entry.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { decode, type Fault } from "./decode.ts";
import type { DedupStore } from "./dedup.ts";
import { hash, type Entry } from "./hash.ts";
import type { Message } from "./message.ts";
import { validate } from "./validate.ts";

export interface Pipeline {
  readonly admission: Admission;
  readonly appender: Appender;
  readonly dedup: DedupStore;
  readonly deadLetters: DeadLetters;
}

/** What became of the events of one message: accepted, duplicates and deadLettered add up to the events that it held. */
export interface Outcome {
  readonly accepted: number;
  readonly duplicates: number;
  /** Of the accepted: their `log_id` was known with other content. */
  readonly conflicts: number;
  readonly deadLettered: number;
  /** The dead-lettered by code. */
  readonly reasons: { readonly [code in ErrorCode]?: number };
}

/**
 * The way of one message's events: decode -> validate -> hash -> dedup -> append -> ack.
 *
 * When it resolves, every event of the message is a row, a known duplicate of one, or in the dead-letter topic, and the message
 * may be acknowledged. When it rejects, some may not be, and Pub/Sub must deliver the message again; doing it all again
 * is harmless. The hash comes before dedup because the same ID with another hash is not a duplicate.
 *
 * @throws ERR_QUEUE_FULL when too much is on its way already; a retryable IndelibleError of the appender or the dead-letter publisher
 */
export async function ingest(pipeline: Pipeline, table: TableName, message: Message): Promise<Outcome> {
  using place = pipeline.admission.admit(message.data.length);
  const faults: Fault[] = [];
  const { lines, bytes } = decode(message, faults);
  place.resize(bytes);
  const events = validate(table, lines, faults);
  const entries = hash(table, message, events, faults);
  const unseen = pipeline.dedup.unseen(table, entries);
  const accepted = await append(pipeline, table, message, unseen, faults);
  await pipeline.deadLetters.publish(table, message, faults);
  return { accepted: accepted.length, duplicates: entries.length - unseen.length, conflicts: 0, ...countOf(faults) };
}

function countOf(faults: readonly Fault[]): Pick<Outcome, "deadLettered" | "reasons"> {
  const reasons: { [code in ErrorCode]?: number } = {};
  for (const { code } of faults) reasons[code] = (reasons[code] ?? 0) + 1;
  return { deadLettered: faults.length, reasons };
}

/**
 * The way of a message of the dead-letter topic: it becomes a row like any other, but what fails here must not be dead-lettered again: it
 * stays in Pub/Sub.
 *
 * @throws as `ingest` does
 */
export async function keepDeadLetter(pipeline: Pipeline, table: TableName, message: Message): Promise<Outcome> {
  using place = pipeline.admission.admit(message.data.length);
  const faults: Fault[] = [];
  const entries = deadLetterEntries(message);
  // Its row holds the data twice: in a column and in the entry.
  place.resize(2 * message.data.length);
  const unseen = pipeline.dedup.unseen(table, entries);
  const accepted = await append(pipeline, table, message, unseen, faults);
  if (faults[0] !== undefined) {
    throw new IndelibleError("ERR_APPEND_REFUSED", `BigQuery refused the row of a dead letter: ${faults[0].detail}`);
  }
  return {
    accepted: accepted.length,
    duplicates: entries.length - unseen.length,
    conflicts: 0,
    deadLettered: 0,
    reasons: {},
  };
}

/** Appends entries, and marks as seen what BigQuery acknowledged. The rows that it refused are added to `faults`. */
async function append(
  { appender, dedup }: Pick<Pipeline, "appender" | "dedup">,
  table: TableName,
  message: Message,
  entries: readonly Entry[],
  faults: Fault[],
): Promise<readonly Entry[]> {
  if (entries.length === 0) return entries;
  const encode = rowEncoderOf(tables[table]);
  const rows = entries.map(
    ({ event, entry, entryHash }): PendingRow =>
      (ingestedAt) =>
        encode(event, {
          published_at: message.publishedAt,
          message_id: message.id,
          ingested_at: ingestedAt,
          schema_version: tables[table].version,
          entry,
          entry_hash: entryHash,
        }),
  );
  const refused = await appender.append(table, rows);
  for (const { position, code, reason } of refused) {
    const { index, text } = entries[position] as Entry;
    faults.push({ index, data: Buffer.from(text), code, detail: reason });
  }
  const refusedPositions = new Set(refused.map(({ position }) => position));
  const accepted = refused.length === 0 ? entries : entries.filter((_, position) => !refusedPositions.has(position));
  dedup.mark(table, accepted);
  return accepted;
}
