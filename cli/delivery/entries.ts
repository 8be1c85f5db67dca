import type { Publisher } from "@indelible/publisher";
import { logMethods, type LogMethods } from "@indelible/publisher/log.ts";
import type { EventOf } from "@indelible/schemas/tables.ts";

/** A table that agents write. */
export type LoggedTable = keyof LogMethods;

export const loggedTables: readonly LoggedTable[] = Object.keys(logMethods) as LoggedTable[];

/** What an importer stamps itself, so that doing it twice gives the same bytes. */
interface Stamped {
  readonly log_id: string;
  readonly logged_at: string;
  readonly publisher_id: string;
  readonly seq: number;
}

/** One event for one table, complete: the publisher adds nothing to it. */
export type Entry<N extends LoggedTable = LoggedTable> = {
  [K in N]: { readonly table: K; readonly event: EventOf<K> & Stamped };
}[N];

/** Where entries come from; asked for once. */
export type Entries = Iterable<Entry> | AsyncIterable<Entry>;

/** The publisher's method for `table`. */
export function methodOf(publisher: Publisher, table: LoggedTable): (event: Entry["event"]) => string {
  // Each method takes the events of its own table, which Entry ties to the table's name.
  return publisher[logMethods[table]] as (event: Entry["event"]) => string;
}
