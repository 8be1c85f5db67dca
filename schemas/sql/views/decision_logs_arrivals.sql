-- decision_logs_arrivals: Explicit decisions with the options, the choice and the rationale. Every copy of every entry: an entry that was delivered twice is here twice.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT *
FROM `{project}.agent_logs_raw.decision_logs`;
