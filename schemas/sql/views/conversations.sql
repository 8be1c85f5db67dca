-- conversations: Every agent conversation: model, tokens, cost, previews and outcome. One row for each conversation_id: the latest value of each column.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT
  entry_of.conversation_id,
  entry_of.business_id,
  entry_of.agent_position,
  entry_of.started_at,
  LAST_VALUE(entry_of.ended_at IGNORE NULLS) OVER latest AS ended_at,
  LAST_VALUE(entry_of.duration_seconds IGNORE NULLS) OVER latest AS duration_seconds,
  LAST_VALUE(entry_of.model_provider IGNORE NULLS) OVER latest AS model_provider,
  LAST_VALUE(entry_of.model_name IGNORE NULLS) OVER latest AS model_name,
  LAST_VALUE(entry_of.model_version IGNORE NULLS) OVER latest AS model_version,
  LAST_VALUE(entry_of.input_tokens IGNORE NULLS) OVER latest AS input_tokens,
  LAST_VALUE(entry_of.output_tokens IGNORE NULLS) OVER latest AS output_tokens,
  LAST_VALUE(entry_of.total_tokens IGNORE NULLS) OVER latest AS total_tokens,
  LAST_VALUE(entry_of.cost_usd IGNORE NULLS) OVER latest AS cost_usd,
  LAST_VALUE(entry_of.cost_source IGNORE NULLS) OVER latest AS cost_source,
  LAST_VALUE(entry_of.command_executed IGNORE NULLS) OVER latest AS command_executed,
  LAST_VALUE(entry_of.user_prompt_preview IGNORE NULLS) OVER latest AS user_prompt_preview,
  LAST_VALUE(entry_of.response_preview IGNORE NULLS) OVER latest AS response_preview,
  LAST_VALUE(entry_of.status IGNORE NULLS) OVER latest AS status,
  LAST_VALUE(entry_of.error_message IGNORE NULLS) OVER latest AS error_message,
  LAST_VALUE(entry_of.ip_address IGNORE NULLS) OVER latest AS ip_address,
  LAST_VALUE(entry_of.user_agent IGNORE NULLS) OVER latest AS user_agent,
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
FROM `{project}.agent_logs.conversations_history` AS entry_of
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY entry_of.conversation_id ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at) DESC, entry_of.seq DESC, entry_of.log_id DESC) = 1
WINDOW latest AS (
  PARTITION BY entry_of.conversation_id
  ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at), entry_of.seq, entry_of.log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
);
