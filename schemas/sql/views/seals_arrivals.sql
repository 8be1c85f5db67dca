-- seals_arrivals: One entry for each table and closed window of `ingested_at`: the Merkle root of its rows. Every copy of every entry: an entry that was delivered twice is here twice.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT *
FROM `{project}.agent_logs_raw.seals`;
