-- thinking_logs_projection: Rows of thinking_logs with columns that do not say what the entry says.
-- No rows: nothing was found. docs/audit-queries.md says what that proves.
-- To be pasted into BigQuery with {project} replaced by the ID of the project. Written by `npm run build`; do not edit.
SELECT log_id, ingested_at, differing
FROM (
  SELECT log_id, ingested_at,
    ARRAY_TO_STRING([
      IF(row_of.thinking_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.thinking_id'), 'thinking_id', NULL),
      IF(row_of.conversation_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.conversation_id'), 'conversation_id', NULL),
      IF(row_of.business_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.business_id'), 'business_id', NULL),
      IF(row_of.agent_position IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.agent_position'), 'agent_position', NULL),
      IF(row_of.timestamp IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_timestamp, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_timestamp, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_timestamp, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_timestamp, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'timestamp', NULL),
      IF(row_of.step_number IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.step_number') AS INT64), 'step_number', NULL),
      IF(row_of.thinking_type IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.thinking_type'), 'thinking_type', NULL),
      IF(row_of.thinking_content IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.thinking_content'), 'thinking_content', NULL),
      IF(row_of.confidence_level IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.confidence_level') AS FLOAT64), 'confidence_level', NULL),
      IF(row_of.context_summary IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.context_summary'), 'context_summary', NULL),
      IF(TO_JSON_STRING(IFNULL(row_of.options_considered, ARRAY<STRING>[])) != TO_JSON_STRING(IFNULL(row_of.said_options_considered, ARRAY<STRING>[])), 'options_considered', NULL),
      IF(row_of.decision_made IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.decision_made'), 'decision_made', NULL),
      IF(row_of.rationale IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.rationale'), 'rationale', NULL),
      IF(row_of.token_count IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.token_count') AS INT64), 'token_count', NULL),
      IF(row_of.model_used IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.model_used'), 'model_used', NULL),
      IF(row_of.log_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.log_id'), 'log_id', NULL),
      IF(row_of.logged_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_logged_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_logged_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_logged_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_logged_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'logged_at', NULL),
      IF(row_of.publisher_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.publisher_id'), 'publisher_id', NULL),
      IF(row_of.seq IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.seq') AS INT64), 'seq', NULL)
    ], ', ') AS differing
  FROM (
    SELECT *,
      JSON_VALUE(entry, '$.timestamp') AS said_timestamp,
      JSON_VALUE_ARRAY(entry, '$.options_considered') AS said_options_considered,
      JSON_VALUE(entry, '$.logged_at') AS said_logged_at
    FROM `{project}.agent_logs_raw.thinking_logs`
  ) AS row_of
)
WHERE differing != ''
ORDER BY ingested_at, log_id;
