-- mcp_usage_logs_projection: Rows of mcp_usage_logs with columns that do not say what the entry says.
-- No rows: nothing was found. docs/audit-queries.md says what that proves.
-- To be pasted into BigQuery with {project} replaced by the ID of the project. Written by `npm run build`; do not edit.
SELECT log_id, ingested_at, differing
FROM (
  SELECT log_id, ingested_at,
    ARRAY_TO_STRING([
      IF(row_of.usage_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.usage_id'), 'usage_id', NULL),
      IF(row_of.business_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.business_id'), 'business_id', NULL),
      IF(row_of.agent_position IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.agent_position'), 'agent_position', NULL),
      IF(row_of.conversation_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.conversation_id'), 'conversation_id', NULL),
      IF(row_of.server_name IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.server_name'), 'server_name', NULL),
      IF(row_of.tool_name IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.tool_name'), 'tool_name', NULL),
      IF(row_of.called_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_called_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_called_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_called_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_called_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'called_at', NULL),
      IF(TO_JSON_STRING(SAFE.PARSE_JSON(TO_JSON_STRING(row_of.parameters))) IS DISTINCT FROM TO_JSON_STRING(row_of.said_parameters), 'parameters', NULL),
      IF(row_of.duration_ms IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.duration_ms') AS INT64), 'duration_ms', NULL),
      IF(row_of.success IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.success') AS BOOL), 'success', NULL),
      IF(row_of.error_message IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.error_message'), 'error_message', NULL),
      IF(row_of.result_summary IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.result_summary'), 'result_summary', NULL),
      IF(row_of.tokens_used IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.tokens_used') AS INT64), 'tokens_used', NULL),
      IF(row_of.cost_usd IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.cost_usd') AS FLOAT64), 'cost_usd', NULL),
      IF(row_of.log_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.log_id'), 'log_id', NULL),
      IF(row_of.logged_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_logged_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_logged_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_logged_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_logged_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'logged_at', NULL),
      IF(row_of.publisher_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.publisher_id'), 'publisher_id', NULL),
      IF(row_of.seq IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.seq') AS INT64), 'seq', NULL)
    ], ', ') AS differing
  FROM (
    SELECT *,
      JSON_VALUE(entry, '$.called_at') AS said_called_at,
      SAFE.PARSE_JSON(JSON_QUERY(entry, '$.parameters')) AS said_parameters,
      JSON_VALUE(entry, '$.logged_at') AS said_logged_at
    FROM `{project}.agent_logs_raw.mcp_usage_logs`
  ) AS row_of
)
WHERE differing != ''
ORDER BY ingested_at, log_id;
