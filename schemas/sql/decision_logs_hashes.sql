-- decision_logs_hashes: Rows of decision_logs whose entry does not have the hash that stands beside it.
-- No rows: nothing was found. docs/audit-queries.md says what that proves.
-- To be pasted into BigQuery with {project} replaced by the ID of the project. Written by `npm run build`; do not edit.
SELECT log_id, ingested_at, entry_hash, TO_HEX(SHA256(entry)) AS actual_hash
FROM `{project}.agent_logs_raw.decision_logs`
WHERE entry_hash != TO_HEX(SHA256(entry))
ORDER BY ingested_at, log_id;
