-- dead_letters: What could not be accepted, byte for byte, with the reason; reviewed by ops. One row for each dead_letter_id: the latest value of each column.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT
  entry_of.dead_letter_id,
  entry_of.reason,
  LAST_VALUE(entry_of.reason_detail IGNORE NULLS) OVER latest AS reason_detail,
  LAST_VALUE(entry_of.reason_pattern IGNORE NULLS) OVER latest AS reason_pattern,
  LAST_VALUE(entry_of.source_table IGNORE NULLS) OVER latest AS source_table,
  entry_of.source_message_id,
  entry_of.source_published_at,
  LAST_VALUE(entry_of.source_index IGNORE NULLS) OVER latest AS source_index,
  LAST_VALUE(entry_of.source_log_id IGNORE NULLS) OVER latest AS source_log_id,
  LAST_VALUE(entry_of.source_attributes IGNORE NULLS) OVER latest AS source_attributes,
  LAST_VALUE(entry_of.replay_of IGNORE NULLS) OVER latest AS replay_of,
  LAST_VALUE(entry_of.origin_message_id IGNORE NULLS) OVER latest AS origin_message_id,
  LAST_VALUE(entry_of.origin_index IGNORE NULLS) OVER latest AS origin_index,
  LAST_VALUE(entry_of.part IGNORE NULLS) OVER latest AS part,
  LAST_VALUE(entry_of.parts IGNORE NULLS) OVER latest AS parts,
  LAST_VALUE(entry_of.data IGNORE NULLS) OVER latest AS data,
  LAST_VALUE(entry_of.data_base64 IGNORE NULLS) OVER latest AS data_base64,
  entry_of.data_bytes,
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
FROM `{project}.agent_logs.dead_letters_history` AS entry_of
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY entry_of.dead_letter_id ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at) DESC, entry_of.seq DESC, entry_of.log_id DESC) = 1
WINDOW latest AS (
  PARTITION BY entry_of.dead_letter_id
  ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at), entry_of.seq, entry_of.log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
);
