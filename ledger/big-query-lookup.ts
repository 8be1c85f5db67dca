import type { BigQuery } from "@google-cloud/bigquery";
import { RAW_DATASET, sealedTables } from "@indelible/schemas/names.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { bigQueryError } from "./big-query-error.ts";
import type { FoundRow, Lookup } from "./prove.ts";

interface Row {
  readonly [column: string]: string;
}

/** A lookup by queries of the raw tables, which an auditor may read. Times come as text, because they may be beyond a double's integers. */
export function bigQueryLookup(bigquery: BigQuery, datasetId: string = RAW_DATASET): Lookup {
  const table = (name: string): string => `\`${bigquery.projectId}.${datasetId}.${name}\``;

  async function ask(query: string, params: { readonly [name: string]: string }): Promise<readonly Row[]> {
    try {
      const [rows] = await bigquery.query({ query, params });
      return rows as readonly Row[];
    } catch (cause) {
      throw bigQueryError(cause);
    }
  }

  return {
    async rows(logId) {
      const selects = sealedTables.map(
        (name) =>
          `SELECT '${name}' AS table_name, log_id, entry, entry_hash, message_id,
  CAST(UNIX_MICROS(published_at) AS STRING) AS published, CAST(UNIX_MICROS(ingested_at) AS STRING) AS ingested
FROM ${table(name)} WHERE log_id = @log_id`,
      );
      const rows = await ask(selects.join("\nUNION ALL\n"), { log_id: logId });
      return rows.map((row): FoundRow => ({
        table: row["table_name"] as TableName,
        logId: row["log_id"] ?? "",
        entry: row["entry"] ?? "",
        entryHash: row["entry_hash"] ?? "",
        publishedAt: BigInt(row["published"] ?? 0),
        messageId: row["message_id"] ?? "",
        ingestedAt: BigInt(row["ingested"] ?? 0),
      }));
    },
    async seals(name, at) {
      const query = `SELECT entry FROM ${table("seals")}
WHERE table_name = @name AND UNIX_MICROS(window_start) <= CAST(@at AS INT64) AND UNIX_MICROS(window_end) > CAST(@at AS INT64)`;
      return (await ask(query, { name, at: String(at) })).map((row) => row["entry"] ?? "");
    },
  };
}
