-- escalation_logs: Every escalation to a human, the CEO or another agent, until it is resolved. One row for each escalation_id: the latest value of each column.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT
  entry_of.escalation_id,
  entry_of.business_id,
  entry_of.source_agent,
  LAST_VALUE(entry_of.source_conversation_id IGNORE NULLS) OVER latest AS source_conversation_id,
  LAST_VALUE(entry_of.escalation_type IGNORE NULLS) OVER latest AS escalation_type,
  LAST_VALUE(entry_of.urgency IGNORE NULLS) OVER latest AS urgency,
  LAST_VALUE(entry_of.subject IGNORE NULLS) OVER latest AS subject,
  LAST_VALUE(entry_of.description IGNORE NULLS) OVER latest AS description,
  LAST_VALUE(entry_of.target IGNORE NULLS) OVER latest AS target,
  entry_of.escalated_at,
  LAST_VALUE(entry_of.acknowledged_at IGNORE NULLS) OVER latest AS acknowledged_at,
  LAST_VALUE(entry_of.resolved_at IGNORE NULLS) OVER latest AS resolved_at,
  LAST_VALUE(entry_of.resolution IGNORE NULLS) OVER latest AS resolution,
  LAST_VALUE(entry_of.resolved_by IGNORE NULLS) OVER latest AS resolved_by,
  LAST_VALUE(entry_of.sla_target IGNORE NULLS) OVER latest AS sla_target,
  LAST_VALUE(entry_of.sla_met IGNORE NULLS) OVER latest AS sla_met,
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
FROM `{project}.agent_logs.escalation_logs_history` AS entry_of
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY entry_of.escalation_id ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at) DESC, entry_of.seq DESC, entry_of.log_id DESC) = 1
WINDOW latest AS (
  PARTITION BY entry_of.escalation_id
  ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at), entry_of.seq, entry_of.log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
);
