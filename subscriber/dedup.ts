import type { TableName } from "@indelible/schemas/tables.ts";
import { LRUCache } from "lru-cache";
import type { Entry } from "./hash.ts";

/**
 * Remembers what was appended, so that a redelivery is not appended again. It saves rows; it is not what makes the log
 * exact: the history views collapse what slips through.
 */
export interface DedupStore {
  /**
   * The entries that are not known to be appended, each once. An entry with a known `log_id` and another hash is a
   * conflict, not a duplicate: it is kept, so that readers can see both.
   */
  unseen(table: TableName, entries: readonly Entry[]): readonly Entry[];
  /** To be called only when the append was acknowledged: what is marked before may be lost. */
  mark(table: TableName, entries: readonly Entry[]): void;
}

/** A store in memory that forgets the least recently used. `maxEntries` default 200,000, about 50 MB. */
export function memoryDedup(maxEntries = 200_000): DedupStore {
  const hashes = new LRUCache<string, string>({ max: maxEntries });
  const key = (table: TableName, entry: Entry): string => `${table}/${entry.logId}`;
  return {
    unseen(table, entries) {
      const batch = new Set<string>();
      return entries.filter((entry) => {
        const identity = `${entry.logId}/${entry.entryHash}`;
        if (batch.has(identity) || hashes.get(key(table, entry)) === entry.entryHash) return false;
        batch.add(identity);
        return true;
      });
    },
    mark(table, entries) {
      for (const entry of entries) hashes.set(key(table, entry), entry.entryHash);
    },
  };
}
