-- dead_letter_reviews_arrivals: What ops decided about a dead letter; its state is derived from these. Every copy of every entry: an entry that was delivered twice is here twice.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT *
FROM `{project}.agent_logs_raw.dead_letter_reviews`;
