/** What has arrived of the numbers that publishers give their events (`publisher_id`, `seq`), and what has not, in GoogleSQL. */
import { ingestedTables } from "./names.ts";
import { tables } from "./tables.ts";

/** Rows expire by the day, and a day is not one instant everywhere. */
const marginDays = 2;

/**
 * Every number that is in a row or in a dead letter, once: `publisher_id`, `seq`, `published_at` (the first time).
 *
 * A dead letter's text is the event, or a whole message that may be several events, one a line; large ones are several rows, in parts.
 * Text that is compressed or no UTF-8 is not looked into: what numbers it has count as missing.
 *
 * @param datasetId of the tables
 */
export function arrivedQuery(projectId: string, datasetId: string): string {
  const table = (name: string): string => `\`${projectId}.${datasetId}.${name}\``;
  const rows = ingestedTables.map((name) => `SELECT publisher_id, seq, published_at FROM ${table(name)}`);
  return `SELECT publisher_id, seq, MIN(published_at) AS published_at
FROM (
  ${rows.join("\n  UNION ALL\n  ")}
  UNION ALL
  SELECT JSON_VALUE(event, '$.publisher_id') AS publisher_id, SAFE_CAST(JSON_VALUE(event, '$.seq') AS INT64) AS seq, published_at
  FROM (
    SELECT STRING_AGG(data, '' ORDER BY part) AS data, MIN(source_published_at) AS published_at
    FROM (
      SELECT source_table, source_message_id, source_index, source_published_at, part, data, data_base64
      FROM ${table("dead_letters")}
      WHERE TRUE
      QUALIFY ROW_NUMBER() OVER (PARTITION BY log_id ORDER BY published_at, message_id, ingested_at) = 1
    )
    GROUP BY source_table, source_message_id, source_index
    HAVING COUNTIF(data_base64 IS NOT NULL) = 0
  ) AS letter, UNNEST(ARRAY_CONCAT([letter.data], SPLIT(letter.data, '\\n'))) AS event
)
WHERE publisher_id IS NOT NULL AND seq BETWEEN 1 AND ${Number.MAX_SAFE_INTEGER}
GROUP BY publisher_id, seq`;
}

/** Columns of `gapsQuery`. */
export const gapColumns: readonly string[] = [
  "publisher_id",
  "first_missing",
  "last_missing",
  "missing",
  "seen_before",
  "seen_after",
];

/**
 * The numbers that are missing below the highest that has arrived, as ranges. `source` has the columns of `arrivedQuery`. A number behind
 * which nothing has arrived is not known to be missing. Gaps as old as the shortest retention are left out: rows have expired there.
 */
export function gapsQuery(source: string): string {
  return `SELECT publisher_id, IFNULL(previous_seq, 0) + 1 AS first_missing, seq - 1 AS last_missing,
  seq - 1 - IFNULL(previous_seq, 0) AS missing, previous_published_at AS seen_before, published_at AS seen_after
FROM (
  SELECT publisher_id, seq, published_at, LAG(seq) OVER numbers AS previous_seq, LAG(published_at) OVER numbers AS previous_published_at
  FROM ${source}
  WINDOW numbers AS (PARTITION BY publisher_id ORDER BY seq)
)
WHERE seq > IFNULL(previous_seq, 0) + 1
  AND published_at >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL ${GAP_DAYS} DAY)`;
}

/** Gaps are known for so many days back: as long as no table's rows have expired. */
export const GAP_DAYS: number =
  Math.floor(
    Math.min(...["dead_letters" as const, ...ingestedTables].map((name) => tables[name].retentionYears)) * 365.25,
  ) - marginDays;
