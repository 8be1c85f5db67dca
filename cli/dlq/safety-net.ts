import { FORWARDED_PREFIX, OUR_PREFIX, RESERVED_PREFIX } from "@indelible/schemas/attributes.ts";
import { derivedId } from "@indelible/schemas/entry.ts";
import { errorKinds } from "@indelible/schemas/errors.ts";
import { deadLetterTopic } from "@indelible/schemas/names.ts";
import { publishAll, type Desk } from "./desk.ts";
import type { DeadLetterReader } from "./warehouse.ts";

/** A message that the safety net holds. */
export interface Held {
  readonly messageId: string;
  /** RFC 3339. */
  readonly publishedAt: string;
  readonly data: Buffer;
  readonly attributes: { readonly [name: string]: string };
}

/** The subscription that keeps every message of the dead-letter topic, whether the function could write it or not. */
export interface SafetyNet {
  /** Some messages that may have been given before; none when Pub/Sub says that it has none now; undefined when it says nothing. */
  pull(): Promise<readonly Held[] | undefined>;
  /** Hands back all that was pulled. Nothing is ever acknowledged. */
  release(): Promise<void>;
}

/** A dead letter, or a part of a large one, that has no row: the first message of it that the safety net gave. */
export interface Missing extends Omit<Held, "data"> {
  /** Undefined when it was not to be kept. */
  readonly data: Buffer | undefined;
  readonly bytes: number;
}

/**
 * Why no more messages were looked at: there are no others; as many as were allowed; no more of them fit into memory; the safety net did not answer,
 * or gave the same ones again and again.
 */
export type Ending = "all" | "limit" | "memory" | "silence" | "repetition";

export interface Comparison {
  /** Messages that were looked at. */
  readonly looked: number;
  readonly ending: Ending;
  readonly missing: readonly Missing[];
}

export interface CompareOptions {
  /** Most messages to look at. */
  readonly limit: number;
  /** Whether what is missing is wanted with its data. */
  readonly withData: boolean;
  /** Most bytes of missing messages to keep; the message that exceeds them is the last. Default: 64 MiB */
  readonly maxBytes?: number;
}

const defaultMaxBytes = 64 * 1024 * 1024;
/** Pub/Sub may say that it has none while some are on their way. */
const emptyPulls = 2;
/** Messages come again when their time is up. So many pulls in a row without a new one, and there may still be others. */
const maxRepetitions = 100;

/** Holds the messages of the safety net against `dead_letters`, and hands them back. */
export async function compare(
  net: SafetyNet,
  reader: DeadLetterReader,
  { limit, withData, maxBytes = defaultMaxBytes }: CompareOptions,
): Promise<Comparison> {
  const seen = new Set<string>();
  const missing = new Map<string, Missing>();
  let [bytes, empty, repeated] = [0, 0, 0];
  const ended = (ending: Ending): Comparison => ({ looked: seen.size, ending, missing: [...missing.values()] });
  try {
    while (seen.size < limit) {
      const pulled = await net.pull();
      if (pulled === undefined) return ended("silence");
      empty = pulled.length === 0 ? empty + 1 : 0;
      if (empty === emptyPulls) return ended("all");
      const fresh = pulled.filter(({ messageId }) => !seen.has(messageId)).slice(0, limit - seen.size);
      repeated = pulled.length > 0 && fresh.length === 0 ? repeated + 1 : 0;
      if (repeated === maxRepetitions) return ended("repetition");
      if (fresh.length === 0) continue;
      const present = await reader.present("dead_letters", fresh.flatMap(idsOf));
      for (const held of fresh) {
        seen.add(held.messageId);
        // What was restored is in the safety net too, once more each time.
        const identity = identityOf(held);
        if (missing.has(identity) || idsOf(held).some((id) => present.has(id))) continue;
        const data = withData ? held.data : undefined;
        missing.set(identity, { ...held, data, bytes: held.data.length });
        bytes += (data?.length ?? 0) + attributeBytes(held);
        if (bytes > maxBytes) return ended("memory");
      }
    }
    return ended("limit");
  } finally {
    await net.release();
  }
}

function attributeBytes({ attributes }: Held): number {
  return Object.entries(attributes).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}

/** The same for all messages that are one dead letter: what nobody explained is each its own. */
function identityOf(held: Held): string {
  const [explained = "", unexplained = ""] = idsOf(held);
  return isRestorable(held) ? explained : unexplained;
}

/** Publishes to the dead-letter topic once more what was kept with its data. Done twice it is still one dead letter each. */
export async function restore(desk: Desk, messages: readonly Missing[]): Promise<void> {
  const again = messages.flatMap(({ data, attributes }) =>
    data === undefined ? [] : [{ data, attributes: withoutReserved(attributes) }],
  );
  await publishAll(desk, deadLetterTopic(desk.topicPrefix), again);
}

/** Attributes that only Pub/Sub may give cannot be published. */
function withoutReserved(attributes: Held["attributes"]): Held["attributes"] {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !name.startsWith(RESERVED_PREFIX)));
}

/** The IDs that the row of a message may have: as one that explains itself, and as one that does not. SPEC.md §7. */
function idsOf({ messageId, attributes }: Pick<Held, "messageId" | "attributes">): string[] {
  const of = (name: string): string => attributes[`${OUR_PREFIX}${name}`] ?? "";
  const part = Number(of("part") || 1);
  const explained = [of("table"), of("message_id"), of("index"), ...(part > 1 ? [part] : [])];
  return [derivedId("dead-letter", ...explained), derivedId("dead-letter", "", messageId, "")];
}

/**
 * Whether a message can be published to the dead-letter topic once more as the same dead letter, however often. One that Pub/Sub has forwarded, or
 * that nobody explained, is known by its message's ID alone, and would be another one.
 */
export function isRestorable({ attributes }: Pick<Held, "attributes">): boolean {
  const names = ["table", "message_id", "published_at"];
  // The subscriber takes one with another reason for one that nobody explained.
  const isExplained = Object.hasOwn(errorKinds, attributes[`${OUR_PREFIX}reason`] ?? "");
  return isExplained && names.every((name) => attributes[`${OUR_PREFIX}${name}`] !== undefined);
}

/** The reason as far as the message says it. */
export function reasonOf({ attributes }: Pick<Held, "attributes">): {
  readonly reason: string;
  readonly detail: string;
  readonly table: string;
} {
  const of = (name: string): string | undefined => attributes[`${OUR_PREFIX}${name}`];
  const source = attributes[`${FORWARDED_PREFIX}Subscription`];
  return {
    reason: of("reason") ?? (source === undefined ? "ERR_UNEXPLAINED" : "ERR_DELIVERY_ATTEMPTS"),
    detail: of("detail") ?? source ?? "",
    table: of("table") ?? "?",
  };
}
