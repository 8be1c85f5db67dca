-- escalation_logs_history: Every escalation to a human, the CEO or another agent, until it is resolved. Every entry once; conflict: another entry has the same log_id and other content.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT
  *,
  MIN(entry_hash) OVER (PARTITION BY log_id) != MAX(entry_hash) OVER (PARTITION BY log_id) AS conflict
FROM `{project}.agent_logs_raw.escalation_logs`
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY log_id ORDER BY published_at, message_id, ingested_at) = 1;
