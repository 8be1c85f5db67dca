-- conflicts: Identities of which there are entries with different content, one row each.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT 'conversations' AS table_name, log_id, COUNT(DISTINCT entry_hash) AS entries, MIN(published_at) AS first_published_at
FROM `{project}.agent_logs_raw.conversations`
GROUP BY log_id
HAVING COUNT(DISTINCT entry_hash) > 1
UNION ALL
SELECT 'thinking_logs' AS table_name, log_id, COUNT(DISTINCT entry_hash) AS entries, MIN(published_at) AS first_published_at
FROM `{project}.agent_logs_raw.thinking_logs`
GROUP BY log_id
HAVING COUNT(DISTINCT entry_hash) > 1
UNION ALL
SELECT 'decision_logs' AS table_name, log_id, COUNT(DISTINCT entry_hash) AS entries, MIN(published_at) AS first_published_at
FROM `{project}.agent_logs_raw.decision_logs`
GROUP BY log_id
HAVING COUNT(DISTINCT entry_hash) > 1
UNION ALL
SELECT 'action_logs' AS table_name, log_id, COUNT(DISTINCT entry_hash) AS entries, MIN(published_at) AS first_published_at
FROM `{project}.agent_logs_raw.action_logs`
GROUP BY log_id
HAVING COUNT(DISTINCT entry_hash) > 1
UNION ALL
SELECT 'escalation_logs' AS table_name, log_id, COUNT(DISTINCT entry_hash) AS entries, MIN(published_at) AS first_published_at
FROM `{project}.agent_logs_raw.escalation_logs`
GROUP BY log_id
HAVING COUNT(DISTINCT entry_hash) > 1
UNION ALL
SELECT 'mcp_usage_logs' AS table_name, log_id, COUNT(DISTINCT entry_hash) AS entries, MIN(published_at) AS first_published_at
FROM `{project}.agent_logs_raw.mcp_usage_logs`
GROUP BY log_id
HAVING COUNT(DISTINCT entry_hash) > 1
UNION ALL
SELECT 'log_access_audit' AS table_name, log_id, COUNT(DISTINCT entry_hash) AS entries, MIN(published_at) AS first_published_at
FROM `{project}.agent_logs_raw.log_access_audit`
GROUP BY log_id
HAVING COUNT(DISTINCT entry_hash) > 1
UNION ALL
SELECT 'dead_letters' AS table_name, log_id, COUNT(DISTINCT entry_hash) AS entries, MIN(published_at) AS first_published_at
FROM `{project}.agent_logs_raw.dead_letters`
GROUP BY log_id
HAVING COUNT(DISTINCT entry_hash) > 1
UNION ALL
SELECT 'dead_letter_reviews' AS table_name, log_id, COUNT(DISTINCT entry_hash) AS entries, MIN(published_at) AS first_published_at
FROM `{project}.agent_logs_raw.dead_letter_reviews`
GROUP BY log_id
HAVING COUNT(DISTINCT entry_hash) > 1
UNION ALL
SELECT 'seals' AS table_name, log_id, COUNT(DISTINCT entry_hash) AS entries, MIN(published_at) AS first_published_at
FROM `{project}.agent_logs_raw.seals`
GROUP BY log_id
HAVING COUNT(DISTINCT entry_hash) > 1;
