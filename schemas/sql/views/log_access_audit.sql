-- log_access_audit: Who read the log: every query, listing, copy, export and read session. One row for each access_id: the latest value of each column.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT
  entry_of.access_id,
  entry_of.accessed_at,
  entry_of.principal,
  LAST_VALUE(entry_of.caller_ip IGNORE NULLS) OVER latest AS caller_ip,
  LAST_VALUE(entry_of.caller_user_agent IGNORE NULLS) OVER latest AS caller_user_agent,
  entry_of.access_type,
  LAST_VALUE(entry_of.project_id IGNORE NULLS) OVER latest AS project_id,
  entry_of.dataset_id,
  entry_of.table_id,
  LAST_VALUE(IF(ARRAY_LENGTH(entry_of.columns_read) = 0, NULL, entry_of.columns_read) IGNORE NULLS) OVER latest AS columns_read,
  LAST_VALUE(entry_of.statement IGNORE NULLS) OVER latest AS statement,
  LAST_VALUE(entry_of.destination IGNORE NULLS) OVER latest AS destination,
  LAST_VALUE(entry_of.job_id IGNORE NULLS) OVER latest AS job_id,
  LAST_VALUE(entry_of.rows_read IGNORE NULLS) OVER latest AS rows_read,
  LAST_VALUE(entry_of.bytes_read IGNORE NULLS) OVER latest AS bytes_read,
  LAST_VALUE(entry_of.purpose IGNORE NULLS) OVER latest AS purpose,
  entry_of.log_id,
  LAST_VALUE(entry_of.logged_at IGNORE NULLS) OVER latest AS logged_at,
  LAST_VALUE(entry_of.publisher_id IGNORE NULLS) OVER latest AS publisher_id,
  LAST_VALUE(entry_of.seq IGNORE NULLS) OVER latest AS seq,
  entry_of.published_at,
  entry_of.message_id,
  entry_of.ingested_at,
  entry_of.schema_version,
  entry_of.entry,
  entry_of.entry_hash,
  COUNT(*) OVER latest AS entries
FROM `{project}.agent_logs.log_access_audit_history` AS entry_of
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY entry_of.access_id ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at) DESC, entry_of.seq DESC, entry_of.log_id DESC) = 1
WINDOW latest AS (
  PARTITION BY entry_of.access_id
  ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at), entry_of.seq, entry_of.log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
);
