-- dead_letter_reviews: What ops decided about a dead letter; its state is derived from these. One row for each review_id: the latest value of each column.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT
  entry_of.review_id,
  entry_of.dead_letter_id,
  entry_of.reviewed_at,
  entry_of.reviewer,
  entry_of.decision,
  LAST_VALUE(entry_of.patch IGNORE NULLS) OVER latest AS patch,
  LAST_VALUE(entry_of.note IGNORE NULLS) OVER latest AS note,
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
FROM `{project}.agent_logs.dead_letter_reviews_history` AS entry_of
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY entry_of.review_id ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at) DESC, entry_of.seq DESC, entry_of.log_id DESC) = 1
WINDOW latest AS (
  PARTITION BY entry_of.review_id
  ORDER BY COALESCE(entry_of.logged_at, entry_of.published_at), entry_of.seq, entry_of.log_id
  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
);
