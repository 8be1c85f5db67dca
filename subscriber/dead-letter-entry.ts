import { isUtf8 } from "node:buffer";
import { FORWARDED_PREFIX, OUR_PREFIX } from "@indelible/schemas/attributes.ts";
import { canonicalizerOf } from "@indelible/schemas/canonicalizer.ts";
import { derivedId, entryHash } from "@indelible/schemas/entry.ts";
import { errorKinds, type ErrorCode } from "@indelible/schemas/errors.ts";
import { tableOfSubscription } from "@indelible/schemas/names.ts";
import { tables, type Event } from "@indelible/schemas/tables.ts";
import { formatTimestamp } from "@indelible/schemas/timestamp.ts";
import { assertEvent } from "@indelible/schemas/validator.ts";
import { splitBytes } from "./byte-parts.ts";
import { ATTRIBUTES_CONTENT, cut, MAX_PART_BYTES } from "./dead-letter-message.ts";
import type { Entry } from "./hash.ts";
import { originOf, type Message } from "./message.ts";
import { reasonPattern } from "./reason-pattern.ts";

/**
 * The rows of `dead_letters` that a message of the dead-letter topic becomes: one, or several parts where its data is too large for one.
 * Every such message becomes some, also those that Pub/Sub forwarded after the last delivery attempt, and those that somebody else
 * put there.
 */
export function deadLetterEntries(message: Message): Entry[] {
  const events = explained(message) ?? unexplained(message);
  return events.map((event, index) => {
    const entry = canonicalizerOf(tables.dead_letters)(event);
    return { index, text: entry, event, logId: event["log_id"] as string, entry, entryHash: entryHash(entry) };
  });
}

/** Undefined when our attributes are not there or are forged. Then the message is kept as one that nobody explained. */
function explained(message: Message): Event[] | undefined {
  const of = (name: string): string | undefined => message.attributes[`${OUR_PREFIX}${name}`];
  if (!Object.hasOwn(errorKinds, of("reason") ?? "")) return undefined;
  const detail = of("detail");
  const source: Event = {
    reason: of("reason"),
    reason_detail: detail,
    ...(detail !== undefined && { reason_pattern: reasonPattern(detail) }),
    source_table: of("table"),
    source_message_id: of("message_id"),
    source_published_at: of("published_at"),
    source_index: wholeNumber(of("index")) ?? null,
    source_log_id: of("log_id") ?? null,
    ...(of("replay_of") !== undefined && {
      replay_of: of("replay_of"),
      origin_message_id: of("origin_message_id"),
      origin_index: wholeNumber(of("origin_index")) ?? null,
    }),
  };
  const identity: Identity = [of("table") ?? "", of("message_id") ?? "", of("index") ?? ""];
  const events =
    of("part") === undefined
      ? partsOf(message, source, identity)
      : onePart(message, source, identity, wholeNumber(of("part")), wholeNumber(of("parts")), of("content"));
  return events?.every(isValid) ? events : undefined;
}

/** A message that is one part already; undefined when it cannot be one. */
function onePart(
  message: Message,
  source: Event,
  identity: Identity,
  part: number | undefined,
  parts: number | undefined,
  content: string | undefined,
): Event[] | undefined {
  if (part === undefined || parts === undefined || part > parts || message.data.length > MAX_PART_BYTES)
    return undefined;
  const identified = { ...identityColumns(identity, part), ...source, part, parts };
  if (content !== ATTRIBUTES_CONTENT) {
    return [{ ...identified, source_attributes: originalsOf(message), ...dataColumns(message.data) }];
  }
  const attributes = parsed(message.data);
  return attributes === undefined ? undefined : [{ ...identified, source_attributes: attributes, data_bytes: 0 }];
}

function unexplained(message: Message): Event[] {
  const forwardedFrom = message.attributes[`${FORWARDED_PREFIX}Subscription`];
  const reason: ErrorCode = forwardedFrom === undefined ? "ERR_UNEXPLAINED" : "ERR_DELIVERY_ATTEMPTS";
  const table = forwardedFrom === undefined ? undefined : tableOfSubscription(forwardedFrom);
  const origin = originOf(message);
  const detail = `${errorKinds[reason].meaning}${forwardedFrom === undefined ? "" : ` Subscription: ${cut(forwardedFrom)}`}`;
  const source: Event = {
    reason,
    reason_detail: detail,
    reason_pattern: reasonPattern(detail),
    ...(table !== undefined && { source_table: table }),
    source_message_id: message.id,
    source_published_at: formatTimestamp(message.publishedAt),
    // Of a replay that Pub/Sub forwarded: another one must find out where the events came from.
    ...(origin.replayOf !== undefined && {
      replay_of: origin.replayOf,
      origin_message_id: origin.messageId,
      origin_index: origin.index,
    }),
  };
  return partsOf(message, source, ["", message.id, ""]);
}

/** Table, message ID and index of the source, as texts. */
type Identity = readonly [string, string, string];

function partsOf(message: Message, source: Event, identity: Identity): Event[] {
  const bodies = splitBytes(message.data, MAX_PART_BYTES);
  return bodies.map((data, index) => ({
    ...identityColumns(identity, index + 1),
    ...source,
    ...(bodies.length > 1 && { part: index + 1, parts: bodies.length }),
    source_attributes: index === 0 ? originalsOf(message) : {},
    ...dataColumns(data),
  }));
}

function identityColumns(identity: Identity, part: number): Event {
  const id = derivedId("dead-letter", ...identity, ...(part > 1 ? [part] : []));
  return { log_id: id, dead_letter_id: id };
}

function originalsOf({ attributes }: Message): Event {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !name.startsWith(OUR_PREFIX)));
}

function dataColumns(data: Buffer): Event {
  const content = isUtf8(data) ? { data: data.toString() } : { data_base64: data.toString("base64") };
  return { ...content, data_bytes: data.length };
}

function isValid(event: Event): boolean {
  try {
    assertEvent("dead_letters", event);
    return true;
  } catch {
    return false;
  }
}

function parsed(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString());
  } catch {
    return undefined;
  }
}

/** NaN for what is there and is none, so that it is found to be forged. */
function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return /^\d{1,15}$/.test(text) ? Number(text) : NaN;
}
