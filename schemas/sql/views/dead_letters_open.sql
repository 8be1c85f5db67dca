-- dead_letters_open: Dead letters without a review, one row each, however many parts it has; replay_of: it is a replay that failed again. Who sent it, where its data says so; the data is not in it.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT dead_letter_id, source_table, reason, reason_detail, pattern, source_published_at, source_message_id, source_index, source_log_id, replay_of, parts,
  LEFT(JSON_VALUE(data, '$.business_id'), 256) AS business_id,
  LEFT(COALESCE(JSON_VALUE(data, '$.agent_position'), JSON_VALUE(data, '$.source_agent')), 256) AS agent,
  LEFT(JSON_VALUE(data, '$.publisher_id'), 256) AS publisher_id,
  TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), source_published_at, SECOND) AS age_seconds, log_id
FROM (
  SELECT *, COALESCE(reason_pattern, reason_detail, '') AS pattern
  FROM `{project}.agent_logs.dead_letters_history`
  WHERE part IS NULL OR part = 1
)
WHERE dead_letter_id NOT IN (SELECT dead_letter_id FROM `{project}.agent_logs.dead_letter_reviews_history`);
