-- decision_logs: Explicit decisions with the options, the choice and the rationale. One row for each decision_id: the latest value of each column.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT
  entry_of.decision_id,
  entry_of.business_id,
  entry_of.agent_position,
  LAST_VALUE(entry_of.decision_type IGNORE NULLS) OVER latest AS decision_type,
  LAST_VALUE(entry_of.decision_summary IGNORE NULLS) OVER latest AS decision_summary,
  LAST_VALUE(entry_of.context IGNORE NULLS) OVER latest AS context,
  LAST_VALUE(IF(ARRAY_LENGTH(entry_of.options_evaluated) = 0, NULL, entry_of.options_evaluated) IGNORE NULLS) OVER latest AS options_evaluated,
  LAST_VALUE(entry_of.chosen_option IGNORE NULLS) OVER latest AS chosen_option,
  LAST_VALUE(entry_of.rationale IGNORE NULLS) OVER latest AS rationale,
  LAST_VALUE(entry_of.confidence IGNORE NULLS) OVER latest AS confidence,
  LAST_VALUE(IF(ARRAY_LENGTH(entry_of.affected_agents) = 0, NULL, entry_of.affected_agents) IGNORE NULLS) OVER latest AS affected_agents,
  LAST_VALUE(IF(ARRAY_LENGTH(entry_of.affected_entities) = 0, NULL, entry_of.affected_entities) IGNORE NULLS) OVER latest AS affected_entities,
  entry_of.decided_at,
  LAST_VALUE(entry_of.requires_human_review IGNORE NULLS) OVER latest AS requires_human_review,
  LAST_VALUE(entry_of.human_reviewed IGNORE NULLS) OVER latest AS human_reviewed,
  LAST_VALUE(entry_of.human_reviewer IGNORE NULLS) OVER latest AS human_reviewer,
  LAST_VALUE(entry_of.human_review_at IGNORE NULLS) OVER latest AS human_review_at,
  LAST_VALUE(entry_of.human_override IGNORE NULLS) OVER latest AS human_override,
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
FROM `{project}.agent_logs.decision_logs_history` AS entry_of
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY entry_of.decision_id ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at) DESC, entry_of.seq DESC, entry_of.log_id DESC) = 1
WINDOW latest AS (
  PARTITION BY entry_of.decision_id
  ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at), entry_of.seq, entry_of.log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
);
