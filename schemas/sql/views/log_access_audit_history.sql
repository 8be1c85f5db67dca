-- log_access_audit_history: Who read the log: every query, listing, copy, export and read session. Every entry once; conflict: another entry has the same log_id and other content.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT
  *,
  MIN(entry_hash) OVER (PARTITION BY log_id) != MAX(entry_hash) OVER (PARTITION BY log_id) AS conflict
FROM `{project}.agent_logs_raw.log_access_audit`
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY log_id ORDER BY published_at, message_id, ingested_at) = 1;
