import { setTimeout as delay } from "node:timers/promises";
import { RAW_DATASET, VIEWS_DATASET } from "@indelible/schemas/names.ts";
import { bigQueryClient, pubSubClient } from "../../cli/clients.ts";
import { provisionTopics, provisionWarehouse } from "../../cli/dev/provision.ts";
import { crashTables, slotColumn, slotOf, textColumn, type CrashTable } from "./events.ts";
import type { Entry } from "./oracle.ts";
import type { Services } from "./services.ts";

const POLL_MS = 500;

/** What the warehouse holds when everything has gone through the function. */
export interface Arrived {
  /** Rows of the raw tables. */
  readonly rows: number;
  readonly entries: readonly Entry[];
  readonly deadLetters: readonly string[];
}

/**
 * Sends what the broker holds through the function into the warehouse, and reads the history views.
 *
 * @throws {Error} when that is not done within `deadlineMs`
 */
export async function ingestAll(
  services: Services,
  project: string,
  deadlineMs: number,
  onLine: (line: string) => void,
): Promise<Arrived> {
  await services.startSubscriber();
  const bigquery = bigQueryClient(project, true);
  const pubsub = pubSubClient(project);
  await provisionWarehouse(bigquery);
  await provisionTopics(pubsub, `http://127.0.0.1:${services.function.port()}`);
  await pubsub.close();

  async function select<Row>(query: string): Promise<Row[]> {
    const [rows] = await bigquery.query({ query });
    return rows as Row[];
  }
  async function countRows(): Promise<number> {
    const counts = crashTables.map((table) => `SELECT COUNT(*) AS n FROM ${RAW_DATASET}.${table}`);
    const rows = await select<{ n: number }>(counts.join(" UNION ALL "));
    return rows.reduce((sum, { n }) => sum + n, 0);
  }
  async function entriesOf(table: CrashTable): Promise<Entry[]> {
    const rows = await select<{ log_id: string; slot: string; text_hash: string; conflict: boolean }>(
      `SELECT log_id, ${slotColumn[table]} AS slot, TO_HEX(SHA256(${textColumn[table]})) AS text_hash, conflict
FROM ${VIEWS_DATASET}.${table}_history`,
    );
    return rows.map(({ log_id: logId, slot, text_hash: textHash, conflict }) => ({
      table,
      logId,
      slot: slotOf(slot),
      textHash,
      conflict,
    }));
  }

  const giveUpAt = performance.now() + deadlineMs;
  // Only a broker that is stopped can be asked for certain, so it is stopped when nothing seems to happen any more.
  for (let rows = -1; ;) {
    const now = await countRows();
    if (now === rows && (await services.undelivered()) === 0) break;
    if (performance.now() > giveUpAt) throw new Error(`not everything was delivered within ${deadlineMs / 1000} s`);
    rows = now;
    onLine(`${rows} rows in the warehouse`);
    await delay(POLL_MS);
  }
  const entries = await Promise.all(crashTables.map(entriesOf));
  const deadLetters = await select<{ reason: string }>(`SELECT reason FROM ${VIEWS_DATASET}.dead_letters_history`);
  return { rows: await countRows(), entries: entries.flat(), deadLetters: deadLetters.map(({ reason }) => reason) };
}
