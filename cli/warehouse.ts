import type { BigQuery, Query } from "@google-cloud/bigquery";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { Datasets } from "@indelible/schemas/names.ts";
import type { WarehouseRoleName } from "@indelible/schemas/rights.ts";
import { bigQueryClient, projectOf } from "./clients.ts";
import { datasetsOf, findEnvironment } from "./environment.ts";
import { refusalOf } from "./query/refusal.ts";
import { plainValue } from "./query/values.ts";
import { isTransient, retry, type Patience } from "./retry.ts";
import { roleToken } from "./role-token.ts";

/** What questions about the log are put to. */
export interface Warehouse {
  /** Knows its project. */
  readonly bigquery: BigQuery;
  readonly datasets: Datasets;
}

export interface OpenWarehouse extends Warehouse {
  readonly project: string;
  /** Whether it is one on this machine. */
  readonly local: boolean;
}

/**
 * The warehouse that the variables or the data folder name (see environment.ts).
 *
 * @param role whose rights a local one is to grant. Default: those of INDELIBLE_WAREHOUSE_TOKEN, else a reader's
 * @throws ERR_CONFIG
 */
export async function openWarehouse(dataFolder: string, role?: WarehouseRoleName): Promise<OpenWarehouse> {
  const { project: named, local } = findEnvironment(dataFolder);
  const bigquery = bigQueryClient(named, local, local && role !== undefined ? roleToken(dataFolder, role) : undefined);
  return { project: await projectOf(bigquery, named, local), local, bigquery, datasets: datasetsOf(local) };
}

/** A row as plain JSON: see `plainValue`. */
export type PlainRow = { readonly [column: string]: unknown };

/** Longer than any question of ours takes; a warehouse that says nothing for so long is as good as away. */
const ANSWER_LIMIT_MS = 120_000;

/**
 * The rows that answer a query; tables without a dataset are views.
 *
 * @param patience how long to ask again while the warehouse is away, and what ends the asking. Default: it is asked once
 * @param limitMs for one answer; Infinity: none. Default: 2 minutes
 * @throws ERR_QUERY, ERR_DEADLINE; AbortError
 */
export async function rowsOf(
  { bigquery, datasets }: Warehouse,
  query: Query,
  patience?: Patience,
  limitMs: number = ANSWER_LIMIT_MS,
): Promise<PlainRow[]> {
  const ask = (): Promise<[unknown[], ...unknown[]]> => {
    const answer = bigquery.query(
      { defaultDataset: { projectId: bigquery.projectId, datasetId: datasets.views }, ...query },
      { wrapIntegers: true, parseJSON: true },
    );
    return within(answer, limitMs, patience?.signal);
  };
  try {
    const [rows] = await (patience === undefined ? ask() : retry("the warehouse", patience, ask));
    return rows.map((row) => plainValue(row) as PlainRow);
  } catch (error) {
    if (patience?.signal?.aborted === true) throw error;
    if (IndelibleError.is(error)) throw error.code === "ERR_DEADLINE" ? absence(error.cause, error.message) : error;
    throw isTransient(error) ? absence(error) : refusalOf(error, datasets);
  }
}

function absence(cause: unknown, message = "the warehouse does not answer"): IndelibleError {
  return new IndelibleError("ERR_DEADLINE", message, {
    cause,
    hint: "Start `indelible dev`, and ask again while it is running; in the cloud, try again in a moment.",
  });
}

/** @throws what `signal` is aborted with; an error that counts as transient when the time is over. What was asked goes on, unheard */
async function within<T>(answer: Promise<T>, limitMs: number, signal?: AbortSignal): Promise<T> {
  signal?.throwIfAborted();
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const late = (): void => reject(Object.assign(new Error(`no answer in ${limitMs / 1000} s`), { code: "ETIMEDOUT" }));
  const timer = Number.isFinite(limitMs) ? setTimeout(late, limitMs) : undefined;
  const abort = (): void => reject(signal?.reason);
  signal?.addEventListener("abort", abort);
  try {
    return await Promise.race([answer, ended]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}
