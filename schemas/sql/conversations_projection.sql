-- conversations_projection: Rows of conversations with columns that do not say what the entry says.
-- No rows: nothing was found. docs/audit-queries.md says what that proves.
-- To be pasted into BigQuery with {project} replaced by the ID of the project. Written by `npm run build`; do not edit.
SELECT log_id, ingested_at, differing
FROM (
  SELECT log_id, ingested_at,
    ARRAY_TO_STRING([
      IF(row_of.conversation_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.conversation_id'), 'conversation_id', NULL),
      IF(row_of.business_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.business_id'), 'business_id', NULL),
      IF(row_of.agent_position IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.agent_position'), 'agent_position', NULL),
      IF(row_of.started_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_started_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_started_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_started_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_started_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'started_at', NULL),
      IF(row_of.ended_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_ended_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_ended_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_ended_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_ended_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'ended_at', NULL),
      IF(row_of.duration_seconds IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.duration_seconds') AS INT64), 'duration_seconds', NULL),
      IF(row_of.model_provider IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.model_provider'), 'model_provider', NULL),
      IF(row_of.model_name IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.model_name'), 'model_name', NULL),
      IF(row_of.model_version IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.model_version'), 'model_version', NULL),
      IF(row_of.input_tokens IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.input_tokens') AS INT64), 'input_tokens', NULL),
      IF(row_of.output_tokens IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.output_tokens') AS INT64), 'output_tokens', NULL),
      IF(row_of.total_tokens IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.total_tokens') AS INT64), 'total_tokens', NULL),
      IF(row_of.cost_usd IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.cost_usd') AS FLOAT64), 'cost_usd', NULL),
      IF(row_of.cost_source IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.cost_source'), 'cost_source', NULL),
      IF(row_of.command_executed IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.command_executed'), 'command_executed', NULL),
      IF(row_of.user_prompt_preview IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.user_prompt_preview'), 'user_prompt_preview', NULL),
      IF(row_of.response_preview IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.response_preview'), 'response_preview', NULL),
      IF(row_of.status IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.status'), 'status', NULL),
      IF(row_of.error_message IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.error_message'), 'error_message', NULL),
      IF(row_of.ip_address IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.ip_address'), 'ip_address', NULL),
      IF(row_of.user_agent IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.user_agent'), 'user_agent', NULL),
      IF(row_of.log_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.log_id'), 'log_id', NULL),
      IF(row_of.logged_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_logged_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_logged_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_logged_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_logged_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'logged_at', NULL),
      IF(row_of.publisher_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.publisher_id'), 'publisher_id', NULL),
      IF(row_of.seq IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.seq') AS INT64), 'seq', NULL)
    ], ', ') AS differing
  FROM (
    SELECT *,
      JSON_VALUE(entry, '$.started_at') AS said_started_at,
      JSON_VALUE(entry, '$.ended_at') AS said_ended_at,
      JSON_VALUE(entry, '$.logged_at') AS said_logged_at
    FROM `{project}.agent_logs_raw.conversations`
  ) AS row_of
)
WHERE differing != ''
ORDER BY ingested_at, log_id;
