-- cost_daily: What each agent has cost, by day of UTC, model and tool; items: conversations, calls of tools and other actions. Nothing is in it twice. unknown_costs: items that do not say what they cost.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT DATE(occurred_at, 'UTC') AS day, business_id, agent_position, kind, model_provider, model_name, server_name, tool_name, COUNT(*) AS items, SUM(input_tokens) AS input_tokens, SUM(output_tokens) AS output_tokens, SUM(total_tokens) AS total_tokens, SUM(cost_usd) AS cost_usd, COUNTIF(NOT cost_known) AS unknown_costs
FROM (
WITH done AS (
  SELECT started_at, business_id, agent_position, action_id, conversation_id, IF(cost_usd < 1000000000, SAFE_CAST(cost_usd AS NUMERIC), NULL) AS cost_usd, cost_usd IS NOT NULL AS says_cost,
    JSON_VALUE(action_details, '$.model_provider') AS model_provider, JSON_VALUE(action_details, '$.model_name') AS model_name,
    IF(SAFE_CAST(JSON_VALUE(action_details, '$.input_tokens') AS INT64) BETWEEN 0 AND 1000000000000, SAFE_CAST(JSON_VALUE(action_details, '$.input_tokens') AS INT64), NULL) AS input_tokens, IF(SAFE_CAST(JSON_VALUE(action_details, '$.output_tokens') AS INT64) BETWEEN 0 AND 1000000000000, SAFE_CAST(JSON_VALUE(action_details, '$.output_tokens') AS INT64), NULL) AS output_tokens, IF(SAFE_CAST(JSON_VALUE(action_details, '$.total_tokens') AS INT64) BETWEEN 0 AND 1000000000000, SAFE_CAST(JSON_VALUE(action_details, '$.total_tokens') AS INT64), NULL) AS total_tokens
  FROM (SELECT
  entry_of.action_id,
  entry_of.business_id,
  entry_of.agent_position,
  LAST_VALUE(entry_of.conversation_id IGNORE NULLS) OVER latest AS conversation_id,
  LAST_VALUE(entry_of.action_type IGNORE NULLS) OVER latest AS action_type,
  LAST_VALUE(entry_of.action_details IGNORE NULLS) OVER latest AS action_details,
  entry_of.started_at,
  LAST_VALUE(entry_of.cost_usd IGNORE NULLS) OVER latest AS cost_usd
FROM (SELECT
  action_id, business_id, agent_position, started_at, conversation_id, action_type, action_details, cost_usd, logged_at, published_at, seq, log_id
FROM `{project}.agent_logs.action_logs_arrivals`
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY log_id ORDER BY published_at, message_id, ingested_at) = 1) AS entry_of
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY entry_of.action_id ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at) DESC, entry_of.seq DESC, entry_of.log_id DESC) = 1
WINDOW latest AS (
  PARTITION BY entry_of.action_id
  ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at), entry_of.seq, entry_of.log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
))
  WHERE action_type IS NULL OR action_type != 'mcp_call'
)
SELECT started_at AS occurred_at, business_id, agent_position, 'conversation' AS kind, model_provider, model_name,
  CAST(NULL AS STRING) AS server_name, CAST(NULL AS STRING) AS tool_name, 'conversations' AS table_name, conversation_id AS item_id,
  IF(input_tokens BETWEEN 0 AND 1000000000000, input_tokens, NULL) AS input_tokens, IF(output_tokens BETWEEN 0 AND 1000000000000, output_tokens, NULL) AS output_tokens,
  COALESCE(IF(total_tokens BETWEEN 0 AND 1000000000000, total_tokens, NULL), IF(input_tokens BETWEEN 0 AND 1000000000000, input_tokens, NULL) + IF(output_tokens BETWEEN 0 AND 1000000000000, output_tokens, NULL), IF(input_tokens BETWEEN 0 AND 1000000000000, input_tokens, NULL), IF(output_tokens BETWEEN 0 AND 1000000000000, output_tokens, NULL)) AS total_tokens,
  IF(cost_usd < 1000000000, SAFE_CAST(cost_usd AS NUMERIC), NULL) AS cost_usd, IFNULL(cost_usd < 1000000000, FALSE) AS cost_known
FROM (SELECT
  entry_of.conversation_id,
  entry_of.business_id,
  entry_of.agent_position,
  entry_of.started_at,
  LAST_VALUE(entry_of.model_provider IGNORE NULLS) OVER latest AS model_provider,
  LAST_VALUE(entry_of.model_name IGNORE NULLS) OVER latest AS model_name,
  LAST_VALUE(entry_of.input_tokens IGNORE NULLS) OVER latest AS input_tokens,
  LAST_VALUE(entry_of.output_tokens IGNORE NULLS) OVER latest AS output_tokens,
  LAST_VALUE(entry_of.total_tokens IGNORE NULLS) OVER latest AS total_tokens,
  LAST_VALUE(entry_of.cost_usd IGNORE NULLS) OVER latest AS cost_usd
FROM (SELECT
  conversation_id, business_id, agent_position, started_at, model_provider, model_name, input_tokens, output_tokens, total_tokens, cost_usd, logged_at, published_at, seq, log_id
FROM `{project}.agent_logs.conversations_arrivals`
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY log_id ORDER BY published_at, message_id, ingested_at) = 1) AS entry_of
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY entry_of.conversation_id ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at) DESC, entry_of.seq DESC, entry_of.log_id DESC) = 1
WINDOW latest AS (
  PARTITION BY entry_of.conversation_id
  ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at), entry_of.seq, entry_of.log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
))
UNION ALL
SELECT called_at, business_id, agent_position, 'tool', NULL, NULL, server_name, tool_name, 'mcp_usage_logs', usage_id,
  NULL, NULL, IF(tokens_used BETWEEN 0 AND 1000000000000, tokens_used, NULL), IF(cost_usd < 1000000000, SAFE_CAST(cost_usd AS NUMERIC), NULL), IFNULL(cost_usd < 1000000000, FALSE)
FROM (SELECT
  entry_of.usage_id,
  entry_of.business_id,
  entry_of.agent_position,
  entry_of.server_name,
  entry_of.tool_name,
  entry_of.called_at,
  LAST_VALUE(entry_of.tokens_used IGNORE NULLS) OVER latest AS tokens_used,
  LAST_VALUE(entry_of.cost_usd IGNORE NULLS) OVER latest AS cost_usd
FROM (SELECT
  usage_id, business_id, agent_position, called_at, server_name, tool_name, tokens_used, cost_usd, logged_at, published_at, seq, log_id
FROM `{project}.agent_logs.mcp_usage_logs_arrivals`
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY log_id ORDER BY published_at, message_id, ingested_at) = 1) AS entry_of
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY entry_of.usage_id ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at) DESC, entry_of.seq DESC, entry_of.log_id DESC) = 1
WINDOW latest AS (
  PARTITION BY entry_of.usage_id
  ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at), entry_of.seq, entry_of.log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
))
UNION ALL
SELECT done.started_at, done.business_id, done.agent_position, 'action', done.model_provider, done.model_name, NULL, NULL, 'action_logs', done.action_id,
  IF(done.model_name IS NOT NULL AND chat.has_tokens, NULL, done.input_tokens),
  IF(done.model_name IS NOT NULL AND chat.has_tokens, NULL, done.output_tokens),
  IF(done.model_name IS NOT NULL AND chat.has_tokens, NULL, COALESCE(done.total_tokens, done.input_tokens + done.output_tokens, done.input_tokens, done.output_tokens)),
  IF(done.model_name IS NOT NULL AND chat.has_cost, NULL, done.cost_usd),
  done.cost_usd IS NOT NULL OR IF(done.model_name IS NULL, NOT done.says_cost, IFNULL(chat.has_cost, FALSE))
FROM done
LEFT JOIN (
  SELECT conversation_id, IFNULL(cost_usd < 1000000000, FALSE) AS has_cost,
    IFNULL(input_tokens BETWEEN 0 AND 1000000000000, FALSE) OR IFNULL(output_tokens BETWEEN 0 AND 1000000000000, FALSE) OR IFNULL(total_tokens BETWEEN 0 AND 1000000000000, FALSE) AS has_tokens
  FROM (SELECT
  entry_of.conversation_id,
  LAST_VALUE(entry_of.input_tokens IGNORE NULLS) OVER latest AS input_tokens,
  LAST_VALUE(entry_of.output_tokens IGNORE NULLS) OVER latest AS output_tokens,
  LAST_VALUE(entry_of.total_tokens IGNORE NULLS) OVER latest AS total_tokens,
  LAST_VALUE(entry_of.cost_usd IGNORE NULLS) OVER latest AS cost_usd
FROM (SELECT
  conversation_id, input_tokens, output_tokens, total_tokens, cost_usd, logged_at, published_at, seq, log_id
FROM `{project}.agent_logs.conversations_arrivals`
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY log_id ORDER BY published_at, message_id, ingested_at) = 1) AS entry_of
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY entry_of.conversation_id ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at) DESC, entry_of.seq DESC, entry_of.log_id DESC) = 1
WINDOW latest AS (
  PARTITION BY entry_of.conversation_id
  ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at), entry_of.seq, entry_of.log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
))
) AS chat ON chat.conversation_id = done.conversation_id
)
GROUP BY DATE(occurred_at, 'UTC'), business_id, agent_position, kind, model_provider, model_name, server_name, tool_name;
