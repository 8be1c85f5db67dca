-- pending_reviews: Decisions that a person must look at and that nobody has looked at yet.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT decision_id, business_id, agent_position, decision_type, decision_summary, chosen_option, confidence, decided_at, TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), decided_at, SECOND) AS waiting_seconds, log_id
FROM `{project}.agent_logs.decision_logs`
WHERE requires_human_review AND NOT IFNULL(human_reviewed, FALSE);
