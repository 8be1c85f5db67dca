-- dead_letters_arrivals: What could not be accepted, byte for byte, with the reason; reviewed by ops. Every copy of every entry: an entry that was delivered twice is here twice.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT *
FROM `{project}.agent_logs_raw.dead_letters`;
