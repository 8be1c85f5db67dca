import { canonicalizerOf } from "@indelible/schemas/canonicalizer.ts";
import { entryHash } from "@indelible/schemas/entry.ts";
import { rowEncoderOf } from "@indelible/schemas/protobuf.ts";
import { tables, type Event } from "@indelible/schemas/tables.ts";
import { formatTimestamp } from "@indelible/schemas/timestamp.ts";

/** Rows a second, by their `ingested_at`: what the pipeline of one machine takes. */
export const ROWS_PER_SECOND = 25_000;
/** As the appender does, rows that come in together have the same time. */
const ROWS_PER_STAMP = 500;

const prompt = "Please compare the spend of March with the plan, by channel, and say what we should change. ".repeat(5);
const response =
  "The paid channels are 12 % over plan, mostly because of the test in week two; organic is on plan. ".repeat(5);

/** Microseconds since 1970 of row `index` of a log that begins at `start`. */
export function ingestedAtOf(start: number, index: number): number {
  return start + Math.floor(index / ROWS_PER_STAMP) * ((ROWS_PER_STAMP * 1_000_000) / ROWS_PER_SECOND);
}

/** UUIDv7 of a time in microseconds, that tells rows apart by their number. */
export function logIdOf(micros: number, index: number): string {
  const time = Math.floor(micros / 1000)
    .toString(16)
    .padStart(12, "0");
  const tail = index.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${tail}`;
}

/** A row of `conversations`, encoded: about 1.2 KB of entry. */
export function encodedConversation(start: number, index: number): Uint8Array {
  const ingestedAt = ingestedAtOf(start, index);
  const event: Event = {
    log_id: logIdOf(ingestedAt, index),
    conversation_id: `conversation-${index}`,
    business_id: "acme",
    agent_position: "CFO",
    started_at: formatTimestamp(ingestedAt - 9_000_000),
    ended_at: formatTimestamp(ingestedAt - 1_000_000),
    duration_seconds: 8,
    model_provider: "openrouter",
    model_name: "claude-3.5-sonnet",
    input_tokens: 1200 + (index % 500),
    output_tokens: 300,
    total_tokens: 1500 + (index % 500),
    cost_usd: 0.0123,
    user_prompt_preview: prompt.slice(0, 330),
    response_preview: response.slice(0, 360),
    status: "completed",
    logged_at: formatTimestamp(ingestedAt - 500_000),
    publisher_id: `publisher-${index % 8}`,
    seq: Math.floor(index / 8) + 1,
  };
  const entry = canonicalizerOf(tables.conversations)(event);
  return rowEncoderOf(tables.conversations)(event, {
    published_at: ingestedAt - 100_000,
    message_id: String(1_000_000_000 + Math.floor(index / 100)),
    ingested_at: ingestedAt,
    schema_version: tables.conversations.version,
    entry,
    entry_hash: entryHash(entry),
  });
}
