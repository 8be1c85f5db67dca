import type { TableName } from "@indelible/schemas/tables.ts";
import { LRUCache } from "lru-cache";
import type { Entry } from "./hash.ts";

/**
 * Remembers what was appended, so that a redelivery is not appended again. It saves rows; it is not what makes the log
 * exact: the history views collapse what slips through.
 *
 * It goes by `entry_hash`, which stands for `log_id` and content alike. An entry with a known `log_id` and other content is
 * a conflict, not a duplicate: it is kept, so that readers can see both.
 */
export interface DedupStore {
  /** The entries that are not known to be appended to `table`, each once. */
  unseen(table: TableName, entries: readonly Entry[]): readonly Entry[];
  /** To be called only when the append was acknowledged: what is marked before may be lost. */
  mark(table: TableName, entries: readonly Entry[]): void;
}

/** A store in memory that forgets the least recently used. `maxEntries` default 200,000, about 40 MB. */
export function memoryDedup(maxEntries = 200_000): DedupStore {
  const tableOf = new LRUCache<string, TableName>({ max: maxEntries });
  return {
    unseen(table, entries) {
      const batch = new Set<string>();
      return entries.filter(({ entryHash }) => {
        if (batch.has(entryHash) || tableOf.get(entryHash) === table) return false;
        batch.add(entryHash);
        return true;
      });
    },
    mark(table, entries) {
      for (const { entryHash } of entries) tableOf.set(entryHash, table);
    },
  };
}
