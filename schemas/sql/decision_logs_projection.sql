-- decision_logs_projection: Rows of decision_logs with columns that do not say what the entry says.
-- No rows: nothing was found. docs/audit-queries.md says what that proves.
-- To be pasted into BigQuery with {project} replaced by the ID of the project. Written by `npm run build`; do not edit.
SELECT log_id, ingested_at, differing
FROM (
  SELECT log_id, ingested_at,
    ARRAY_TO_STRING([
      IF(row_of.decision_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.decision_id'), 'decision_id', NULL),
      IF(row_of.business_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.business_id'), 'business_id', NULL),
      IF(row_of.agent_position IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.agent_position'), 'agent_position', NULL),
      IF(row_of.decision_type IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.decision_type'), 'decision_type', NULL),
      IF(row_of.decision_summary IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.decision_summary'), 'decision_summary', NULL),
      IF(row_of.context IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.context'), 'context', NULL),
      IF(ARRAY_TO_STRING(ARRAY(
        SELECT CONCAT('[', TO_JSON_STRING(field_of.option), ',', TO_JSON_STRING(IFNULL(field_of.pros, ARRAY<STRING>[])), ',', TO_JSON_STRING(IFNULL(field_of.cons, ARRAY<STRING>[])), ',', IFNULL(CAST(field_of.score AS STRING), 'null'), ']')
        FROM (
          SELECT item.option AS option,
            item.pros AS pros,
            item.cons AS cons,
            item.score AS score, position
          FROM UNNEST(row_of.options_evaluated) AS item WITH OFFSET AS position
        ) AS field_of ORDER BY position), ',')
      != ARRAY_TO_STRING(ARRAY(
        SELECT CONCAT('[', TO_JSON_STRING(field_of.option), ',', TO_JSON_STRING(IFNULL(field_of.pros, ARRAY<STRING>[])), ',', TO_JSON_STRING(IFNULL(field_of.cons, ARRAY<STRING>[])), ',', IFNULL(CAST(field_of.score AS STRING), 'null'), ']')
        FROM (
          SELECT JSON_VALUE(item, '$.option') AS option,
            JSON_VALUE_ARRAY(item, '$.pros') AS pros,
            JSON_VALUE_ARRAY(item, '$.cons') AS cons,
            SAFE_CAST(JSON_VALUE(item, '$.score') AS FLOAT64) AS score, position
          FROM UNNEST(JSON_QUERY_ARRAY(row_of.entry, '$.options_evaluated')) AS item WITH OFFSET AS position
        ) AS field_of ORDER BY position), ','),
        'options_evaluated', NULL),
      IF(row_of.chosen_option IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.chosen_option'), 'chosen_option', NULL),
      IF(row_of.rationale IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.rationale'), 'rationale', NULL),
      IF(row_of.confidence IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.confidence') AS FLOAT64), 'confidence', NULL),
      IF(TO_JSON_STRING(IFNULL(row_of.affected_agents, ARRAY<STRING>[])) != TO_JSON_STRING(IFNULL(row_of.said_affected_agents, ARRAY<STRING>[])), 'affected_agents', NULL),
      IF(TO_JSON_STRING(IFNULL(row_of.affected_entities, ARRAY<STRING>[])) != TO_JSON_STRING(IFNULL(row_of.said_affected_entities, ARRAY<STRING>[])), 'affected_entities', NULL),
      IF(row_of.decided_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_decided_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_decided_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_decided_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_decided_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'decided_at', NULL),
      IF(row_of.requires_human_review IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.requires_human_review') AS BOOL), 'requires_human_review', NULL),
      IF(row_of.human_reviewed IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.human_reviewed') AS BOOL), 'human_reviewed', NULL),
      IF(row_of.human_reviewer IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.human_reviewer'), 'human_reviewer', NULL),
      IF(row_of.human_review_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_human_review_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_human_review_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_human_review_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_human_review_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'human_review_at', NULL),
      IF(row_of.human_override IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.human_override'), 'human_override', NULL),
      IF(row_of.log_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.log_id'), 'log_id', NULL),
      IF(row_of.logged_at IS DISTINCT FROM TIMESTAMP_SUB(SAFE_CAST(REGEXP_REPLACE(row_of.said_logged_at, r'[+-]\d\d:\d\d$', 'Z') AS TIMESTAMP),
        INTERVAL IFNULL(60 * SAFE_CAST(REGEXP_EXTRACT(row_of.said_logged_at, r'([+-]\d\d):\d\d$') AS INT64) + SAFE_CAST(CONCAT(REGEXP_EXTRACT(row_of.said_logged_at, r'([+-])\d\d:\d\d$'), REGEXP_EXTRACT(row_of.said_logged_at, r'[+-]\d\d:(\d\d)$')) AS INT64), 0) MINUTE),
        'logged_at', NULL),
      IF(row_of.publisher_id IS DISTINCT FROM JSON_VALUE(row_of.entry, '$.publisher_id'), 'publisher_id', NULL),
      IF(row_of.seq IS DISTINCT FROM SAFE_CAST(JSON_VALUE(row_of.entry, '$.seq') AS INT64), 'seq', NULL)
    ], ', ') AS differing
  FROM (
    SELECT *,
      JSON_VALUE_ARRAY(entry, '$.affected_agents') AS said_affected_agents,
      JSON_VALUE_ARRAY(entry, '$.affected_entities') AS said_affected_entities,
      JSON_VALUE(entry, '$.decided_at') AS said_decided_at,
      JSON_VALUE(entry, '$.human_review_at') AS said_human_review_at,
      JSON_VALUE(entry, '$.logged_at') AS said_logged_at
    FROM `{project}.agent_logs_raw.decision_logs`
  ) AS row_of
)
WHERE differing != ''
ORDER BY ingested_at, log_id;
