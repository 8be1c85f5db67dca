import type { LoggedTable } from "./entries.ts";

/** One `log_id` that this run published. */
export interface ManifestItem {
  /** How often. */
  readonly times: number;
  /** Whether the history had it before this run published it. */
  readonly wasThere: boolean;
}

/** What a run published, by identity. Grows while it publishes. */
export class Manifest {
  readonly #items = new Map<LoggedTable, Map<string, ManifestItem>>();
  /** Dead letters of the same `log_id`s that earlier runs left. */
  readonly earlierDeadLetters: Set<string> = new Set();
  readonly publisherIds: Set<string> = new Set();
  #events = 0;

  /** Events published, repetitions included. */
  get events(): number {
    return this.#events;
  }

  get items(): ReadonlyMap<LoggedTable, ReadonlyMap<string, ManifestItem>> {
    return this.#items;
  }

  has(table: LoggedTable, logId: string): boolean {
    return this.#items.get(table)?.has(logId) ?? false;
  }

  /** @param wasThere looked at only when this run publishes `logId` for the first time */
  add(table: LoggedTable, logId: string, wasThere: boolean): void {
    let items = this.#items.get(table);
    if (items === undefined) this.#items.set(table, (items = new Map()));
    const item = items.get(logId);
    items.set(logId, { times: (item?.times ?? 0) + 1, wasThere: item?.wasThere ?? wasThere });
    this.#events += 1;
  }
}
