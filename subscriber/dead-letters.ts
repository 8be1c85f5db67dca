import { isUtf8 } from "node:buffer";
import type { PubSub, Topic } from "@google-cloud/pubsub";
import { canonicalizerOf } from "@indelible/schemas/canonicalizer.ts";
import { derivedId, entryHash } from "@indelible/schemas/entry.ts";
import { errorKinds, IndelibleError, type ErrorCode } from "@indelible/schemas/errors.ts";
import { tables, type Event, type TableName } from "@indelible/schemas/tables.ts";
import { formatTimestamp } from "@indelible/schemas/timestamp.ts";
import { assertEvent } from "@indelible/schemas/validator.ts";
import type { Fault } from "./decode.ts";
import type { Entry } from "./hash.ts";
import type { Message } from "./message.ts";

/** Publishes what could not be accepted. */
export interface DeadLetters {
  /**
   * Resolves when Pub/Sub has acknowledged a dead letter for each fault; only then may the message be acknowledged.
   * @throws ERR_PUBLISH, retryable: some may not be published
   */
  publish(table: TableName, message: Message, faults: readonly Fault[]): Promise<void>;
}

/** What we add to the attributes of the original message. SPEC.md has the format. */
const OURS = "indelible.";
/** What Pub/Sub adds when it forwards a message by itself. */
const GOOGLES = "CloudPubSubDeadLetterSource";
/** Pub/Sub's limits: attributes of a message, bytes of a value. */
const MAX_ATTRIBUTES = 100;
const MAX_VALUE_BYTES = 1024;
/** Data above this leaves no room in a row, where it stands twice (in the entry, escaped, and in its column). */
const MAX_ROW_DATA_BYTES = 2 * 1024 * 1024;

/** A publisher of dead letters to `topic`, with a deadline of `deadlineMs`, default 10,000, for each. */
export function pubsubDeadLetters(pubsub: PubSub, topicId: string, deadlineMs = 10_000): DeadLetters {
  // One Topic for good: a new one for each publish would not batch.
  const topic = pubsub.topic(topicId, { gaxOpts: { timeout: deadlineMs }, batching: { maxMilliseconds: 5 } });
  return {
    async publish(table, message, faults) {
      const results = await Promise.allSettled(faults.map((fault) => publishOne(topic, table, message, fault)));
      const failed = results.filter((result) => result.status === "rejected");
      if (failed[0] === undefined) return;
      const text = `${failed.length} of ${faults.length} dead letters of message ${message.id} were not published`;
      throw new IndelibleError("ERR_PUBLISH", text, { cause: failed[0].reason });
    },
  };
}

function publishOne(topic: Topic, table: TableName, message: Message, fault: Fault): Promise<string> {
  const ours: { [name: string]: string } = {
    [`${OURS}reason`]: fault.code,
    [`${OURS}detail`]: cut(fault.detail),
    [`${OURS}table`]: table,
    [`${OURS}message_id`]: message.id,
    [`${OURS}published_at`]: formatTimestamp(message.publishedAt),
  };
  if (fault.index !== undefined) ours[`${OURS}index`] = String(fault.index);
  const logId = logIdOf(fault.data);
  if (logId !== undefined) ours[`${OURS}log_id`] = logId;
  const originals = Object.entries(message.attributes).filter(([name]) => !name.startsWith(OURS));
  const room = MAX_ATTRIBUTES - Object.keys(ours).length;
  return topic.publishMessage({
    data: fault.data,
    attributes: { ...Object.fromEntries(originals.slice(0, room)), ...ours },
  });
}

/** The `log_id` of an event that is otherwise at fault, where it can be read at all. */
function logIdOf(data: Buffer): string | undefined {
  try {
    const value = JSON.parse(data.toString()) as { log_id?: unknown } | null;
    return typeof value?.log_id === "string" ? cut(value.log_id) : undefined;
  } catch {
    // Not JSON: that is the fault, or one of several.
    return undefined;
  }
}

function cut(text: string): string {
  const bytes = Buffer.from(text.toWellFormed());
  if (bytes.length <= MAX_VALUE_BYTES) return bytes.toString();
  return `${new TextDecoder().decode(bytes.subarray(0, MAX_VALUE_BYTES - 8), { stream: true })}…`;
}

/**
 * The row of `dead_letters` that a message of the dead-letter topic becomes. Every such message becomes one, also those that
 * Pub/Sub forwarded after the last delivery attempt, and those that somebody else put there.
 */
export function deadLetterEntry(message: Message): Entry {
  const explained = explainedEvent(message);
  const event = isExplained(explained) ? explained : unexplainedEvent(message);
  const entry = canonicalizerOf(tables.dead_letters)(event);
  return { index: 0, text: entry, event, logId: event["log_id"] as string, entry, entryHash: entryHash(entry) };
}

/** Whether our attributes are there and not forged. Otherwise the message is kept as one that nobody explained. */
function isExplained(event: Event): boolean {
  try {
    assertEvent("dead_letters", event);
    return Object.hasOwn(errorKinds, event["reason"] as string);
  } catch {
    return false;
  }
}

function explainedEvent(message: Message): Event {
  const of = (name: string): string | undefined => message.attributes[`${OURS}${name}`];
  const id = derivedId("dead-letter", of("table") ?? "", of("message_id") ?? "", of("index") ?? "");
  return {
    log_id: id,
    dead_letter_id: id,
    reason: of("reason"),
    reason_detail: of("detail"),
    source_table: of("table"),
    source_message_id: of("message_id"),
    source_published_at: of("published_at"),
    source_index: of("index") === undefined ? null : Number(of("index")),
    source_log_id: of("log_id") ?? null,
    ...contentOf(message),
  };
}

function unexplainedEvent(message: Message): Event {
  const forwardedFrom = message.attributes[`${GOOGLES}Subscription`];
  const reason: ErrorCode = forwardedFrom === undefined ? "ERR_UNEXPLAINED" : "ERR_DELIVERY_ATTEMPTS";
  const id = derivedId("dead-letter", "", message.id, "");
  return {
    log_id: id,
    dead_letter_id: id,
    reason,
    reason_detail: `${errorKinds[reason].meaning}${forwardedFrom === undefined ? "" : ` Subscription: ${cut(forwardedFrom)}`}`,
    source_message_id: message.id,
    source_published_at: formatTimestamp(message.publishedAt),
    ...contentOf(message),
  };
}

function contentOf({ attributes, data }: Message): Event {
  const originals = Object.entries(attributes).filter(([name]) => !name.startsWith(OURS));
  const kept = data.length <= MAX_ROW_DATA_BYTES;
  return {
    source_attributes: Object.fromEntries(originals),
    ...(kept && (isUtf8(data) ? { data: data.toString() } : { data_base64: data.toString("base64") })),
    data_bytes: data.length,
  };
}
