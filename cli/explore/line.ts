import type { TableName } from "@indelible/schemas/tables.ts";
import type { PlainRow } from "../warehouse.ts";

/** An entry in one line: a row of `lineQuery`. Times are RFC 3339 in UTC. */
export interface Line {
  readonly table_name: TableName;
  /** What it is, in a word. */
  readonly kind: string;
  readonly log_id: string;
  readonly entity_id: string;
  /** By the agent's clock where it gave one, else by Pub/Sub's. */
  readonly happened_at: string;
  readonly agent: string | null;
  readonly conversation_id: string | null;
  readonly title: string | null;
  readonly outcome: string | null;
  readonly tokens: number | null;
  readonly cost_usd: number | null;
  readonly ingested_at: string;
}

/** Of a row of `lineQuery`; what stands beside its columns is left out. */
export function lineOf(row: PlainRow): Line {
  const text = (name: string): string | null => (typeof row[name] === "string" ? row[name] : null);
  const number = (name: string): number | null => (typeof row[name] === "number" ? row[name] : null);
  return {
    // The query that it is a row of names nothing else.
    table_name: row["table_name"] as TableName,
    kind: String(row["kind"]),
    log_id: String(row["log_id"]),
    entity_id: String(row["entity_id"]),
    happened_at: String(row["happened_at"]),
    agent: text("agent"),
    conversation_id: text("conversation_id"),
    title: text("title"),
    outcome: text("outcome"),
    tokens: number("tokens"),
    cost_usd: number("cost_usd"),
    ingested_at: String(row["ingested_at"]),
  };
}
