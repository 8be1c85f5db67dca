import { tables, type TableName } from "./tables.ts";

/** How an entry of a table reads in one line, in GoogleSQL over the columns of its row. The one place that says so. */
export interface EntryLine {
  /** What it is called, in a word. */
  readonly kind: string;
  /** The agent's post; NULL: no agent's. */
  readonly agent: string;
  /** The column that says which conversation it belongs to; undefined: its table has none. */
  readonly conversation?: string;
  /** What it is about. Agents' text, of any length; NULL when the entry says nothing. */
  readonly title: string;
  /** What became of it, in a few words; NULL when the entry does not say. */
  readonly outcome: string;
  /** Tokens that are in no other table too. */
  readonly tokens: string;
  readonly cost: string;
}

const noText = "CAST(NULL AS STRING)";
const noTokens = "CAST(NULL AS INT64)";
const noCost = "CAST(NULL AS FLOAT64)";

const ofAgent = { agent: "agent_position", tokens: noTokens, cost: noCost } as const;
const ofSystem = { agent: noText, tokens: noTokens, cost: noCost } as const;

export const entryLines: { readonly [N in TableName]: EntryLine } = {
  conversations: {
    ...ofAgent,
    kind: "conversation",
    conversation: "conversation_id",
    title: "COALESCE(user_prompt_preview, response_preview, error_message, command_executed)",
    outcome: "COALESCE(status, IF(ended_at IS NULL, 'started', 'ended'))",
    tokens: "COALESCE(total_tokens, input_tokens + output_tokens, input_tokens, output_tokens)",
    cost: "cost_usd",
  },
  thinking_logs: {
    ...ofAgent,
    kind: "thinking",
    conversation: "conversation_id",
    title: "COALESCE(thinking_content, decision_made, rationale)",
    outcome: "thinking_type",
  },
  decision_logs: {
    ...ofAgent,
    kind: "decision",
    title: "COALESCE(decision_summary, human_override, chosen_option, CONCAT('reviewed by ', human_reviewer))",
    outcome:
      "CASE WHEN human_override IS NOT NULL THEN 'overridden' WHEN human_reviewed THEN 'reviewed' WHEN requires_human_review THEN 'to review' ELSE decision_type END",
  },
  action_logs: {
    ...ofAgent,
    kind: "action",
    conversation: "conversation_id",
    title: "COALESCE(action_target, error_message, result_summary)",
    outcome: "CASE WHEN success THEN 'ok' WHEN NOT success THEN 'failed' ELSE 'started' END",
    cost: "cost_usd",
  },
  escalation_logs: {
    ...ofAgent,
    kind: "escalation",
    agent: "source_agent",
    conversation: "source_conversation_id",
    title: "COALESCE(subject, description, resolution)",
    outcome:
      "CASE WHEN resolved_at IS NOT NULL THEN 'resolved' WHEN acknowledged_at IS NOT NULL THEN 'acknowledged' ELSE 'raised' END",
  },
  mcp_usage_logs: {
    ...ofAgent,
    kind: "tool",
    conversation: "conversation_id",
    title: "CONCAT(server_name, '/', tool_name)",
    outcome: "CASE WHEN success THEN 'ok' WHEN NOT success THEN 'failed' END",
    tokens: "tokens_used",
    cost: "cost_usd",
  },
  log_access_audit: {
    ...ofSystem,
    kind: "access",
    title: "CONCAT(principal, ': ', access_type, ' of ', dataset_id, '.', table_id)",
    outcome: "access_type",
  },
  dead_letters: {
    ...ofSystem,
    kind: "dead letter",
    title: "CONCAT(reason, IFNULL(CONCAT(': ', reason_detail), ''))",
    outcome: "source_table",
  },
  dead_letter_reviews: {
    ...ofSystem,
    kind: "review",
    title: "CONCAT(decision, ' of dead letter ', dead_letter_id, ' by ', reviewer)",
    outcome: "decision",
  },
  seals: {
    ...ofSystem,
    kind: "seal",
    title: "CONCAT(table_name, ': ', CAST(row_count AS STRING), ' rows until ', CAST(window_end AS STRING))",
    outcome: "'sealed'",
  },
};

/** Longer titles are cut in the warehouse, by code points: a list of many lines must not carry megabytes. */
export const MAX_TITLE = 500;

/**
 * One line for each row of a relation of `name`. `happened_at` is the agent's clock where it gave one, else Pub/Sub's.
 *
 * @param from what can stand behind FROM, and what follows it: a condition on the columns of a row, an order, a limit
 */
export function lineQuery(name: TableName, from: string): string {
  const { kind, agent, conversation = noText, title, outcome, tokens, cost } = entryLines[name];
  return `SELECT '${name}' AS table_name, '${kind}' AS kind, log_id, ${tables[name].entity} AS entity_id, COALESCE(logged_at, published_at) AS happened_at,
  ${agent} AS agent, ${conversation} AS conversation_id, SUBSTR(${title}, 1, ${MAX_TITLE}) AS title,
  ${outcome} AS outcome, ${tokens} AS tokens, ${cost} AS cost_usd, ingested_at
FROM ${from}`;
}
