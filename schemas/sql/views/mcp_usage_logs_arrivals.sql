-- mcp_usage_logs_arrivals: Every MCP tool call. Every copy of every entry: an entry that was delivered twice is here twice.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT *
FROM `{project}.agent_logs_raw.mcp_usage_logs`;
