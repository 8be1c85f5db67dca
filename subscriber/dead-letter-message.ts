import {
  MAX_ATTRIBUTE_VALUE_BYTES,
  MAX_ATTRIBUTES,
  OUR_PREFIX,
  RESERVED_PREFIX,
  replayAttributes,
} from "@indelible/schemas/attributes.ts";
import { logIdOfMessage } from "@indelible/schemas/entry.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { formatTimestamp } from "@indelible/schemas/timestamp.ts";
import type { TransportMessage } from "@indelible/publisher/transport.ts";
import { splitBytes } from "./byte-parts.ts";
import type { Fault } from "./decode.ts";
import { originOf, type Message } from "./message.ts";

/**
 * Most bytes of the original that one part of a dead letter holds. Its row has them twice, in a column and, up to six times as long for the
 * escapes, in the entry; with the attributes, which stand twice too, that is at most 8.9 MB, and a request takes 9 MiB.
 */
export const MAX_PART_BYTES: number = 1024 * 1024;

/** Value of `indelible.content` on a part whose data is not the original's but a JSON object of attributes. */
export const ATTRIBUTES_CONTENT = "attributes";

/** Attributes that we add at most: those of {@link reasonAttributes}, two for parts, one for their content. */
const MAX_OURS = 13;

/**
 * The messages of the dead-letter topic that tell of one fault: one, or several parts where the data is large. They hold everything
 * that the original had, and stay within Pub/Sub's limits whatever it was.
 */
export function deadLetterMessages(table: TableName, message: Message, fault: Fault): TransportMessage[] {
  const { kept, rest } = originalAttributes(message);
  const bodies: TransportMessage[] = splitBytes(fault.data, MAX_PART_BYTES).map((data, index) => ({
    data,
    attributes: index === 0 ? kept : {},
  }));
  if (Object.keys(rest).length > 0) {
    const attributes = { [`${OUR_PREFIX}content`]: ATTRIBUTES_CONTENT };
    bodies.push({ data: Buffer.from(JSON.stringify(rest)), attributes });
  }
  const ours = reasonAttributes(table, message, fault);
  return bodies.map(({ data, attributes }, index) => ({
    data,
    attributes: { ...attributes, ...ours, ...(bodies.length > 1 && partAttributes(index + 1, bodies.length)) },
  }));
}

function reasonAttributes(table: TableName, message: Message, fault: Fault): { [name: string]: string } {
  const origin = originOf(message);
  const ours: { [name: string]: string } = {
    [`${OUR_PREFIX}reason`]: fault.code,
    [`${OUR_PREFIX}detail`]: cut(fault.detail),
    [`${OUR_PREFIX}table`]: table,
    [`${OUR_PREFIX}message_id`]: message.id,
    [`${OUR_PREFIX}published_at`]: formatTimestamp(message.publishedAt),
  };
  if (fault.index !== undefined) {
    const index = origin.index + fault.index;
    ours[`${OUR_PREFIX}index`] = String(fault.index);
    ours[`${OUR_PREFIX}log_id`] = logIdOf(fault.data) ?? logIdOfMessage(table, origin.messageId, index);
  }
  if (origin.replayOf !== undefined) {
    ours[`${OUR_PREFIX}replay_of`] = origin.replayOf;
    ours[`${OUR_PREFIX}origin_message_id`] = origin.messageId;
    if (fault.index !== undefined) ours[`${OUR_PREFIX}origin_index`] = String(origin.index + fault.index);
  }
  return ours;
}

function partAttributes(part: number, parts: number): { [name: string]: string } {
  return { [`${OUR_PREFIX}part`]: String(part), [`${OUR_PREFIX}parts`]: String(parts) };
}

/** The attributes of the original: those that may be attributes again, and the rest. Those of a replay are told by ours. */
function originalAttributes(message: Message): { kept: { [name: string]: string }; rest: { [name: string]: string } } {
  const isReplay = originOf(message).replayOf !== undefined;
  const told: readonly string[] = isReplay ? Object.values(replayAttributes) : [];
  const originals = Object.entries(message.attributes).filter(([name]) => !told.includes(name));
  const mayStay = ([name]: [string, string]): boolean =>
    !name.startsWith(OUR_PREFIX) && !name.startsWith(RESERVED_PREFIX);
  const fit = originals.filter(mayStay).slice(0, MAX_ATTRIBUTES - MAX_OURS);
  const names = new Set(fit.map(([name]) => name));
  return { kept: Object.fromEntries(fit), rest: Object.fromEntries(originals.filter(([name]) => !names.has(name))) };
}

/** The `log_id` of an event that is otherwise at fault, where it can be read and is one. */
function logIdOf(data: Buffer): string | undefined {
  try {
    const value = JSON.parse(data.toString()) as { log_id?: unknown } | null;
    const logId = value?.log_id;
    return typeof logId === "string" && uuid.test(logId) ? logId : undefined;
  } catch {
    return undefined;
  }
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** `text` as the value of an attribute: at most 1,024 bytes. */
export function cut(text: string): string {
  const bytes = Buffer.from(text.toWellFormed());
  if (bytes.length <= MAX_ATTRIBUTE_VALUE_BYTES) return bytes.toString();
  return `${new TextDecoder().decode(bytes.subarray(0, MAX_ATTRIBUTE_VALUE_BYTES - 8), { stream: true })}…`;
}
