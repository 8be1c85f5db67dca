import type { Datasets } from "./names.ts";
import { relationsWhere, viewRelations, type Relations } from "./relations.ts";
import { tables } from "./tables.ts";
import type { View } from "./views.ts";

/** What has a cost of its own. */
export type CostKind = "conversation" | "tool" | "action";

const dimensions = [
  "business_id",
  "agent_position",
  "kind",
  "model_provider",
  "model_name",
  "server_name",
  "tool_name",
];
const amounts = ["input_tokens", "output_tokens", "total_tokens", "cost_usd"];

/** The columns of `costItemsQuery`. */
export const costItemColumns: readonly string[] = [
  "occurred_at",
  ...dimensions,
  "table_name",
  "item_id",
  ...amounts,
  "cost_known",
];

/** In dollars. From so much on a cost is a mistake: one of 1e30, which a publisher may log, would make every sum fail. */
export const MAX_COST_USD = 1_000_000_000;

/** More tokens than this are a mistake: sums of such counts would be too large for INT64. */
export const MAX_TOKENS = 1_000_000_000_000;

/** A cost, as NUMERIC; NULL: there is none that can be counted. Engines may cast before they compare, hence SAFE_CAST. */
export function usableCost(usd: string = "cost_usd"): string {
  return `IF(${isUsableCost(usd)}, SAFE_CAST(${usd} AS NUMERIC), NULL)`;
}

/** NULL where there is no cost. */
export function isUsableCost(usd: string = "cost_usd"): string {
  return `${usd} < ${MAX_COST_USD}`;
}

/** A count of tokens, INT64; NULL: there is none that can be counted. */
export function usableTokens(count: string): string {
  return `IF(${isUsableCount(count)}, ${count}, NULL)`;
}

/** NULL where there is no count. */
export function isUsableCount(count: string): string {
  return `${count} BETWEEN 0 AND ${MAX_TOKENS}`;
}

/** Where the things that have a cost are found. */
export interface CostRelations extends Pick<Relations, "entities"> {
  /** Conversations of the calls of models that `done`, a relation of the query, has; and maybe others. Default: those of `entities`. */
  readonly chats?: Relations["entities"];
}

/**
 * One row for each thing that has a cost of its own, so that each token and each dollar is in one row only:
 *
 * - `conversation`: its latest figures. Tokens read from or written to a cache are part of `input_tokens`, reasoning is part of
 *   `output_tokens`, so that they are not added; the tokens of `thinking_logs` are part of the conversation's too and not here.
 * - `tool`: a call in `mcp_usage_logs`; `tokens_used` is its `total_tokens`. Actions of the type `mcp_call` are left out: calls are counted
 *   by their rows in `mcp_usage_logs`, whether there is one for each such action or not.
 * - `action`: any other action. One that is a call of a model (`action_details.model_name`) is part of what its conversation says, where that
 *   says any: its dollars are left out if the conversation has a `cost_usd`, its tokens if the conversation has tokens.
 *
 * `cost_known` is FALSE where something was bought and nobody says what it cost: a sum is without it. A cost of `MAX_COST_USD` or more and a count
 * of more than `MAX_TOKENS` say nothing.
 *
 * `cost_usd` is NUMERIC, each row rounded to a billionth of a dollar, so that a sum does not depend on the order of its rows.
 */
export function costItemsQuery({ entities, chats }: CostRelations): string {
  const conversations = [...agent, "started_at", "model_provider", "model_name", "input_tokens", "output_tokens"];
  const calls = [...agent, "called_at", "server_name", "tool_name", "tokens_used", "cost_usd"];
  const actions = [...agent, "started_at", "conversation_id", "action_type", "action_details", "cost_usd"];
  const chatCounts = ["input_tokens", "output_tokens", "total_tokens"];
  return `WITH done AS (
  SELECT started_at, business_id, agent_position, action_id, conversation_id, ${usableCost()} AS cost_usd, cost_usd IS NOT NULL AS says_cost,
    ${detail("model_provider")}, ${detail("model_name")},
    ${detailCount("input_tokens")}, ${detailCount("output_tokens")}, ${detailCount("total_tokens")}
  FROM ${entities("action_logs", actions)}
  WHERE ${isNoToolCall}
)
SELECT started_at AS occurred_at, business_id, agent_position, 'conversation' AS kind, model_provider, model_name,
  CAST(NULL AS STRING) AS server_name, CAST(NULL AS STRING) AS tool_name, 'conversations' AS table_name, conversation_id AS item_id,
  ${usableTokens("input_tokens")} AS input_tokens, ${usableTokens("output_tokens")} AS output_tokens,
  ${totalOf(usableTokens)} AS total_tokens,
  ${usableCost()} AS cost_usd, IFNULL(${isUsableCost()}, FALSE) AS cost_known
FROM ${entities("conversations", [...conversations, "total_tokens", "cost_usd"])}
UNION ALL
SELECT called_at, business_id, agent_position, 'tool', NULL, NULL, server_name, tool_name, 'mcp_usage_logs', usage_id,
  NULL, NULL, ${usableTokens("tokens_used")}, ${usableCost()}, IFNULL(${isUsableCost()}, FALSE)
FROM ${entities("mcp_usage_logs", calls)}
UNION ALL
SELECT done.started_at, done.business_id, done.agent_position, 'action', done.model_provider, done.model_name, NULL, NULL, 'action_logs', done.action_id,
  IF(done.model_name IS NOT NULL AND chat.has_tokens, NULL, done.input_tokens),
  IF(done.model_name IS NOT NULL AND chat.has_tokens, NULL, done.output_tokens),
  IF(done.model_name IS NOT NULL AND chat.has_tokens, NULL, ${totalOf((name) => `done.${name}`)}),
  IF(done.model_name IS NOT NULL AND chat.has_cost, NULL, done.cost_usd),
  done.cost_usd IS NOT NULL OR IF(done.model_name IS NULL, NOT done.says_cost, IFNULL(chat.has_cost, FALSE))
FROM done
LEFT JOIN (
  SELECT conversation_id, IFNULL(${isUsableCost()}, FALSE) AS has_cost,
    ${chatCounts.map((name) => `IFNULL(${isUsableCount(name)}, FALSE)`).join(" OR ")} AS has_tokens
  FROM ${(chats ?? entities)("conversations", [...chatCounts, "cost_usd"])}
) AS chat ON chat.conversation_id = done.conversation_id`;
}

const agent = ["business_id", "agent_position"];
const isNoToolCall = "action_type IS NULL OR action_type != 'mcp_call'";

function detail(name: string): string {
  return `JSON_VALUE(action_details, '$.${name}') AS ${name}`;
}

/** What an agent has put in place of a count is no count. */
function detailCount(name: string): string {
  return `${usableTokens(`SAFE_CAST(JSON_VALUE(action_details, '$.${name}') AS INT64)`)} AS ${name}`;
}

/** The total that is said, or else the sum of what is. */
function totalOf(count: (name: string) => string): string {
  const [input, output, total] = ["input_tokens", "output_tokens", "total_tokens"].map(count);
  return `COALESCE(${total}, ${input} + ${output}, ${input}, ${output})`;
}

/**
 * The relations of what happened at or after the query's parameter `since` (TIMESTAMP). The condition `occurred_at >= @since` is to be said once
 * more.
 */
export function costRelationsSince(projectId: string, datasets: Datasets): CostRelations {
  // What an entity is, its last entry says or leaves open; so that entry itself meets the condition on the type.
  const counts = `AND (${isNoToolCall})`;
  const happened = relationsWhere(
    projectId,
    datasets,
    (name) => `${tables[name].occurredAt} >= @since ${name === "action_logs" ? counts : ""}`,
  );
  // An action counts or not by what its conversation says, which may have begun before.
  const spoken = "conversation_id IN (SELECT conversation_id FROM done WHERE model_name IS NOT NULL)";
  return { entities: happened.entities, chats: relationsWhere(projectId, datasets, () => spoken).entities };
}

export function costDailyView(projectId: string, datasets: Datasets): View {
  const sums = amounts.map((name) => `SUM(${name}) AS ${name}`).join(", ");
  return {
    name: "cost_daily",
    description:
      "What each agent has cost, by day of UTC, model and tool; items: conversations, calls of tools and other actions. Nothing is in it twice. unknown_costs: items that do not say what they cost.",
    columns: ["day", ...dimensions, "items", ...amounts, "unknown_costs"],
    query: `SELECT DATE(occurred_at, 'UTC') AS day, ${dimensions.join(", ")}, COUNT(*) AS items, ${sums}, COUNTIF(NOT cost_known) AS unknown_costs
FROM (
${costItemsQuery(viewRelations(projectId, datasets))}
)
GROUP BY DATE(occurred_at, 'UTC'), ${dimensions.join(", ")}`,
  };
}
