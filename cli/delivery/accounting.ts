import type { LoggedTable } from "./entries.ts";
import type { ManifestItem } from "./manifest.ts";

/**
 * What became of the events that a run published into one table. Always `published = rows + duplicates + deadLetters +
 * missing`; all of it goes by `log_id`, so that it holds when a process was killed in the middle and messages came
 * twice.
 */
export interface TableAccount {
  readonly table: LoggedTable;
  readonly published: number;
  /** Entries that the history has now and had not before. */
  readonly rows: number;
  /** Published again: in this run, or by an earlier one. */
  readonly duplicates: number;
  readonly deadLetters: number;
  /** Neither in the history nor a dead letter. */
  readonly missing: number;
  /** Entries that appeared during the run though it did not publish them. */
  readonly extra: number;
}

export interface TableFindings {
  /** `log_id`s of the run that the history has now. */
  readonly present: ReadonlySet<string>;
  /** How many dead letters of a `log_id` are new. */
  readonly newDeadLetters: ReadonlyMap<string, number>;
  readonly extra: number;
}

export interface Accounted {
  readonly account: TableAccount;
  readonly missingIds: readonly string[];
}

export function accountFor(
  table: LoggedTable,
  items: ReadonlyMap<string, ManifestItem>,
  { present, newDeadLetters, extra }: TableFindings,
): Accounted {
  const missingIds: string[] = [];
  let [published, rows, duplicates, deadLetters] = [0, 0, 0, 0];
  for (const [logId, { times, wasThere }] of items) {
    // A message that was delivered twice may have left two dead letters of one event.
    const dead = Math.min(times, newDeadLetters.get(logId) ?? 0);
    const rest = times - dead;
    published += times;
    deadLetters += dead;
    if (rest === 0) continue;
    if (wasThere) duplicates += rest;
    else if (present.has(logId)) {
      rows += 1;
      duplicates += rest - 1;
    } else missingIds.push(...Array.from({ length: rest }, () => logId));
  }
  const missing = missingIds.length;
  return { account: { table, published, rows, duplicates, deadLetters, missing, extra }, missingIds };
}
