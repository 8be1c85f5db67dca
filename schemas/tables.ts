import type { Column, Columns, FieldsOf } from "./columns.ts";
import { recordedColumns, stampedColumns } from "./system-columns.ts";
import { actionLogs } from "./tables/action_logs.ts";
import { conversations } from "./tables/conversations.ts";
import { deadLetterReviews } from "./tables/dead_letter_reviews.ts";
import { deadLetters } from "./tables/dead_letters.ts";
import { decisionLogs } from "./tables/decision_logs.ts";
import { escalationLogs } from "./tables/escalation_logs.ts";
import { logAccessAudit } from "./tables/log_access_audit.ts";
import { mcpUsageLogs } from "./tables/mcp_usage_logs.ts";
import { seals } from "./tables/seals.ts";
import { thinkingLogs } from "./tables/thinking_logs.ts";

/** What a table declares: the one source of its types, validator, schemas, encoder, views, retention and reference. */
export interface Table {
  /** The table's name in BigQuery, and the last part of its topic's. */
  readonly name: TableName;
  /** Raised with every change of the columns; stored with each row as `schema_version`. */
  readonly version: number;
  /** `log` tables are written by agents (the access audit by the platform), `system` tables by Indelible itself. */
  readonly kind: "log" | "system";
  readonly description: string;
  /** The column that several entries about one thing share: the view `<name>` has one row for each. */
  readonly entity: string;
  /** The column that says when it happened, by the agent's clock. */
  readonly occurredAt: string;
  /** BigQuery clustering, at most four columns. */
  readonly clusterBy: readonly string[];
  /** Partitions of `ingested_at` expire after this many years. */
  readonly retentionYears: number;
  /** The table's own columns, without the system columns. */
  readonly columns: Columns;
}

interface Declarations {
  readonly conversations: typeof conversations;
  readonly thinking_logs: typeof thinkingLogs;
  readonly decision_logs: typeof decisionLogs;
  readonly action_logs: typeof actionLogs;
  readonly escalation_logs: typeof escalationLogs;
  readonly mcp_usage_logs: typeof mcpUsageLogs;
  readonly log_access_audit: typeof logAccessAudit;
  readonly dead_letters: typeof deadLetters;
  readonly dead_letter_reviews: typeof deadLetterReviews;
  readonly seals: typeof seals;
}

export type TableName = keyof Declarations;

const declarations: Declarations = {
  conversations,
  thinking_logs: thinkingLogs,
  decision_logs: decisionLogs,
  action_logs: actionLogs,
  escalation_logs: escalationLogs,
  mcp_usage_logs: mcpUsageLogs,
  log_access_audit: logAccessAudit,
  dead_letters: deadLetters,
  dead_letter_reviews: deadLetterReviews,
  seals,
};

/** Every table by its name. */
export const tables: { readonly [N in TableName]: Table } = declarations;

export const tableNames: readonly TableName[] = Object.keys(declarations) as TableName[];

/** What a publisher sends for table `N`: its own columns, and the stamped ones where the caller sets them himself. */
export type EventOf<N extends TableName> = FieldsOf<Declarations[N]["columns"]> & FieldsOf<typeof stampedColumns>;

/** An event of any table, as parsed from JSON and validated. */
export type Event = { readonly [column: string]: unknown };

/** The columns of an event of `table`: its own, then the stamped ones. Exactly these may stand in an event. */
export function eventColumns(table: Table): Columns {
  return { ...table.columns, ...stampedColumns };
}

/** The columns of a stored row of `table`, in BigQuery's order. A row always has a `log_id`, an event need not. */
export function rowColumns(table: Table): Columns {
  const logId: Column = { ...stampedColumns.log_id, required: true };
  return { ...eventColumns(table), log_id: logId, ...recordedColumns };
}
