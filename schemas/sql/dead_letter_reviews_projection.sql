-- dead_letter_reviews_projection: Rows of dead_letter_reviews with columns that do not say what the entry says.
-- No rows: nothing was found. docs/audit-queries.md says what that proves.
-- To be pasted into BigQuery with {project} replaced by the ID of the project. Written by `npm run build`; do not edit.
SELECT log_id, ingested_at, differing
FROM (
  SELECT log_id, ingested_at,
    ARRAY_TO_STRING([
      IF(row_of.review_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.review_id'), 'review_id', NULL),
      IF(row_of.dead_letter_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.dead_letter_id'), 'dead_letter_id', NULL),
      IF(row_of.reviewed_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_reviewed_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_reviewed_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_reviewed_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_reviewed_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'reviewed_at', NULL),
      IF(row_of.reviewer IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.reviewer'), 'reviewer', NULL),
      IF(row_of.decision IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.decision'), 'decision', NULL),
      IF(TO_JSON_STRING(SAFE.PARSE_JSON(TO_JSON_STRING(row_of.patch))) IS DISTINCT FROM TO_JSON_STRING(row_of.said_patch), 'patch', NULL),
      IF(row_of.note IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.note'), 'note', NULL),
      IF(row_of.log_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.log_id'), 'log_id', NULL),
      IF(row_of.logged_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_logged_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_logged_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_logged_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_logged_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'logged_at', NULL),
      IF(row_of.publisher_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.publisher_id'), 'publisher_id', NULL),
      IF(row_of.seq IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.seq') AS INT64), 'seq', NULL)
    ], ', ') AS differing
  FROM (
    SELECT *,
      JSON_VALUE(entry, '$.reviewed_at') AS said_reviewed_at,
      SAFE.PARSE_JSON(JSON_QUERY(entry, '$.patch')) AS said_patch,
      JSON_VALUE(entry, '$.logged_at') AS said_logged_at
    FROM `{project}.agent_logs_raw.dead_letter_reviews`
  ) AS row_of
)
WHERE differing != ''
ORDER BY ingested_at, log_id;
