import { tables, type EventOf } from "@indelible/schemas/tables.ts";
import type { LoggedTable } from "../delivery/entries.ts";

/**
 * The tables that have a summary: what agents do. Not the access audit: a summary of it would be out of date by being made, because reading it
 * is recorded there.
 */
export type SummaryTable = Exclude<LoggedTable, "log_access_audit">;

/** Names of columns of `N` whose values are `V`. */
type ColumnOf<N extends SummaryTable, V> = {
  [K in keyof EventOf<N>]-?: NonNullable<EventOf<N>[K]> extends V ? K : never;
}[keyof EventOf<N>] &
  string;

/** Names of columns of `N` with a closed set of values. */
type EnumColumnOf<N extends SummaryTable> = {
  [K in keyof EventOf<N>]-?: NonNullable<EventOf<N>[K]> extends string
    ? string extends NonNullable<EventOf<N>[K]>
      ? never
      : K
    : never;
}[keyof EventOf<N>] &
  string;

/** What is told of all rows together. `label` is what it is called. */
type MeasureOf<N extends SummaryTable> = { readonly label: string } & (
  | { readonly kind: "values"; readonly column: EnumColumnOf<N>; /** What no value means. */ readonly none: string }
  | { readonly kind: "average"; readonly column: ColumnOf<N, number> }
  | { readonly kind: "sum"; readonly column: ColumnOf<N, number> }
  /** How many of those that say either are true. */
  | { readonly kind: "share"; readonly column: ColumnOf<N, boolean> }
  | { readonly kind: "milliseconds"; readonly column: ColumnOf<N, number>; readonly percentile: 50 | 95 }
  /** How many rows meet a condition. */
  | { readonly kind: "count"; readonly where: string }
);

/** A measure of any table. */
export interface Measure {
  readonly label: string;
  readonly kind: MeasureOf<SummaryTable>["kind"];
  readonly column?: string;
  readonly none?: string;
  readonly percentile?: 50 | 95;
  readonly where?: string;
}

/** A column, or two with what stands between them. */
export type TextOf<C extends string> = C | readonly [first: C, between: string, second: C];

interface SummaryOf<N extends SummaryTable> {
  /** As in "Decision Log Summary". */
  readonly title: string;
  /** As in "Recent Decisions". */
  readonly plural: string;
  /** The title of the column that says what. */
  readonly singular: string;
  /** The column that says which agent. */
  readonly agent: ColumnOf<N, string>;
  /** What says what: the first that has a text. */
  readonly what: readonly TextOf<ColumnOf<N, string>>[];
  readonly measures: readonly MeasureOf<N>[];
  /** Whether rows have a cost of their own (see `costItemsQuery`). */
  readonly hasCost: boolean;
}

/** A declaration for any table. */
export interface Summary {
  readonly title: string;
  readonly plural: string;
  readonly singular: string;
  readonly agent: string;
  readonly what: readonly TextOf<string>[];
  readonly measures: readonly Measure[];
  readonly hasCost: boolean;
}

const declarations: { readonly [N in SummaryTable]: SummaryOf<N> } = {
  conversations: {
    title: "Conversation Log Summary",
    plural: "Conversations",
    singular: "Conversation",
    agent: "agent_position",
    what: ["user_prompt_preview", "command_executed", "response_preview"],
    measures: [{ kind: "values", label: "By status", column: "status", none: "not ended" }],
    hasCost: true,
  },
  thinking_logs: {
    title: "Thinking Log Summary",
    plural: "Thinking",
    singular: "Thought",
    agent: "agent_position",
    what: ["thinking_content", "decision_made", "context_summary"],
    measures: [
      { kind: "values", label: "By type", column: "thinking_type", none: "no type" },
      { kind: "average", label: "Average confidence", column: "confidence_level" },
      { kind: "sum", label: "Tokens (part of the conversations' tokens)", column: "token_count" },
    ],
    hasCost: false,
  },
  decision_logs: {
    title: "Decision Log Summary",
    plural: "Decisions",
    singular: "Decision",
    agent: "agent_position",
    what: ["decision_summary", "chosen_option", "context"],
    measures: [
      { kind: "values", label: "By type", column: "decision_type", none: "no type" },
      { kind: "average", label: "Average confidence", column: "confidence" },
      {
        kind: "count",
        label: "Pending human review",
        where: "requires_human_review AND NOT COALESCE(human_reviewed, FALSE)",
      },
    ],
    hasCost: false,
  },
  action_logs: {
    title: "Action Log Summary",
    plural: "Actions",
    singular: "Action",
    agent: "agent_position",
    what: [["action_type", ": ", "action_target"], "result_summary"],
    measures: [
      { kind: "values", label: "By type", column: "action_type", none: "no type" },
      { kind: "share", label: "Succeeded", column: "success" },
      { kind: "milliseconds", label: "Duration, median", column: "duration_ms", percentile: 50 },
      { kind: "milliseconds", label: "Duration, 95 % within", column: "duration_ms", percentile: 95 },
    ],
    hasCost: true,
  },
  escalation_logs: {
    title: "Escalation Log Summary",
    plural: "Escalations",
    singular: "Escalation",
    agent: "source_agent",
    what: ["subject", "description"],
    measures: [
      { kind: "values", label: "By type", column: "escalation_type", none: "no type" },
      { kind: "values", label: "By urgency", column: "urgency", none: "no urgency" },
      { kind: "count", label: "Not resolved", where: "resolved_at IS NULL" },
      { kind: "share", label: "SLA met", column: "sla_met" },
    ],
    hasCost: false,
  },
  mcp_usage_logs: {
    title: "MCP Usage Log Summary",
    plural: "MCP Calls",
    singular: "MCP Call",
    agent: "agent_position",
    what: [["server_name", "/", "tool_name"]],
    measures: [
      { kind: "share", label: "Succeeded", column: "success" },
      { kind: "milliseconds", label: "Duration, median", column: "duration_ms", percentile: 50 },
      { kind: "milliseconds", label: "Duration, 95 % within", column: "duration_ms", percentile: 95 },
    ],
    hasCost: true,
  },
};

/** What a summary of each table says. */
export const summaries: { readonly [N in SummaryTable]: Summary } = declarations;

export const summaryTables: readonly SummaryTable[] = Object.keys(declarations) as SummaryTable[];

/** The closed set of values of a column. */
export function valuesOf(table: SummaryTable, column: string): readonly string[] {
  const declared = tables[table].columns[column];
  return declared?.type === "string" ? (declared.enum ?? []) : [];
}
