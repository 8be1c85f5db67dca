-- escalation_logs_projection: Rows of escalation_logs with columns that do not say what the entry says.
-- No rows: nothing was found. docs/audit-queries.md says what that proves.
-- To be pasted into BigQuery with {project} replaced by the ID of the project. Written by `npm run build`; do not edit.
SELECT log_id, ingested_at, differing
FROM (
  SELECT log_id, ingested_at,
    ARRAY_TO_STRING([
      IF(row_of.escalation_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.escalation_id'), 'escalation_id', NULL),
      IF(row_of.business_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.business_id'), 'business_id', NULL),
      IF(row_of.source_agent IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.source_agent'), 'source_agent', NULL),
      IF(row_of.source_conversation_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.source_conversation_id'), 'source_conversation_id', NULL),
      IF(row_of.escalation_type IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.escalation_type'), 'escalation_type', NULL),
      IF(row_of.urgency IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.urgency'), 'urgency', NULL),
      IF(row_of.subject IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.subject'), 'subject', NULL),
      IF(row_of.description IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.description'), 'description', NULL),
      IF(row_of.target IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.target'), 'target', NULL),
      IF(row_of.escalated_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_escalated_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_escalated_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_escalated_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_escalated_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'escalated_at', NULL),
      IF(row_of.acknowledged_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_acknowledged_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_acknowledged_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_acknowledged_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_acknowledged_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'acknowledged_at', NULL),
      IF(row_of.resolved_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_resolved_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_resolved_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_resolved_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_resolved_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'resolved_at', NULL),
      IF(row_of.resolution IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.resolution'), 'resolution', NULL),
      IF(row_of.resolved_by IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.resolved_by'), 'resolved_by', NULL),
      IF(row_of.sla_target IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_sla_target, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_sla_target, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_sla_target, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_sla_target, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'sla_target', NULL),
      IF(row_of.sla_met IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.sla_met') AS BOOL), 'sla_met', NULL),
      IF(row_of.log_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.log_id'), 'log_id', NULL),
      IF(row_of.logged_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_logged_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_logged_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_logged_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_logged_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'logged_at', NULL),
      IF(row_of.publisher_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.publisher_id'), 'publisher_id', NULL),
      IF(row_of.seq IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.seq') AS INT64), 'seq', NULL)
    ], ', ') AS differing
  FROM (
    SELECT *,
      JSON_VALUE(entry, '$.escalated_at') AS said_escalated_at,
      JSON_VALUE(entry, '$.acknowledged_at') AS said_acknowledged_at,
      JSON_VALUE(entry, '$.resolved_at') AS said_resolved_at,
      JSON_VALUE(entry, '$.sla_target') AS said_sla_target,
      JSON_VALUE(entry, '$.logged_at') AS said_logged_at
    FROM `{project}.agent_logs_raw.escalation_logs`
  ) AS row_of
)
WHERE differing != ''
ORDER BY ingested_at, log_id;
