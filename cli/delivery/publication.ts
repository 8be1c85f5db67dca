import type { Publisher } from "@indelible/publisher";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { methodOf, type Entries, type Entry, type LoggedTable } from "./entries.ts";
import { Manifest } from "./manifest.ts";
import type { Reader } from "./warehouse.ts";

/** Entries looked up in the warehouse at a time, before they are published; they are what is held in memory. */
const chunkEntries = 5000;
/** The publisher refuses events beyond its bound, so it is given time before: an import has no agent that waits. */
const maxQueuedBytes = 16 * 1024 * 1024;
/** How long an interruption may go unnoticed. */
const maxFlushMs = 1000;

export interface PublicationOptions {
  /** Given up when Pub/Sub has acknowledged nothing for this long. */
  readonly stallMs: number;
  /** Told how many events were given to the publisher. */
  readonly onProgress: (published: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Publishes `entries` and notes their identities, and whether the warehouse had them before. Resolves when Pub/Sub has
 * acknowledged them all. Its memory is bounded but for the manifest.
 *
 * @throws ERR_PUBLISH when nothing moves any more; AbortError; whatever `entries` throws
 */
export async function publish(
  entries: Entries,
  publisher: Publisher,
  warehouse: Reader,
  options: PublicationOptions,
): Promise<Manifest> {
  const manifest = new Manifest();
  let chunk: Entry[] = [];
  const send = async (): Promise<void> => {
    options.signal.throwIfAborted();
    await enlist(chunk, manifest, warehouse);
    for (const entry of chunk) {
      methodOf(publisher, entry.table)(entry.event);
      if (publisher.stats().queuedBytes > maxQueuedBytes) await drain(publisher, options);
    }
    chunk = [];
    options.onProgress(manifest.events);
  };
  for await (const entry of entries) {
    chunk.push(entry);
    if (chunk.length === chunkEntries) await send();
  }
  await send();
  await drain(publisher, options);
  return manifest;
}

/** Adds a chunk to the manifest, with what the warehouse knows of it beforehand. */
async function enlist(chunk: readonly Entry[], manifest: Manifest, warehouse: Reader): Promise<void> {
  const fresh = new Map<LoggedTable, string[]>();
  for (const { table, event } of chunk) {
    if (manifest.has(table, event.log_id)) continue;
    const ids = fresh.get(table);
    if (ids === undefined) fresh.set(table, [event.log_id]);
    else ids.push(event.log_id);
  }
  const there = new Map<LoggedTable, ReadonlySet<string>>();
  for (const [table, ids] of fresh) there.set(table, await warehouse.present(table, ids));
  const earlier = await warehouse.deadLetters([...fresh.values()].flat());
  for (const { dead_letter_id } of earlier) manifest.earlierDeadLetters.add(dead_letter_id);
  for (const { table, event } of chunk) {
    manifest.add(table, event.log_id, there.get(table)?.has(event.log_id) ?? false);
    manifest.publisherIds.add(event.publisher_id);
  }
}

async function drain(publisher: Publisher, { stallMs, signal }: PublicationOptions): Promise<void> {
  const deadlineMs = Math.min(maxFlushMs, stallMs);
  let lastOutstanding = Infinity;
  for (let stalledMs = 0; ; stalledMs += deadlineMs) {
    signal.throwIfAborted();
    const { outstanding } = await publisher.flush({ deadlineMs });
    if (outstanding === 0) return;
    if (outstanding < lastOutstanding) stalledMs = 0;
    lastOutstanding = outstanding;
    if (stalledMs >= stallMs) {
      throw new IndelibleError(
        "ERR_PUBLISH",
        `Pub/Sub has not acknowledged ${outstanding} events for ${stallMs / 1000} s`,
      );
    }
  }
}
