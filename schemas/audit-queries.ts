import { defaultDatasets, type Datasets } from "./names.ts";
import { differenceOf, saidColumns } from "./projection.ts";
import { arrivedQuery, gapColumns, gapsQuery } from "./sequence-queries.ts";
import { eventColumns, tableNames, tables, type Table } from "./tables.ts";

/** A question about the integrity of the log that BigQuery answers by itself, with no tool of ours. */
export interface AuditQuery {
  readonly name: string;
  /** What it shows, in a sentence. */
  readonly description: string;
  /** GoogleSQL without parameters, to be pasted. */
  readonly query: string;
  /** Names of the columns of its result. No rows: nothing is wrong. */
  readonly columns: readonly string[];
}

/** Stands for the project in files that are to be pasted. */
export const PROJECT_PLACEHOLDER = "{project}";

/**
 * Every question of the auditors, about the raw tables of a project. Each reads whole tables.
 *
 * @param datasets default: `agent_logs_raw` and `agent_logs`
 */
export function auditQueriesOf(projectId: string, { raw }: Datasets = defaultDatasets): readonly AuditQuery[] {
  return [
    ...tableNames.flatMap((name) => {
      const from = `\`${projectId}.${raw}.${name}\``;
      return [hashes(tables[name], from), projection(tables[name], from), duplicates(tables[name], from)];
    }),
    {
      name: "sequence_gaps",
      description: "Numbers of publishers that are neither in a table nor in a dead letter.",
      columns: gapColumns,
      query: `WITH sequence_numbers AS (
${indented(arrivedQuery(projectId, raw))}
)
${gapsQuery("sequence_numbers")}
ORDER BY publisher_id, first_missing`,
    },
  ];
}

function hashes({ name }: Table, from: string): AuditQuery {
  return {
    name: `${name}_hashes`,
    description: `Rows of ${name} whose entry does not have the hash that stands beside it.`,
    columns: ["log_id", "ingested_at", "entry_hash", "actual_hash"],
    query: `SELECT log_id, ingested_at, entry_hash, TO_HEX(SHA256(entry)) AS actual_hash
FROM ${from}
WHERE entry_hash != TO_HEX(SHA256(entry))
ORDER BY ingested_at, log_id`,
  };
}

function projection(table: Table, from: string): AuditQuery {
  const columns = Object.entries(eventColumns(table));
  const differences = columns.map(([name, column]) => {
    const difference = differenceOf(name, column);
    return `IF(${difference},${difference.includes("\n") ? "\n        " : " "}'${name}', NULL)`;
  });
  return {
    name: `${table.name}_projection`,
    description: `Rows of ${table.name} with columns that do not say what the entry says.`,
    columns: ["log_id", "ingested_at", "differing"],
    query: `SELECT log_id, ingested_at, differing
FROM (
  SELECT log_id, ingested_at,
    ARRAY_TO_STRING([
      ${differences.join(",\n      ")}
    ], ', ') AS differing
  FROM (
    SELECT ${["*", ...saidColumns(columns)].join(",\n      ")}
    FROM ${from}
  ) AS row_of
)
WHERE differing != ''
ORDER BY ingested_at, log_id`,
  };
}

function duplicates({ name }: Table, from: string): AuditQuery {
  return {
    name: `${name}_duplicates`,
    description: `Identities of ${name} that more than one row has, and whether those say the same.`,
    columns: ["log_id", "row_count", "entries", "conflict", "first_published_at", "last_ingested_at"],
    query: `SELECT log_id, COUNT(*) AS row_count, COUNT(DISTINCT entry_hash) AS entries, COUNT(DISTINCT entry_hash) > 1 AS conflict,
  MIN(published_at) AS first_published_at, MAX(ingested_at) AS last_ingested_at
FROM ${from}
GROUP BY log_id
HAVING COUNT(*) > 1
ORDER BY conflict DESC, log_id`,
  };
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}
