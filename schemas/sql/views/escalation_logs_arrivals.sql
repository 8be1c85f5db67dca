-- escalation_logs_arrivals: Every escalation to a human, the CEO or another agent, until it is resolved. Every copy of every entry: an entry that was delivered twice is here twice.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT *
FROM `{project}.agent_logs_raw.escalation_logs`;
