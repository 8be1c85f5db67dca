import { setTimeout as delay } from "node:timers/promises";
import type { LoggedTable } from "./entries.ts";
import type { Manifest } from "./manifest.ts";
import type { Reader, StoredDeadLetter } from "./warehouse.ts";

const firstPauseMs = 50;
const maxPauseMs = 1000;

export interface ArrivalOptions {
  /** Given up when nothing at all has arrived for this long. */
  readonly stallMs: number;
  /** Told how many `log_id`s of how many have arrived. */
  readonly onProgress: (arrived: number, total: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Waits until each `log_id` of the manifest is in the history or among the dead letters, or nothing moves any more;
 * which of the two it was, the accounting finds out.
 *
 * @throws AbortError; ERR_DEADLINE when the warehouse stays away
 */
export async function awaitArrival(manifest: Manifest, warehouse: Reader, options: ArrivalOptions): Promise<void> {
  const pending = new Map<LoggedTable, string[]>();
  let total = 0;
  for (const [table, items] of manifest.items) {
    pending.set(
      table,
      [...items].filter(([, { wasThere }]) => !wasThere).map(([logId]) => logId),
    );
    total += items.size;
  }
  const count = (): number => [...pending.values()].reduce((sum, ids) => sum + ids.length, 0);

  let pauseMs = firstPauseMs;
  let lastArrivalAt = performance.now();
  for (let left = count(); left > 0;) {
    const before = left;
    await removePresent(pending, warehouse);
    // Dead letters are few: they are looked for when nothing else moves.
    if (count() === before) await removeDead(pending, manifest, warehouse);
    left = count();
    options.onProgress(total - left, total);
    if (left < before) {
      lastArrivalAt = performance.now();
      pauseMs = firstPauseMs;
    } else if (performance.now() - lastArrivalAt > options.stallMs) return;
    if (left > 0) await delay(pauseMs, undefined, { signal: options.signal });
    pauseMs = Math.min(maxPauseMs, pauseMs * 2);
  }
}

async function removePresent(pending: Map<LoggedTable, string[]>, warehouse: Reader): Promise<void> {
  for (const [table, ids] of pending) {
    const present = await warehouse.present(table, ids);
    pending.set(
      table,
      ids.filter((id) => !present.has(id)),
    );
  }
}

async function removeDead(pending: Map<LoggedTable, string[]>, manifest: Manifest, warehouse: Reader): Promise<void> {
  const deadLetters = await newDeadLetters(manifest, warehouse, [...pending.values()].flat());
  const dead = new Set(deadLetters.map(({ source_table, source_log_id }) => `${source_table}\n${source_log_id}`));
  for (const [table, ids] of pending)
    pending.set(
      table,
      ids.filter((id) => !dead.has(`${table}\n${id}`)),
    );
}

/** Dead letters of these `log_id`s that no earlier run left. */
export async function newDeadLetters(
  manifest: Manifest,
  warehouse: Reader,
  logIds: readonly string[],
): Promise<StoredDeadLetter[]> {
  const found = await warehouse.deadLetters(logIds);
  return found.filter(({ dead_letter_id }) => !manifest.earlierDeadLetters.has(dead_letter_id));
}
