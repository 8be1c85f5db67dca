import { canonicalizerOf } from "@indelible/schemas/canonicalizer.ts";
import { derivedId, entryHash } from "@indelible/schemas/entry.ts";
import { rowEncoderOf } from "@indelible/schemas/protobuf.ts";
import { tables, type Event, type TableName } from "@indelible/schemas/tables.ts";
import { formatTimestamp } from "@indelible/schemas/timestamp.ts";
import type { Appender } from "@indelible/subscriber/appender.ts";
import { reasonPattern } from "@indelible/subscriber/reason-pattern.ts";
import { ingestedAtOf, logIdOf } from "../ledger/conversations.ts";
import { START } from "../ledger/filled-warehouse.ts";

const details: readonly (readonly [reason: string, table: TableName, detail: string])[] = [
  ["ERR_INVALID_EVENT", "thinking_logs", "confidence_level must be <= 1"],
  ["ERR_INVALID_EVENT", "conversations", "the event lacks business_id"],
  ["ERR_UNKNOWN_FIELD", "action_logs", 'the event has the field "mood", which action_logs does not'],
  ["ERR_LOSSY_NUMBER", "mcp_usage_logs", "the number 9007199254740993 would be read as 9007199254740992"],
  ["ERR_NOT_JSON", "decision_logs", "the event is not JSON"],
];

/** One of so many was delivered twice. */
const TWICE_EVERY = 20;
/** One of so many has a review. */
const REVIEWED_EVERY = 10;
const ROWS_PER_CALL = 1000;

export interface Filled {
  /** Dead letters, each once. */
  readonly letters: number;
  readonly open: number;
}

/** Appends `count` dead letters of five groups with 1.2 KB of data each; every tenth has a review, every twentieth was delivered twice. */
export async function fillDeadLetters(appender: Appender, count: number): Promise<Filled> {
  let open = 0;
  for (let from = 0; from < count; from += ROWS_PER_CALL) {
    const letters: Uint8Array[] = [];
    const reviews: Uint8Array[] = [];
    for (let index = from; index < Math.min(count, from + ROWS_PER_CALL); index += 1) {
      const letter = deadLetter(index);
      letters.push(letter);
      if (index % TWICE_EVERY === 0) letters.push(letter);
      if (index % REVIEWED_EVERY === 0) reviews.push(review(index));
      else open += 1;
    }
    await Promise.all([
      appender.append(
        "dead_letters",
        letters.map((row) => () => row),
      ),
      appender.append(
        "dead_letter_reviews",
        reviews.map((row) => () => row),
      ),
    ]);
  }
  return { letters: count, open };
}

export function deadLetterId(index: number): string {
  return derivedId("dead-letter", "bench", index);
}

function deadLetter(index: number): Uint8Array {
  const micros = ingestedAtOf(START, index);
  const [reason, table, detail] = details[index % details.length] ?? details[0]!;
  const data = JSON.stringify({ conversation_id: `c-${index}`, agent_position: "CFO", text: "x".repeat(1200) });
  return encoded("dead_letters", index, {
    log_id: deadLetterId(index),
    dead_letter_id: deadLetterId(index),
    reason,
    reason_detail: detail,
    reason_pattern: reasonPattern(detail),
    source_table: table,
    source_message_id: String(index),
    source_published_at: formatTimestamp(micros - 200_000),
    source_index: 0,
    source_log_id: logIdOf(micros, index),
    source_attributes: { format: "ndjson" },
    data,
    data_bytes: data.length,
  });
}

function review(index: number): Uint8Array {
  const micros = ingestedAtOf(START, index) + 60_000_000;
  const id = logIdOf(micros, index);
  return encoded("dead_letter_reviews", index, {
    log_id: id,
    review_id: id,
    dead_letter_id: deadLetterId(index),
    reviewed_at: formatTimestamp(micros),
    reviewer: "ops@desk",
    decision: index % (2 * REVIEWED_EVERY) === 0 ? "discard" : "replay",
  });
}

function encoded(name: TableName, index: number, event: Event): Uint8Array {
  const entry = canonicalizerOf(tables[name])(event);
  const micros = ingestedAtOf(START, index);
  return rowEncoderOf(tables[name])(event, {
    published_at: micros - 100_000,
    message_id: String(index),
    ingested_at: micros,
    schema_version: tables[name].version,
    entry,
    entry_hash: entryHash(entry),
  });
}
