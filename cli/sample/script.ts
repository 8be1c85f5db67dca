import { canonicalize } from "@indelible/schemas/canonical.ts";
import { derivedId, entryHash } from "@indelible/schemas/entry.ts";
import type { EventOf } from "@indelible/schemas/tables.ts";
import type { Entry, LoggedTable } from "../delivery/entries.ts";

export const BUSINESS = "harbor-tea";

export type Agent = "CEO" | "CFO" | "CMO";

type Own<N extends LoggedTable> = Omit<EventOf<N>, "log_id" | "logged_at" | "publisher_id" | "seq">;

/**
 * Entries of one day, in the order in which they are logged. Every identity derives from the day and the content, so
 * that the same day told twice is the same entries twice.
 */
export class Script {
  readonly entries: Entry[] = [];
  /** Such as 2026-01-31. */
  readonly day: string;
  readonly #lastSeq = new Map<string, number>();

  constructor(day: string) {
    this.day = day;
  }

  /** The timestamp of a time of this day, such as 09:30:00. */
  at(time: string): string {
    return `${this.day}T${time}Z`;
  }

  /** The timestamp some milliseconds after a time of this day. */
  after(time: string, milliseconds: number): string {
    return new Date(Date.parse(this.at(time)) + milliseconds).toISOString();
  }

  /** An identity that is this day's own. */
  id(...name: readonly (string | number)[]): string {
    return derivedId("sample", this.day, ...name);
  }

  /** Logs one entry by the publisher of `source`. `at` is a timestamp. */
  log<N extends LoggedTable>(source: string, at: string, table: N, fields: Own<N>): Entry {
    const seq = (this.#lastSeq.get(source) ?? 0) + 1;
    this.#lastSeq.set(source, seq);
    const stamped = { ...fields, logged_at: at, publisher_id: `sample-${source}-${this.day}`, seq };
    const event = { ...stamped, log_id: derivedId("sample-entry", entryHash(canonicalize(stamped))) };
    // The compiler does not follow the tie between a table and its event through a type parameter.
    const entry = { table, event } as unknown as Entry;
    this.entries.push(entry);
    return entry;
  }

  /** Logs an entry again, byte for byte. */
  repeat(entry: Entry): void {
    this.entries.push(entry);
  }
}
