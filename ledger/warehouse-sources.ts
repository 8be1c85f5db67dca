import type { BigQuery } from "@google-cloud/bigquery";
import { RAW_DATASET } from "@indelible/schemas/names.ts";
import { formatTimestamp } from "@indelible/schemas/timestamp.ts";
import { bigQueryError, isNotFound } from "./big-query-error.ts";
import { unusableColumns, type StoredField } from "./table-columns.ts";
import type { Range, VerifyOptions } from "./verify.ts";

export interface WarehouseSources {
  readonly facts: NonNullable<VerifyOptions["facts"]>;
  readonly auditedSessions: NonNullable<VerifyOptions["auditedSessions"]>;
}

/** What `tables.get` answers, of which a table's rows cannot be read when it is a view or the like. */
interface Metadata {
  readonly creationTime: string;
  readonly type?: string;
  readonly schema?: { readonly fields?: readonly StoredField[] };
  readonly timePartitioning?: { readonly expirationMs?: string | null };
}

/** What a verifier asks of the warehouse beside rows: what its tables are, and which reads its audit knows. */
export function warehouseSources(bigquery: BigQuery, datasetId: string = RAW_DATASET): WarehouseSources {
  return {
    async facts(table) {
      try {
        const [metadata] = await bigquery.dataset(datasetId).table(table).getMetadata();
        const { creationTime, type = "TABLE", schema, timePartitioning } = metadata as Metadata;
        if (type !== "TABLE") return undefined;
        const expirationMs = timePartitioning?.expirationMs ?? undefined;
        return {
          createdAt: BigInt(creationTime) * 1000n,
          partitionExpirationMs: expirationMs === undefined ? undefined : Number(expirationMs),
          unusableColumns: unusableColumns(table, schema?.fields ?? []),
        };
      } catch (cause) {
        if (isNotFound(cause)) return undefined;
        throw bigQueryError(cause);
      }
    },
    async auditedSessions(sessions, ingested) {
      // Not its view, which can be made to know them all, nor what a publisher reports.
      const audit = `\`${bigquery.projectId}.${datasetId}.log_access_audit\``;
      const bound = ingested === undefined ? "" : ` AND ${within(ingested)}`;
      const query = `SELECT DISTINCT job_id FROM ${audit} WHERE publisher_id IS NULL AND job_id IN UNNEST(@sessions)${bound}`;
      try {
        const [rows] = await bigquery.query({ query, params: { sessions: [...sessions] } });
        return new Set((rows as readonly { readonly job_id: string }[]).map((row) => row.job_id));
      } catch (cause) {
        throw bigQueryError(cause);
      }
    },
  };
}

/** By literals, so that BigQuery knows the partitions before it runs. */
function within({ start, end }: Range): string {
  const literal = (micros: bigint): string => `TIMESTAMP '${formatTimestamp(Number(micros))}'`;
  return `ingested_at >= ${literal(start)} AND ingested_at < ${literal(end)}`;
}
