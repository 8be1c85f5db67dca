-- action_logs: Every action taken by an agent, with its result. One row for each action_id: the latest value of each column.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT
  entry_of.action_id,
  entry_of.business_id,
  entry_of.agent_position,
  LAST_VALUE(entry_of.conversation_id IGNORE NULLS) OVER latest AS conversation_id,
  LAST_VALUE(entry_of.action_type IGNORE NULLS) OVER latest AS action_type,
  LAST_VALUE(entry_of.action_target IGNORE NULLS) OVER latest AS action_target,
  LAST_VALUE(entry_of.action_details IGNORE NULLS) OVER latest AS action_details,
  entry_of.started_at,
  LAST_VALUE(entry_of.completed_at IGNORE NULLS) OVER latest AS completed_at,
  LAST_VALUE(entry_of.duration_ms IGNORE NULLS) OVER latest AS duration_ms,
  LAST_VALUE(entry_of.success IGNORE NULLS) OVER latest AS success,
  LAST_VALUE(entry_of.result_summary IGNORE NULLS) OVER latest AS result_summary,
  LAST_VALUE(entry_of.error_message IGNORE NULLS) OVER latest AS error_message,
  LAST_VALUE(entry_of.cost_usd IGNORE NULLS) OVER latest AS cost_usd,
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
FROM `{project}.agent_logs.action_logs_history` AS entry_of
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY entry_of.action_id ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at) DESC, entry_of.seq DESC, entry_of.log_id DESC) = 1
WINDOW latest AS (
  PARTITION BY entry_of.action_id
  ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at), entry_of.seq, entry_of.log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
);
