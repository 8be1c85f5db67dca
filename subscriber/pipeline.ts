import { IndelibleError, type ErrorCode } from "@indelible/schemas/errors.ts";
import { rowEncoderOf } from "@indelible/schemas/protobuf.ts";
import { tables, type TableName } from "@indelible/schemas/tables.ts";
import { accessLines, type Translated } from "./access-audit.ts";
import type { Admission } from "./admission.ts";
import type { Appender, PendingRow, RefusedRow } from "./appender.ts";
import { deadLetterEntries } from "./dead-letter-entry.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { decode, type Decoded, type Fault } from "./decode.ts";
import type { Dedup, RefusedEntry } from "./dedup.ts";
import { hash, type Entry } from "./hash.ts";
import type { Message } from "./message.ts";
import { validate } from "./validate.ts";

export interface Pipeline {
  readonly admission: Admission;
  readonly appender: Appender;
  readonly dedup: Dedup;
  readonly deadLetters: DeadLetters;
}

/** What became of the events of one message: accepted, duplicates, deadLettered and ignored add up to the events that it held. */
export interface Outcome {
  readonly accepted: number;
  readonly duplicates: number;
  /** Of the accepted: their `log_id` was known with other content. */
  readonly conflicts: number;
  readonly deadLettered: number;
  /** The dead-lettered by code. */
  readonly reasons: { readonly [code in ErrorCode]?: number };
  /** Records of another system that tell of nothing that the table is about. */
  readonly ignored: number;
}

/** Puts what another system wrote into the words of the table, one line an event. Adds to `faults` what it cannot understand. */
type Translate = (message: Message, decoded: Decoded, faults: Fault[]) => Translated;

/**
 * The way of one message's events: decode -> validate -> hash -> dedup -> append -> ack.
 *
 * When it resolves, every event of the message is a row, a known duplicate of one, or in the dead-letter topic, and the message
 * may be acknowledged. When it rejects, some may not be, and Pub/Sub must deliver the message again; doing it all again
 * is harmless. The hash comes before dedup because the same ID with another hash is not a duplicate.
 *
 * @throws ERR_QUEUE_FULL when too much is on its way already; a retryable IndelibleError of the appender or the dead-letter publisher
 */
export async function ingest(
  pipeline: Pipeline,
  table: TableName,
  message: Message,
  translate?: Translate,
): Promise<Outcome> {
  using place = pipeline.admission.admit(message.data.length);
  const faults: Fault[] = [];
  const decoded = decode(message, faults);
  place.resize(decoded.bytes);
  const { lines, bytes, ignored } = translate?.(message, decoded, faults) ?? { ...decoded, ignored: 0 };
  place.resize(bytes);
  const events = validate(table, lines, faults, translate === undefined);
  const entries = hash(table, message, events, faults);
  const written = await pipeline.dedup.once(table, entries, (unseen) => append(pipeline, table, message, unseen));
  const dead = faults.concat(written.refused.map(faultOfRefusal));
  await pipeline.deadLetters.publish(table, message, dead);
  const { accepted, duplicates, conflicts } = written;
  return { accepted: accepted.length, duplicates, conflicts, ...countOf(dead), ignored };
}

/**
 * The way of a message of the audit topic: a record of BigQuery's audit log becomes events of `log_access_audit`, which go the way of any other.
 *
 * @throws as `ingest` does
 */
export function ingestAudit(pipeline: Pipeline, table: TableName, message: Message): Promise<Outcome> {
  return ingest(pipeline, table, message, accessLines);
}

function faultOfRefusal({ entry, code, reason }: RefusedEntry): Fault {
  return { index: entry.index, data: Buffer.from(entry.text), code, detail: reason };
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
  const entries = deadLetterEntries(message);
  // Its row holds the data twice: in a column and in the entry.
  place.resize(2 * message.data.length);
  const written = await pipeline.dedup.once(table, entries, (unseen) => append(pipeline, table, message, unseen));
  if (written.refused[0] !== undefined) {
    throw new IndelibleError(
      "ERR_APPEND_REFUSED",
      `BigQuery refused the row of a dead letter: ${written.refused[0].reason}`,
    );
  }
  const { accepted, duplicates, conflicts } = written;
  return { accepted: accepted.length, duplicates, conflicts, deadLettered: 0, reasons: {}, ignored: 0 };
}

/** Appends entries as rows, and resolves to those that BigQuery refused. */
function append(
  { appender }: Pick<Pipeline, "appender">,
  table: TableName,
  message: Message,
  entries: readonly Entry[],
): Promise<readonly RefusedRow[]> {
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
  return appender.append(table, rows);
}
