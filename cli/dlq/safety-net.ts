import { FORWARDED_PREFIX, OUR_PREFIX } from "@indelible/schemas/attributes.ts";
import { derivedId } from "@indelible/schemas/entry.ts";
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
  /** Some messages that may have been given before; none when it gives none for a while. */
  pull(): Promise<readonly Held[]>;
  /** Hands back all that was pulled. Nothing is ever acknowledged. */
  release(): Promise<void>;
}

export interface Comparison {
  /** Messages that were looked at. */
  readonly looked: number;
  /** Whether those were all that the safety net gave. */
  readonly complete: boolean;
  /** Those of which there is no row. */
  readonly missing: readonly Held[];
}

/**
 * Holds the messages of the safety net against `dead_letters`, and hands them back.
 *
 * @param limit most messages to look at; they are in memory, those that have a row without their data
 */
export async function compare(net: SafetyNet, reader: DeadLetterReader, limit: number): Promise<Comparison> {
  const seen = new Set<string>();
  const missing: Held[] = [];
  try {
    while (seen.size < limit) {
      const pulled = await net.pull();
      const fresh = pulled.filter(({ messageId }) => !seen.has(messageId)).slice(0, limit - seen.size);
      if (fresh.length === 0) return { looked: seen.size, complete: true, missing };
      for (const { messageId } of fresh) seen.add(messageId);
      const present = await reader.present("dead_letters", fresh.flatMap(idsOf));
      missing.push(...fresh.filter((held) => !idsOf(held).some((id) => present.has(id))));
    }
    return { looked: seen.size, complete: false, missing };
  } finally {
    await net.release();
  }
}

/** The IDs that the row of a message may have: as one that explains itself, and as one that does not. SPEC.md §7. */
function idsOf({ messageId, attributes }: Held): string[] {
  const of = (name: string): string => attributes[`${OUR_PREFIX}${name}`] ?? "";
  const part = Number(of("part") || 1);
  const explained = [of("table"), of("message_id"), of("index"), ...(part > 1 ? [part] : [])];
  return [derivedId("dead-letter", ...explained), derivedId("dead-letter", "", messageId, "")];
}

/**
 * Whether a message can be published to the dead-letter topic once more as the same dead letter, however often. One that Pub/Sub has forwarded, or
 * that nobody explained, is known by its message's ID alone, and would be another one.
 */
export function isRestorable({ attributes }: Held): boolean {
  const names = ["reason", "table", "message_id", "published_at"];
  return names.every((name) => attributes[`${OUR_PREFIX}${name}`] !== undefined);
}

/** The reason as far as the message says it. */
export function reasonOf({ attributes }: Held): {
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
