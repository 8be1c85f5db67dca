-- log_access_audit_projection: Rows of log_access_audit with columns that do not say what the entry says.
-- No rows: nothing was found. docs/audit-queries.md says what that proves.
-- To be pasted into BigQuery with {project} replaced by the ID of the project. Written by `npm run build`; do not edit.
SELECT log_id, ingested_at, differing
FROM (
  SELECT log_id, ingested_at,
    ARRAY_TO_STRING([
      IF(row_of.access_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.access_id'), 'access_id', NULL),
      IF(row_of.accessed_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_accessed_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_accessed_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_accessed_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_accessed_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'accessed_at', NULL),
      IF(row_of.principal IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.principal'), 'principal', NULL),
      IF(row_of.caller_ip IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.caller_ip'), 'caller_ip', NULL),
      IF(row_of.caller_user_agent IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.caller_user_agent'), 'caller_user_agent', NULL),
      IF(row_of.access_type IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.access_type'), 'access_type', NULL),
      IF(row_of.project_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.project_id'), 'project_id', NULL),
      IF(row_of.dataset_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.dataset_id'), 'dataset_id', NULL),
      IF(row_of.table_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.table_id'), 'table_id', NULL),
      IF(TO_JSON_STRING(IFNULL(row_of.columns_read, ARRAY<STRING>[])) != TO_JSON_STRING(IFNULL(row_of.said_columns_read, ARRAY<STRING>[])), 'columns_read', NULL),
      IF(row_of.statement IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.statement'), 'statement', NULL),
      IF(row_of.destination IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.destination'), 'destination', NULL),
      IF(row_of.job_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.job_id'), 'job_id', NULL),
      IF(row_of.rows_read IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.rows_read') AS INT64), 'rows_read', NULL),
      IF(row_of.bytes_read IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.bytes_read') AS INT64), 'bytes_read', NULL),
      IF(row_of.purpose IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.purpose'), 'purpose', NULL),
      IF(row_of.log_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.log_id'), 'log_id', NULL),
      IF(row_of.logged_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_logged_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_logged_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_logged_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_logged_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'logged_at', NULL),
      IF(row_of.publisher_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.publisher_id'), 'publisher_id', NULL),
      IF(row_of.seq IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.seq') AS INT64), 'seq', NULL)
    ], ', ') AS differing
  FROM (
    SELECT *,
      JSON_VALUE(entry, '$.accessed_at') AS said_accessed_at,
      JSON_VALUE_ARRAY(entry, '$.columns_read') AS said_columns_read,
      JSON_VALUE(entry, '$.logged_at') AS said_logged_at
    FROM `{project}.agent_logs_raw.log_access_audit`
  ) AS row_of
)
WHERE differing != ''
ORDER BY ingested_at, log_id;
