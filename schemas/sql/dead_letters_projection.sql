-- dead_letters_projection: Rows of dead_letters with columns that do not say what the entry says.
-- No rows: nothing was found. docs/audit-queries.md says what that proves.
-- To be pasted into BigQuery with {project} replaced by the ID of the project. Written by `npm run build`; do not edit.
SELECT log_id, ingested_at, differing
FROM (
  SELECT log_id, ingested_at,
    ARRAY_TO_STRING([
      IF(row_of.dead_letter_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.dead_letter_id'), 'dead_letter_id', NULL),
      IF(row_of.reason IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.reason'), 'reason', NULL),
      IF(row_of.reason_detail IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.reason_detail'), 'reason_detail', NULL),
      IF(row_of.reason_pattern IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.reason_pattern'), 'reason_pattern', NULL),
      IF(row_of.source_table IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.source_table'), 'source_table', NULL),
      IF(row_of.source_message_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.source_message_id'), 'source_message_id', NULL),
      IF(row_of.source_published_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_source_published_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_source_published_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_source_published_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_source_published_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'source_published_at', NULL),
      IF(row_of.source_index IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.source_index') AS INT64), 'source_index', NULL),
      IF(row_of.source_log_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.source_log_id'), 'source_log_id', NULL),
      IF(TO_JSON_STRING(SAFE.PARSE_JSON(TO_JSON_STRING(row_of.source_attributes))) IS DISTINCT FROM TO_JSON_STRING(row_of.said_source_attributes), 'source_attributes', NULL),
      IF(row_of.replay_of IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.replay_of'), 'replay_of', NULL),
      IF(row_of.origin_message_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.origin_message_id'), 'origin_message_id', NULL),
      IF(row_of.origin_index IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.origin_index') AS INT64), 'origin_index', NULL),
      IF(row_of.part IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.part') AS INT64), 'part', NULL),
      IF(row_of.parts IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.parts') AS INT64), 'parts', NULL),
      IF(row_of.data IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.data'), 'data', NULL),
      IF(row_of.data_base64 IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.data_base64'), 'data_base64', NULL),
      IF(row_of.data_bytes IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.data_bytes') AS INT64), 'data_bytes', NULL),
      IF(row_of.log_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.log_id'), 'log_id', NULL),
      IF(row_of.logged_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_logged_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_logged_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_logged_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_logged_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'logged_at', NULL),
      IF(row_of.publisher_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.publisher_id'), 'publisher_id', NULL),
      IF(row_of.seq IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.seq') AS INT64), 'seq', NULL)
    ], ', ') AS differing
  FROM (
    SELECT *,
      JSON_VALUE(entry, '$.source_published_at') AS said_source_published_at,
      SAFE.PARSE_JSON(JSON_QUERY(entry, '$.source_attributes')) AS said_source_attributes,
      JSON_VALUE(entry, '$.logged_at') AS said_logged_at
    FROM `{project}.agent_logs_raw.dead_letters`
  ) AS row_of
)
WHERE differing != ''
ORDER BY ingested_at, log_id;
