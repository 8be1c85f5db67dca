import type { Datasets } from "./names.ts";
import { arrivedQuery, gapColumns, gapsQuery } from "./sequence-queries.ts";
import { tableNames } from "./tables.ts";
import type { View } from "./views.ts";

/** Views that say where the log is not whole, over all tables. */
export function integrityViewsOf(projectId: string, datasets: Datasets): readonly View[] {
  return [
    {
      name: "sequence_numbers",
      description: "The numbers that publishers gave their events, each once: those of rows and of dead letters.",
      columns: ["publisher_id", "seq", "published_at"],
      query: arrivedQuery(projectId, datasets.raw),
    },
    {
      name: "sequence_gaps",
      description:
        "Numbers of publishers that have not arrived although a later one has, one row a range; seen_after: when the next number was published.",
      columns: gapColumns,
      query: gapsQuery(`\`${projectId}.${datasets.views}.sequence_numbers\``),
    },
    {
      name: "conflicts",
      description: "Identities of which there are entries with different content, one row each.",
      columns: ["table_name", "log_id", "entries", "first_published_at"],
      query: conflictsQuery(projectId, datasets.raw),
    },
  ];
}

/**
 * The identities with which entries of different content stand in one table: `table_name`, `log_id`, `entries`, `first_published_at`.
 *
 * @param datasetId of the tables
 */
export function conflictsQuery(projectId: string, datasetId: string): string {
  return tableNames.map((name) => conflictsOf(`${projectId}.${datasetId}`, name)).join("\nUNION ALL\n");
}

function conflictsOf(dataset: string, table: string): string {
  return `SELECT '${table}' AS table_name, log_id, COUNT(DISTINCT entry_hash) AS entries, MIN(published_at) AS first_published_at
FROM \`${dataset}.${table}\`
GROUP BY log_id
HAVING COUNT(DISTINCT entry_hash) > 1`;
}
