import type { Publisher } from "@indelible/publisher";
import type { EventOf } from "@indelible/schemas/tables.ts";

/** The publisher's method for each table that agents write. */
interface Methods {
  readonly conversations: "conversation";
  readonly thinking_logs: "thinking";
  readonly decision_logs: "decision";
  readonly action_logs: "action";
  readonly escalation_logs: "escalation";
  readonly mcp_usage_logs: "mcpCall";
  readonly log_access_audit: "access";
}

const methods: Methods = {
  conversations: "conversation",
  thinking_logs: "thinking",
  decision_logs: "decision",
  action_logs: "action",
  escalation_logs: "escalation",
  mcp_usage_logs: "mcpCall",
  log_access_audit: "access",
};

export type LoggedTable = keyof Methods;

export const loggedTables: readonly LoggedTable[] = Object.keys(methods) as LoggedTable[];

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
  return publisher[methods[table]] as (event: Entry["event"]) => string;
}
