-- sla_breaches: Escalations whose sla_target was missed: open and overdue, settled-late, or reported by sla_met alone; disputed: sla_met says otherwise than the times.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT escalation_id, business_id, source_agent, source_conversation_id, escalation_type, urgency, subject, target, escalated_at, acknowledged_at, resolved_at, resolved_by, sla_target, sla_met,
  CASE WHEN resolved_at IS NULL AND sla_target < CURRENT_TIMESTAMP() THEN 'open' WHEN resolved_at > sla_target THEN 'settled-late' ELSE 'reported' END AS state,
  CASE WHEN resolved_at IS NULL AND sla_target < CURRENT_TIMESTAMP() THEN TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), sla_target, SECOND) WHEN resolved_at > sla_target THEN TIMESTAMP_DIFF(resolved_at, sla_target, SECOND) END AS overdue_seconds,
  IFNULL(sla_met AND (resolved_at IS NULL AND sla_target < CURRENT_TIMESTAMP() OR resolved_at > sla_target) OR NOT sla_met AND resolved_at <= sla_target, FALSE) AS disputed,
  log_id
FROM `{project}.agent_logs.escalation_logs`
WHERE resolved_at IS NULL AND sla_target < CURRENT_TIMESTAMP() OR resolved_at > sla_target OR NOT sla_met;
