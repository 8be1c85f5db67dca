-- log_access_audit_arrivals: Who read the log: every query, listing, copy, export and read session. Every copy of every entry: an entry that was delivered twice is here twice.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT *
FROM `{project}.agent_logs_raw.log_access_audit`;
