-- seals_projection: Rows of seals with columns that do not say what the entry says.
-- No rows: nothing was found. docs/audit-queries.md says what that proves.
-- To be pasted into BigQuery with {project} replaced by the ID of the project. Written by `npm run build`; do not edit.
SELECT log_id, ingested_at, differing
FROM (
  SELECT log_id, ingested_at,
    ARRAY_TO_STRING([
      IF(row_of.seal_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.seal_id'), 'seal_id', NULL),
      IF(row_of.table_name IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.table_name'), 'table_name', NULL),
      IF(row_of.window_start IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_window_start, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_window_start, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_window_start, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_window_start, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'window_start', NULL),
      IF(row_of.window_end IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_window_end, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_window_end, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_window_end, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_window_end, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'window_end', NULL),
      IF(row_of.row_count IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.row_count') AS INT64), 'row_count', NULL),
      IF(row_of.root_hash IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.root_hash'), 'root_hash', NULL),
      IF(row_of.log_index IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.log_index') AS INT64), 'log_index', NULL),
      IF(row_of.sealed_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_sealed_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_sealed_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_sealed_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_sealed_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'sealed_at', NULL),
      IF(row_of.checkpoint_number IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.checkpoint_number') AS INT64), 'checkpoint_number', NULL),
      IF(row_of.read_session IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.read_session'), 'read_session', NULL),
      IF(row_of.log_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.log_id'), 'log_id', NULL),
      IF(row_of.logged_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_logged_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_logged_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_logged_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_logged_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'logged_at', NULL),
      IF(row_of.publisher_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.publisher_id'), 'publisher_id', NULL),
      IF(row_of.seq IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.seq') AS INT64), 'seq', NULL)
    ], ', ') AS differing
  FROM (
    SELECT *,
      JSON_VALUE(entry, '$.window_start') AS said_window_start,
      JSON_VALUE(entry, '$.window_end') AS said_window_end,
      JSON_VALUE(entry, '$.sealed_at') AS said_sealed_at,
      JSON_VALUE(entry, '$.logged_at') AS said_logged_at
    FROM `{project}.agent_logs_raw.seals`
  ) AS row_of
)
WHERE differing != ''
ORDER BY ingested_at, log_id;
