import type { BigQuery } from "@google-cloud/bigquery";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { conflictsQuery } from "@indelible/schemas/integrity-views.ts";
import { RAW_DATASET } from "@indelible/schemas/names.ts";
import { arrivedQuery, gapsQuery } from "@indelible/schemas/sequence-queries.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import type { Gap, Questions } from "./verification/options.ts";

export interface SequenceGap extends Gap {
  /** When the number behind them was published, in microseconds since 1970: lately, and they may be on their way. */
  readonly seenAfterMicros: bigint;
}

export interface WarehouseQuestions extends Questions {
  gaps(signal?: AbortSignal): AsyncIterable<SequenceGap>;
}

const defaultPageRows = 10_000;

type Row = { readonly [column: string]: string };

/**
 * Asks what the views of docs/audit-queries.md ask, but of the tables themselves: whoever can change a view can make it say that nothing is
 * wrong. Jobs run in the client's project, and the tables are that project's. Each iteration is one query, whose result is read a page at a
 * time: memory is a page, however long the answer, and the signal is looked at before each.
 */
export function bigQueryQuestions(
  bigquery: BigQuery,
  datasetId: string = RAW_DATASET,
  pageRows: number = defaultPageRows,
): WarehouseQuestions {
  // Whole numbers come as text: the client would make doubles of them.
  return {
    async *gaps(signal) {
      const query = `SELECT publisher_id, CAST(first_missing AS STRING) AS first, CAST(last_missing AS STRING) AS last,
  CAST(UNIX_MICROS(seen_after) AS STRING) AS seen_after
FROM (${gapsQuery(`(${arrivedQuery(await bigquery.getProjectId(), datasetId)})`)}) ORDER BY publisher_id, first_missing`;
      for await (const row of rowsOf(bigquery, query, pageRows, signal)) {
        yield {
          publisherId: row["publisher_id"] as string,
          firstMissing: BigInt(row["first"] as string),
          lastMissing: BigInt(row["last"] as string),
          seenAfterMicros: BigInt(row["seen_after"] as string),
        };
      }
    },
    async *conflicts(signal) {
      const conflicts = conflictsQuery(await bigquery.getProjectId(), datasetId);
      const query = `SELECT table_name, log_id FROM (${conflicts}) ORDER BY table_name, log_id`;
      for await (const row of rowsOf(bigquery, query, pageRows, signal)) {
        yield { table: row["table_name"] as TableName, logId: row["log_id"] as string };
      }
    },
  };
}

async function* rowsOf(
  bigquery: BigQuery,
  query: string,
  pageRows: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Row> {
  signal?.throwIfAborted();
  const [job] = await reading(() => bigquery.createQueryJob(query));
  let pageToken: string | undefined;
  do {
    signal?.throwIfAborted();
    const [rows, , response] = await reading(() =>
      job.getQueryResults({ autoPaginate: false, maxResults: pageRows, ...(pageToken !== undefined && { pageToken }) }),
    );
    yield* rows as Row[];
    pageToken = response?.pageToken ?? undefined;
  } while (pageToken !== undefined);
}

async function reading<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === 403) throw new IndelibleError("ERR_ACCESS_DENIED", message, { cause });
    if (code === 404) {
      const hint = "An earlier version has provisioned this warehouse: provision it again, which adds the tables.";
      throw new IndelibleError("ERR_READ", message, { cause, hint });
    }
    throw new IndelibleError("ERR_READ", message, { cause });
  }
}
