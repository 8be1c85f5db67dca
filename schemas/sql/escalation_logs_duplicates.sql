-- escalation_logs_duplicates: Identities of escalation_logs that more than one row has, and whether those say the same.
-- No rows: nothing was found. docs/audit-queries.md says what that proves.
-- To be pasted into BigQuery with {project} replaced by the ID of the project. Written by `npm run build`; do not edit.
SELECT log_id, COUNT(*) AS row_count, COUNT(DISTINCT entry_hash) AS entries, COUNT(DISTINCT entry_hash) > 1 AS conflict,
  MIN(published_at) AS first_published_at, MAX(ingested_at) AS last_ingested_at
FROM `{project}.agent_logs_raw.escalation_logs`
GROUP BY log_id
HAVING COUNT(*) > 1
ORDER BY conflict DESC, log_id;
