-- sequence_gaps: Numbers of publishers that have not arrived although a later one has, one row a range; seen_after: when the next number was published.
-- The query of the view, with {project} for the ID of the project. Written by `npm run build`; do not edit.
SELECT publisher_id, IFNULL(previous_seq, 0) + 1 AS first_missing, seq - 1 AS last_missing,
  seq - 1 - IFNULL(previous_seq, 0) AS missing, previous_published_at AS seen_before, published_at AS seen_after
FROM (
  SELECT publisher_id, seq, published_at, LAG(seq) OVER numbers AS previous_seq, LAG(published_at) OVER numbers AS previous_published_at
  FROM `{project}.agent_logs.sequence_numbers`
  WINDOW numbers AS (PARTITION BY publisher_id ORDER BY seq)
)
WHERE seq > IFNULL(previous_seq, 0) + 1
  AND published_at >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 363 DAY);
