import { isUsableCost, isUsableCount } from "./cost.ts";
import { entryLines } from "./entry-lines.ts";
import type { Datasets } from "./names.ts";
import { viewRelations, type Relations } from "./relations.ts";
import { tables, type TableName } from "./tables.ts";
import type { View } from "./views.ts";

/** The tables that agents write: an entry of one of them is an event. */
export const eventTables: readonly EventTable[] = [
  "conversations",
  "thinking_logs",
  "decision_logs",
  "action_logs",
  "mcp_usage_logs",
  "escalation_logs",
];

export type EventTable = Exclude<TableName, "log_access_audit" | "dead_letters" | "dead_letter_reviews" | "seals">;

/** Members of a JSON object, by name, in GoogleSQL; NULL is a JSON null. */
type Members = { readonly [name: string]: string };

/** What an entry of a table is as an event of ADK's, in GoogleSQL over the columns of its row. docs/views-agent-events.md says why. */
interface EventMapping {
  readonly eventType: string;
  /** Undefined: the whole entry. */
  readonly content?: string;
  readonly attributes?: string;
  /** Milliseconds. */
  readonly latency?: string;
  /** TRUE: it went well. FALSE: it did not. NULL: the entry does not say. */
  readonly success?: string;
  readonly errorMessage?: string;
  /** NULL: unknown. */
  readonly isTruncated?: string;
  /** Columns that an entry which leaves them out has from the others of its entity: what it is about, which does not change. */
  readonly known: readonly string[];
  /** Columns that only the latest entry of an entity which says anything keeps: what must not be added up twice. None that cannot be counted. */
  readonly counted: readonly Counted[];
  /** What else is known of the entity, whatever the entry says: the latest value of an expression. */
  readonly latest?: { readonly [name: string]: string };
  /** Default: as in a list of entries. */
  readonly tokens?: string;
  /** Default: as in a list of entries. */
  readonly cost?: (relations: Relations) => string;
}

type Counted = "input_tokens" | "output_tokens" | "total_tokens" | "tokens_used" | "cost_usd";

// The sum of the two, only where no entry of the conversation says the total.
const tokens = `COALESCE(total_tokens, IF(NOT IFNULL(${isUsableCount("entity_total_tokens")}, FALSE), COALESCE(input_tokens + output_tokens, input_tokens, output_tokens), NULL))`;
const usage = objectOf({ prompt: "input_tokens", completion: "output_tokens", total: tokens });
const usageMetadata = objectOf({
  prompt_token_count: "input_tokens",
  candidates_token_count: "output_tokens",
  total_token_count: tokens,
});
const hasEnded = "(status IS NOT NULL OR ended_at IS NOT NULL)";
const failed = "IFNULL(status IN ('error', 'timeout'), FALSE)";
const answered = "(response_preview IS NOT NULL OR says_tokens)";

const succeeded = "IF(success IS NULL AND error_message IS NOT NULL, FALSE, success)";

const mappings: { readonly [N in EventTable]: EventMapping } = {
  conversations: {
    known: ["model_provider", "model_name", "model_version"],
    counted: ["input_tokens", "output_tokens", "total_tokens", "cost_usd"],
    latest: { entity_total_tokens: "total_tokens" },
    tokens,
    eventType: `CASE WHEN ${failed} THEN 'LLM_ERROR' WHEN ${answered} THEN 'LLM_RESPONSE' WHEN ${hasEnded} THEN 'INVOCATION_COMPLETED'
    WHEN user_prompt_preview IS NOT NULL THEN 'USER_MESSAGE_RECEIVED' ELSE 'INVOCATION_STARTING' END`,
    content: objectOf({
      text_summary: "user_prompt_preview",
      response: "response_preview",
      usage: `IF(${tokens} IS NULL, NULL, ${usage})`,
    }),
    attributes: objectOf({
      model: "model_name",
      model_provider: "model_provider",
      model_version: "COALESCE(model_version, model_name)",
      usage_metadata: `IF(${tokens} IS NULL, NULL, ${usageMetadata})`,
    }),
    latency: "COALESCE(TIMESTAMP_DIFF(ended_at, started_at, MILLISECOND), duration_seconds * 1000)",
    success: `CASE WHEN ${failed} THEN FALSE WHEN status = 'completed' THEN TRUE WHEN error_message IS NOT NULL THEN FALSE END`,
    errorMessage: "error_message",
    isTruncated:
      "IF(GREATEST(IFNULL(CHAR_LENGTH(user_prompt_preview), 0), IFNULL(CHAR_LENGTH(response_preview), 0)) < 500, FALSE, NULL)",
  },
  thinking_logs: {
    known: [],
    counted: [],
    eventType: "'AGENT_THINKING'",
    attributes: objectOf({ model: "model_used" }),
  },
  decision_logs: {
    known: ["decision_summary"],
    counted: [],
    eventType: "IF(IFNULL(human_reviewed, FALSE) OR human_override IS NOT NULL, 'DECISION_REVIEWED', 'DECISION_MADE')",
  },
  action_logs: {
    known: ["conversation_id", "action_type", "action_target", "action_details"],
    counted: ["cost_usd"],
    latest: {
      entity_type: "action_type",
      entity_model: "JSON_VALUE(action_details, '$.model_name')",
      entity_conversation: "conversation_id",
    },
    // Calls of tools are counted in mcp_usage_logs, and that of a model in its conversation, where that says any cost.
    cost: (relations) => `IF(IFNULL(entity_type = 'mcp_call', FALSE) OR entity_model IS NOT NULL
    AND IFNULL(entity_conversation IN (SELECT conversation_id FROM ${relations.entities("conversations", ["cost_usd"])} WHERE ${isUsableCost()}), FALSE), NULL, cost_usd)`,
    eventType:
      "CASE WHEN success THEN 'ACTION_COMPLETED' WHEN NOT success OR error_message IS NOT NULL THEN 'ACTION_ERROR' ELSE 'ACTION_STARTING' END",
    latency: "COALESCE(duration_ms, TIMESTAMP_DIFF(completed_at, started_at, MILLISECOND))",
    success: succeeded,
    errorMessage: "error_message",
  },
  mcp_usage_logs: {
    known: ["conversation_id"],
    counted: ["tokens_used", "cost_usd"],
    eventType: `CASE WHEN success THEN 'TOOL_COMPLETED' WHEN NOT success OR error_message IS NOT NULL THEN 'TOOL_ERROR'
    WHEN COALESCE(result_summary, CAST(duration_ms AS STRING)) IS NOT NULL THEN 'TOOL_COMPLETED' ELSE 'TOOL_STARTING' END`,
    content: objectOf({
      tool: "tool_name",
      server: "server_name",
      tool_origin: "'MCP'",
      args: "parameters",
      result: "result_summary",
    }),
    latency: "duration_ms",
    success: succeeded,
    errorMessage: "error_message",
  },
  escalation_logs: {
    known: ["source_conversation_id", "subject"],
    counted: [],
    eventType: `CASE WHEN resolved_at IS NOT NULL THEN 'ESCALATION_RESOLVED' WHEN acknowledged_at IS NOT NULL THEN 'ESCALATION_ACKNOWLEDGED'
    ELSE 'ESCALATION_RAISED' END`,
  },
};

function objectOf(members: Members): string {
  return `JSON_OBJECT(${Object.entries(members)
    .map(([name, value]) => `'${name}', ${value}`)
    .join(", ")})`;
}

/** The columns of ADK's `agent_events`, in its order, then ours. */
export const eventColumns: readonly string[] = [
  "timestamp",
  "event_type",
  "agent",
  "session_id",
  "invocation_id",
  "user_id",
  "trace_id",
  "span_id",
  "parent_span_id",
  "content",
  "content_parts",
  "attributes",
  "latency_ms",
  "status",
  "error_message",
  "is_truncated",
  "table_name",
  "log_id",
  "entity_id",
  "business_id",
  "title",
  "outcome",
  "tokens",
  "cost_usd",
  "conflict",
  "published_at",
  "ingested_at",
];

/** The type of ADK's `content_parts`, which are of no use to us: nothing is kept elsewhere. */
const parts = `ARRAY<STRUCT<mime_type STRING, uri STRING, object_ref STRUCT<uri STRING, version STRING, authorizer STRING, details JSON>,
    text STRING, part_index INT64, part_attributes STRING, storage_mode STRING>>`;

/**
 * One row an entry of the tables of agents, each entry once; columns as `eventColumns`. `tokens` and `cost_usd` can be added up: of an entity
 * that says them more than once only the latest entry has them.
 *
 * @param relations with either all entries of an entity or none
 */
export function agentEventsQuery(relations: Relations): string {
  return eventTables.map((name) => eventsOf(name, relations)).join("\nUNION ALL\n");
}

function eventsOf(name: EventTable, relations: Relations): string {
  const { agent, conversation = "CAST(NULL AS STRING)", title, outcome } = entryLines[name];
  const mapping: EventMapping = mappings[name];
  const { success = "CAST(NULL AS BOOL)", errorMessage = "CAST(NULL AS STRING)", latency } = mapping;
  const cost = mapping.cost?.(relations) ?? entryLines[name].cost;
  const latencyJson =
    latency === undefined ? "CAST(NULL AS JSON)" : `IF(${latency} IS NULL, NULL, ${objectOf({ total_ms: latency })})`;
  // The conversation is the parent of all that happens in it, and nobody's child.
  const parent = name === "conversations" ? "CAST(NULL AS STRING)" : conversation;
  return `SELECT COALESCE(logged_at, published_at) AS timestamp, ${mapping.eventType} AS event_type, ${agent} AS agent,
  ${conversation} AS session_id, ${conversation} AS invocation_id, CAST(NULL AS STRING) AS user_id,
  ${conversation} AS trace_id, ${tables[name].entity} AS span_id, ${parent} AS parent_span_id,
  ${mapping.content ?? "SAFE.PARSE_JSON(entry)"} AS content, CAST(NULL AS ${parts}) AS content_parts,
  ${mapping.attributes ?? "JSON_OBJECT()"} AS attributes, ${latencyJson} AS latency_ms,
  CASE WHEN ${success} THEN 'OK' WHEN NOT ${success} THEN 'ERROR' END AS status,
  IF(${success}, NULL, ${errorMessage}) AS error_message, ${mapping.isTruncated ?? "FALSE"} AS is_truncated,
  '${name}' AS table_name, log_id, ${tables[name].entity} AS entity_id, business_id, ${title} AS title, ${outcome} AS outcome,
  ${mapping.tokens ?? entryLines[name].tokens} AS tokens, ${cost} AS cost_usd, conflict, published_at, ingested_at
FROM (${entriesOf(name, mapping, relations.history(name))})`;
}

/** The entries with what is known of their entities, in the order of the view `<table>`. */
function entriesOf(name: EventTable, mapping: EventMapping, history: string): string {
  const { known, counted } = mapping;
  const latest = (value: string): string => `LAST_VALUE(${value} IGNORE NULLS) OVER latest`;
  const usable = (column: Counted): string => (column === "cost_usd" ? isUsableCost(column) : isUsableCount(column));
  const replaced = [
    ...known.map((column) => `COALESCE(${column}, ${latest(column)}) AS ${column}`),
    ...counted.map(
      (column) =>
        `IF(log_id = ${latest(`IF(${column} IS NULL, NULL, log_id)`)} AND ${usable(column)}, ${column}, NULL) AS ${column}`,
    ),
  ];
  if (replaced.length === 0) return `SELECT * FROM ${history}`;
  const others = Object.entries(mapping.latest ?? {}).map(([as, value]) => `, ${latest(value)} AS ${as}`);
  const saysTokens = "COALESCE(total_tokens, input_tokens, output_tokens) IS NOT NULL AS says_tokens";
  const more = [...others, ...(name === "conversations" ? [`, ${saysTokens}`] : [])].join("");
  return `SELECT * REPLACE (${replaced.join(", ")})${more}
FROM ${history}
WINDOW latest AS (
  PARTITION BY ${tables[name].entity} ORDER BY COALESCE(logged_at, published_at), seq, log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
)`;
}

export function agentEventsView(projectId: string, datasets: Datasets): View {
  return {
    name: "agent_events",
    description:
      "Everything that agents logged, one row an entry, with the columns of Google ADK's agent_events (docs/views-agent-events.md) and then ours.",
    columns: eventColumns,
    query: agentEventsQuery(viewRelations(projectId, datasets)),
  };
}
