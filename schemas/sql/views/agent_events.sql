-- agent_events: Everything that agents logged, one row an entry, with the columns of Google ADK's agent_events (docs/views-agent-events.md) and then ours.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT COALESCE(logged_at, published_at) AS timestamp, CASE WHEN IFNULL(status IN ('error', 'timeout'), FALSE) THEN 'LLM_ERROR' WHEN (response_preview IS NOT NULL OR says_tokens) THEN 'LLM_RESPONSE' WHEN (status IS NOT NULL OR ended_at IS NOT NULL) THEN 'INVOCATION_COMPLETED'
    WHEN user_prompt_preview IS NOT NULL THEN 'USER_MESSAGE_RECEIVED' ELSE 'INVOCATION_STARTING' END AS event_type, agent_position AS agent,
  conversation_id AS session_id, conversation_id AS invocation_id, CAST(NULL AS STRING) AS user_id,
  conversation_id AS trace_id, conversation_id AS span_id, CAST(NULL AS STRING) AS parent_span_id,
  JSON_OBJECT('text_summary', user_prompt_preview, 'response', response_preview, 'usage', IF(COALESCE(total_tokens, IF(NOT IFNULL(entity_total_tokens BETWEEN 0 AND 1000000000000, FALSE), COALESCE(input_tokens + output_tokens, input_tokens, output_tokens), NULL)) IS NULL, NULL, JSON_OBJECT('prompt', input_tokens, 'completion', output_tokens, 'total', COALESCE(total_tokens, IF(NOT IFNULL(entity_total_tokens BETWEEN 0 AND 1000000000000, FALSE), COALESCE(input_tokens + output_tokens, input_tokens, output_tokens), NULL))))) AS content, CAST(NULL AS ARRAY<STRUCT<mime_type STRING, uri STRING, object_ref STRUCT<uri STRING, version STRING, authorizer STRING, details JSON>,
    text STRING, part_index INT64, part_attributes STRING, storage_mode STRING>>) AS content_parts,
  JSON_OBJECT('model', model_name, 'model_provider', model_provider, 'model_version', COALESCE(model_version, model_name), 'usage_metadata', IF(COALESCE(total_tokens, IF(NOT IFNULL(entity_total_tokens BETWEEN 0 AND 1000000000000, FALSE), COALESCE(input_tokens + output_tokens, input_tokens, output_tokens), NULL)) IS NULL, NULL, JSON_OBJECT('prompt_token_count', input_tokens, 'candidates_token_count', output_tokens, 'total_token_count', COALESCE(total_tokens, IF(NOT IFNULL(entity_total_tokens BETWEEN 0 AND 1000000000000, FALSE), COALESCE(input_tokens + output_tokens, input_tokens, output_tokens), NULL))))) AS attributes, IF(COALESCE(TIMESTAMP_DIFF(ended_at, started_at, MILLISECOND), duration_seconds * 1000) IS NULL, NULL, JSON_OBJECT('total_ms', COALESCE(TIMESTAMP_DIFF(ended_at, started_at, MILLISECOND), duration_seconds * 1000))) AS latency_ms,
  CASE WHEN CASE WHEN IFNULL(status IN ('error', 'timeout'), FALSE) THEN FALSE WHEN status = 'completed' THEN TRUE WHEN error_message IS NOT NULL THEN FALSE END THEN 'OK' WHEN NOT CASE WHEN IFNULL(status IN ('error', 'timeout'), FALSE) THEN FALSE WHEN status = 'completed' THEN TRUE WHEN error_message IS NOT NULL THEN FALSE END THEN 'ERROR' END AS status,
  IF(CASE WHEN IFNULL(status IN ('error', 'timeout'), FALSE) THEN FALSE WHEN status = 'completed' THEN TRUE WHEN error_message IS NOT NULL THEN FALSE END, NULL, error_message) AS error_message, IF(GREATEST(IFNULL(CHAR_LENGTH(user_prompt_preview), 0), IFNULL(CHAR_LENGTH(response_preview), 0)) < 500, FALSE, NULL) AS is_truncated,
  'conversations' AS table_name, log_id, conversation_id AS entity_id, business_id, COALESCE(user_prompt_preview, response_preview, error_message, command_executed) AS title, COALESCE(status, IF(ended_at IS NULL, 'started', 'ended')) AS outcome,
  COALESCE(total_tokens, IF(NOT IFNULL(entity_total_tokens BETWEEN 0 AND 1000000000000, FALSE), COALESCE(input_tokens + output_tokens, input_tokens, output_tokens), NULL)) AS tokens, cost_usd AS cost_usd, conflict, published_at, ingested_at
FROM (SELECT * REPLACE (COALESCE(model_provider, LAST_VALUE(model_provider IGNORE NULLS) OVER latest) AS model_provider, COALESCE(model_name, LAST_VALUE(model_name IGNORE NULLS) OVER latest) AS model_name, COALESCE(model_version, LAST_VALUE(model_version IGNORE NULLS) OVER latest) AS model_version, IF(log_id = LAST_VALUE(IF(input_tokens IS NULL, NULL, log_id) IGNORE NULLS) OVER latest AND input_tokens BETWEEN 0 AND 1000000000000, input_tokens, NULL) AS input_tokens, IF(log_id = LAST_VALUE(IF(output_tokens IS NULL, NULL, log_id) IGNORE NULLS) OVER latest AND output_tokens BETWEEN 0 AND 1000000000000, output_tokens, NULL) AS output_tokens, IF(log_id = LAST_VALUE(IF(total_tokens IS NULL, NULL, log_id) IGNORE NULLS) OVER latest AND total_tokens BETWEEN 0 AND 1000000000000, total_tokens, NULL) AS total_tokens, IF(log_id = LAST_VALUE(IF(cost_usd IS NULL, NULL, log_id) IGNORE NULLS) OVER latest AND cost_usd < 1000000000, cost_usd, NULL) AS cost_usd), LAST_VALUE(total_tokens IGNORE NULLS) OVER latest AS entity_total_tokens, COALESCE(total_tokens, input_tokens, output_tokens) IS NOT NULL AS says_tokens
FROM `{project}.agent_logs.conversations_history`
WINDOW latest AS (
  PARTITION BY conversation_id ORDER BY COALESCE(logged_at, published_at), seq, log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
))
UNION ALL
SELECT COALESCE(logged_at, published_at) AS timestamp, 'AGENT_THINKING' AS event_type, agent_position AS agent,
  conversation_id AS session_id, conversation_id AS invocation_id, CAST(NULL AS STRING) AS user_id,
  conversation_id AS trace_id, thinking_id AS span_id, conversation_id AS parent_span_id,
  SAFE.PARSE_JSON(entry) AS content, CAST(NULL AS ARRAY<STRUCT<mime_type STRING, uri STRING, object_ref STRUCT<uri STRING, version STRING, authorizer STRING, details JSON>,
    text STRING, part_index INT64, part_attributes STRING, storage_mode STRING>>) AS content_parts,
  JSON_OBJECT('model', model_used) AS attributes, CAST(NULL AS JSON) AS latency_ms,
  CASE WHEN CAST(NULL AS BOOL) THEN 'OK' WHEN NOT CAST(NULL AS BOOL) THEN 'ERROR' END AS status,
  IF(CAST(NULL AS BOOL), NULL, CAST(NULL AS STRING)) AS error_message, FALSE AS is_truncated,
  'thinking_logs' AS table_name, log_id, thinking_id AS entity_id, business_id, COALESCE(thinking_content, decision_made, rationale) AS title, thinking_type AS outcome,
  CAST(NULL AS INT64) AS tokens, CAST(NULL AS FLOAT64) AS cost_usd, conflict, published_at, ingested_at
FROM (SELECT * FROM `{project}.agent_logs.thinking_logs_history`)
UNION ALL
SELECT COALESCE(logged_at, published_at) AS timestamp, IF(IFNULL(human_reviewed, FALSE) OR human_override IS NOT NULL, 'DECISION_REVIEWED', 'DECISION_MADE') AS event_type, agent_position AS agent,
  CAST(NULL AS STRING) AS session_id, CAST(NULL AS STRING) AS invocation_id, CAST(NULL AS STRING) AS user_id,
  CAST(NULL AS STRING) AS trace_id, decision_id AS span_id, CAST(NULL AS STRING) AS parent_span_id,
  SAFE.PARSE_JSON(entry) AS content, CAST(NULL AS ARRAY<STRUCT<mime_type STRING, uri STRING, object_ref STRUCT<uri STRING, version STRING, authorizer STRING, details JSON>,
    text STRING, part_index INT64, part_attributes STRING, storage_mode STRING>>) AS content_parts,
  JSON_OBJECT() AS attributes, CAST(NULL AS JSON) AS latency_ms,
  CASE WHEN CAST(NULL AS BOOL) THEN 'OK' WHEN NOT CAST(NULL AS BOOL) THEN 'ERROR' END AS status,
  IF(CAST(NULL AS BOOL), NULL, CAST(NULL AS STRING)) AS error_message, FALSE AS is_truncated,
  'decision_logs' AS table_name, log_id, decision_id AS entity_id, business_id, COALESCE(decision_summary, human_override, chosen_option, CONCAT('reviewed by ', human_reviewer)) AS title, CASE WHEN human_override IS NOT NULL THEN 'overridden' WHEN human_reviewed THEN 'reviewed' WHEN requires_human_review THEN 'to review' ELSE decision_type END AS outcome,
  CAST(NULL AS INT64) AS tokens, CAST(NULL AS FLOAT64) AS cost_usd, conflict, published_at, ingested_at
FROM (SELECT * REPLACE (COALESCE(decision_summary, LAST_VALUE(decision_summary IGNORE NULLS) OVER latest) AS decision_summary)
FROM `{project}.agent_logs.decision_logs_history`
WINDOW latest AS (
  PARTITION BY decision_id ORDER BY COALESCE(logged_at, published_at), seq, log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
))
UNION ALL
SELECT COALESCE(logged_at, published_at) AS timestamp, CASE WHEN success THEN 'ACTION_COMPLETED' WHEN NOT success OR error_message IS NOT NULL THEN 'ACTION_ERROR' ELSE 'ACTION_STARTING' END AS event_type, agent_position AS agent,
  conversation_id AS session_id, conversation_id AS invocation_id, CAST(NULL AS STRING) AS user_id,
  conversation_id AS trace_id, action_id AS span_id, conversation_id AS parent_span_id,
  SAFE.PARSE_JSON(entry) AS content, CAST(NULL AS ARRAY<STRUCT<mime_type STRING, uri STRING, object_ref STRUCT<uri STRING, version STRING, authorizer STRING, details JSON>,
    text STRING, part_index INT64, part_attributes STRING, storage_mode STRING>>) AS content_parts,
  JSON_OBJECT() AS attributes, IF(COALESCE(duration_ms, TIMESTAMP_DIFF(completed_at, started_at, MILLISECOND)) IS NULL, NULL, JSON_OBJECT('total_ms', COALESCE(duration_ms, TIMESTAMP_DIFF(completed_at, started_at, MILLISECOND)))) AS latency_ms,
  CASE WHEN IF(success IS NULL AND error_message IS NOT NULL, FALSE, success) THEN 'OK' WHEN NOT IF(success IS NULL AND error_message IS NOT NULL, FALSE, success) THEN 'ERROR' END AS status,
  IF(IF(success IS NULL AND error_message IS NOT NULL, FALSE, success), NULL, error_message) AS error_message, FALSE AS is_truncated,
  'action_logs' AS table_name, log_id, action_id AS entity_id, business_id, COALESCE(action_target, error_message, result_summary) AS title, CASE WHEN success THEN 'ok' WHEN NOT success THEN 'failed' ELSE 'started' END AS outcome,
  CAST(NULL AS INT64) AS tokens, IF(IFNULL(entity_type = 'mcp_call', FALSE) OR entity_model IS NOT NULL
    AND IFNULL(entity_conversation IN (SELECT conversation_id FROM (SELECT
  entry_of.conversation_id,
  LAST_VALUE(entry_of.cost_usd IGNORE NULLS) OVER latest AS cost_usd
FROM (SELECT
  conversation_id, cost_usd, logged_at, published_at, seq, log_id
FROM `{project}.agent_logs.conversations_arrivals`
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY log_id ORDER BY published_at, message_id, ingested_at) = 1) AS entry_of
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY entry_of.conversation_id ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at) DESC, entry_of.seq DESC, entry_of.log_id DESC) = 1
WINDOW latest AS (
  PARTITION BY entry_of.conversation_id
  ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at), entry_of.seq, entry_of.log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
)) WHERE cost_usd < 1000000000), FALSE), NULL, cost_usd) AS cost_usd, conflict, published_at, ingested_at
FROM (SELECT * REPLACE (COALESCE(conversation_id, LAST_VALUE(conversation_id IGNORE NULLS) OVER latest) AS conversation_id, COALESCE(action_type, LAST_VALUE(action_type IGNORE NULLS) OVER latest) AS action_type, COALESCE(action_target, LAST_VALUE(action_target IGNORE NULLS) OVER latest) AS action_target, COALESCE(action_details, LAST_VALUE(action_details IGNORE NULLS) OVER latest) AS action_details, IF(log_id = LAST_VALUE(IF(cost_usd IS NULL, NULL, log_id) IGNORE NULLS) OVER latest AND cost_usd < 1000000000, cost_usd, NULL) AS cost_usd), LAST_VALUE(action_type IGNORE NULLS) OVER latest AS entity_type, LAST_VALUE(JSON_VALUE(action_details, '$.model_name') IGNORE NULLS) OVER latest AS entity_model, LAST_VALUE(conversation_id IGNORE NULLS) OVER latest AS entity_conversation
FROM `{project}.agent_logs.action_logs_history`
WINDOW latest AS (
  PARTITION BY action_id ORDER BY COALESCE(logged_at, published_at), seq, log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
))
UNION ALL
SELECT COALESCE(logged_at, published_at) AS timestamp, CASE WHEN success THEN 'TOOL_COMPLETED' WHEN NOT success OR error_message IS NOT NULL THEN 'TOOL_ERROR'
    WHEN COALESCE(result_summary, CAST(duration_ms AS STRING)) IS NOT NULL THEN 'TOOL_COMPLETED' ELSE 'TOOL_STARTING' END AS event_type, agent_position AS agent,
  conversation_id AS session_id, conversation_id AS invocation_id, CAST(NULL AS STRING) AS user_id,
  conversation_id AS trace_id, usage_id AS span_id, conversation_id AS parent_span_id,
  JSON_OBJECT('tool', tool_name, 'server', server_name, 'tool_origin', 'MCP', 'args', parameters, 'result', result_summary) AS content, CAST(NULL AS ARRAY<STRUCT<mime_type STRING, uri STRING, object_ref STRUCT<uri STRING, version STRING, authorizer STRING, details JSON>,
    text STRING, part_index INT64, part_attributes STRING, storage_mode STRING>>) AS content_parts,
  JSON_OBJECT() AS attributes, IF(duration_ms IS NULL, NULL, JSON_OBJECT('total_ms', duration_ms)) AS latency_ms,
  CASE WHEN IF(success IS NULL AND error_message IS NOT NULL, FALSE, success) THEN 'OK' WHEN NOT IF(success IS NULL AND error_message IS NOT NULL, FALSE, success) THEN 'ERROR' END AS status,
  IF(IF(success IS NULL AND error_message IS NOT NULL, FALSE, success), NULL, error_message) AS error_message, FALSE AS is_truncated,
  'mcp_usage_logs' AS table_name, log_id, usage_id AS entity_id, business_id, CONCAT(server_name, '/', tool_name) AS title, CASE WHEN success THEN 'ok' WHEN NOT success THEN 'failed' END AS outcome,
  tokens_used AS tokens, cost_usd AS cost_usd, conflict, published_at, ingested_at
FROM (SELECT * REPLACE (COALESCE(conversation_id, LAST_VALUE(conversation_id IGNORE NULLS) OVER latest) AS conversation_id, IF(log_id = LAST_VALUE(IF(tokens_used IS NULL, NULL, log_id) IGNORE NULLS) OVER latest AND tokens_used BETWEEN 0 AND 1000000000000, tokens_used, NULL) AS tokens_used, IF(log_id = LAST_VALUE(IF(cost_usd IS NULL, NULL, log_id) IGNORE NULLS) OVER latest AND cost_usd < 1000000000, cost_usd, NULL) AS cost_usd)
FROM `{project}.agent_logs.mcp_usage_logs_history`
WINDOW latest AS (
  PARTITION BY usage_id ORDER BY COALESCE(logged_at, published_at), seq, log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
))
UNION ALL
SELECT COALESCE(logged_at, published_at) AS timestamp, CASE WHEN resolved_at IS NOT NULL THEN 'ESCALATION_RESOLVED' WHEN acknowledged_at IS NOT NULL THEN 'ESCALATION_ACKNOWLEDGED'
    ELSE 'ESCALATION_RAISED' END AS event_type, source_agent AS agent,
  source_conversation_id AS session_id, source_conversation_id AS invocation_id, CAST(NULL AS STRING) AS user_id,
  source_conversation_id AS trace_id, escalation_id AS span_id, source_conversation_id AS parent_span_id,
  SAFE.PARSE_JSON(entry) AS content, CAST(NULL AS ARRAY<STRUCT<mime_type STRING, uri STRING, object_ref STRUCT<uri STRING, version STRING, authorizer STRING, details JSON>,
    text STRING, part_index INT64, part_attributes STRING, storage_mode STRING>>) AS content_parts,
  JSON_OBJECT() AS attributes, CAST(NULL AS JSON) AS latency_ms,
  CASE WHEN CAST(NULL AS BOOL) THEN 'OK' WHEN NOT CAST(NULL AS BOOL) THEN 'ERROR' END AS status,
  IF(CAST(NULL AS BOOL), NULL, CAST(NULL AS STRING)) AS error_message, FALSE AS is_truncated,
  'escalation_logs' AS table_name, log_id, escalation_id AS entity_id, business_id, COALESCE(subject, description, resolution) AS title, CASE WHEN resolved_at IS NOT NULL THEN 'resolved' WHEN acknowledged_at IS NOT NULL THEN 'acknowledged' ELSE 'raised' END AS outcome,
  CAST(NULL AS INT64) AS tokens, CAST(NULL AS FLOAT64) AS cost_usd, conflict, published_at, ingested_at
FROM (SELECT * REPLACE (COALESCE(source_conversation_id, LAST_VALUE(source_conversation_id IGNORE NULLS) OVER latest) AS source_conversation_id, COALESCE(subject, LAST_VALUE(subject IGNORE NULLS) OVER latest) AS subject)
FROM `{project}.agent_logs.escalation_logs_history`
WINDOW latest AS (
  PARTITION BY escalation_id ORDER BY COALESCE(logged_at, published_at), seq, log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
));
