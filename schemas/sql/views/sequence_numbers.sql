-- sequence_numbers: The numbers that publishers gave their events, each once: those of rows and of dead letters.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT publisher_id, seq, MIN(published_at) AS published_at
FROM (
  SELECT publisher_id, seq, published_at FROM `{project}.agent_logs_raw.conversations`
  UNION ALL
  SELECT publisher_id, seq, published_at FROM `{project}.agent_logs_raw.thinking_logs`
  UNION ALL
  SELECT publisher_id, seq, published_at FROM `{project}.agent_logs_raw.decision_logs`
  UNION ALL
  SELECT publisher_id, seq, published_at FROM `{project}.agent_logs_raw.action_logs`
  UNION ALL
  SELECT publisher_id, seq, published_at FROM `{project}.agent_logs_raw.escalation_logs`
  UNION ALL
  SELECT publisher_id, seq, published_at FROM `{project}.agent_logs_raw.mcp_usage_logs`
  UNION ALL
  SELECT publisher_id, seq, published_at FROM `{project}.agent_logs_raw.log_access_audit`
  UNION ALL
  SELECT publisher_id, seq, published_at FROM `{project}.agent_logs_raw.dead_letter_reviews`
  UNION ALL
  SELECT JSON_VALUE(event, '$.publisher_id') AS publisher_id, SAFE_CAST(JSON_VALUE(event, '$.seq') AS INT64) AS seq, published_at
  FROM (
    SELECT STRING_AGG(data, '' ORDER BY part) AS data, MIN(source_published_at) AS published_at
    FROM (
      SELECT source_table, source_message_id, source_index, source_published_at, part, data, data_base64
      FROM `{project}.agent_logs_raw.dead_letters`
      WHERE TRUE
      QUALIFY ROW_NUMBER() OVER (PARTITION BY log_id ORDER BY published_at, message_id, ingested_at) = 1
    )
    GROUP BY source_table, source_message_id, source_index
    HAVING COUNTIF(data_base64 IS NOT NULL) = 0
  ) AS letter, UNNEST(ARRAY_CONCAT([letter.data], SPLIT(letter.data, '\n'))) AS event
)
WHERE publisher_id IS NOT NULL AND seq BETWEEN 1 AND 9007199254740991
GROUP BY publisher_id, seq;
