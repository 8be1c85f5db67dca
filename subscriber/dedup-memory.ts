import type { TableName } from "@indelible/schemas/tables.ts";
import { LRUCache } from "lru-cache";
import type { Entry } from "./hash.ts";

/** What dedup goes by, within a table. */
export type Identity = Pick<Entry, "logId" | "entryHash">;

interface Known {
  readonly table: TableName;
  readonly entryHash: string;
}

/**
 * What an entry takes at most: its two strings (136 bytes), its record (40) and its places in the cache's index and lists. Measured in Node 24
 * as the growth of the heap and its array buffers, at several sizes, filled two and a half times over: 263 to 316, the most just after the
 * index has doubled. Entries under further keys took up to 309.
 */
export const BYTES_PER_ENTRY = 320;

/**
 * Remembers which entries were appended, and forgets the least recently used of them beyond `maxBytes`.
 *
 * It goes by `log_id`, which is all the key that most entries need. One whose `log_id` is known from another table, or with other content,
 * stands under a further key. What it does not know may have been appended; what it knows was.
 */
export class DedupMemory {
  /** The first entry with a `log_id` is always touched after those under further keys, so it is never forgotten before them. */
  readonly #known: LRUCache<string, Known>;

  /** @param maxBytes default 64 MiB */
  constructor(maxBytes: number = 64 * 1024 * 1024) {
    this.#known = new LRUCache({ max: Math.max(1, Math.floor(maxBytes / BYTES_PER_ENTRY)) });
  }

  knows(table: TableName, entry: Identity): boolean {
    return this.#nearest(table, entry)?.entryHash === entry.entryHash;
  }

  /** Remembers an entry, and says whether it is in conflict with one that has its `log_id` and other content. */
  mark(table: TableName, entry: Identity): boolean {
    const { logId, entryHash } = entry;
    const known = { table, entryHash };
    if (this.#known.get(logId) === undefined) {
      this.#known.set(logId, known);
      return false;
    }
    const nearest = this.#nearest(table, entry);
    if (nearest?.entryHash === entryHash) return false;
    this.#known.set(nearest === undefined ? tableKey(table, logId) : contentKey(table, entryHash), known);
    this.#known.get(tableKey(table, logId));
    this.#known.get(logId);
    return nearest !== undefined;
  }

  /** The entry itself, else one in conflict with it, else nothing. */
  #nearest(table: TableName, { logId, entryHash }: Identity): Known | undefined {
    const any = this.#known.get(logId);
    if (any === undefined) return undefined;
    const first = any.table === table ? any : this.#known.get(tableKey(table, logId));
    if (first === undefined || first.entryHash === entryHash) return first;
    return this.#known.get(contentKey(table, entryHash)) ?? first;
  }
}

const tableKey = (table: TableName, logId: string): string => `${table}:${logId}`;
const contentKey = (table: TableName, entryHash: string): string => `${table}:${entryHash}`;
