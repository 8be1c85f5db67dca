-- thinking_logs: Every step of an agent's reasoning. One row for each thinking_id: the latest value of each column.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT
  entry_of.thinking_id,
  entry_of.conversation_id,
  entry_of.business_id,
  entry_of.agent_position,
  entry_of.timestamp,
  LAST_VALUE(entry_of.step_number IGNORE NULLS) OVER latest AS step_number,
  LAST_VALUE(entry_of.thinking_type IGNORE NULLS) OVER latest AS thinking_type,
  LAST_VALUE(entry_of.thinking_content IGNORE NULLS) OVER latest AS thinking_content,
  LAST_VALUE(entry_of.confidence_level IGNORE NULLS) OVER latest AS confidence_level,
  LAST_VALUE(entry_of.context_summary IGNORE NULLS) OVER latest AS context_summary,
  LAST_VALUE(IF(ARRAY_LENGTH(entry_of.options_considered) = 0, NULL, entry_of.options_considered) IGNORE NULLS) OVER latest AS options_considered,
  LAST_VALUE(entry_of.decision_made IGNORE NULLS) OVER latest AS decision_made,
  LAST_VALUE(entry_of.rationale IGNORE NULLS) OVER latest AS rationale,
  LAST_VALUE(entry_of.token_count IGNORE NULLS) OVER latest AS token_count,
  LAST_VALUE(entry_of.model_used IGNORE NULLS) OVER latest AS model_used,
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
FROM `{project}.agent_logs.thinking_logs_history` AS entry_of
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY entry_of.thinking_id ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at) DESC, entry_of.seq DESC, entry_of.log_id DESC) = 1
WINDOW latest AS (
  PARTITION BY entry_of.thinking_id
  ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at), entry_of.seq, entry_of.log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
);
