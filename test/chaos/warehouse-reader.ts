import type { BigQuery } from "@google-cloud/bigquery";
import { RAW_DATASET, VIEWS_DATASET } from "@indelible/schemas/names.ts";
import type { DeadLetter, HistoryEntry, RowGroup } from "./evidence.ts";
import { chaosTables, type ChaosTable } from "./events.ts";

/** Reads what a run has left in the warehouse, by queries like anybody's. */
export class WarehouseReader {
  readonly #bigquery: BigQuery;

  constructor(bigquery: BigQuery) {
    this.#bigquery = bigquery;
  }

  /** How many rows there are in all raw tables of the run. */
  async countRows(): Promise<number> {
    const counts = [...chaosTables, "dead_letters"].map((table) => `SELECT COUNT(*) AS n FROM ${RAW_DATASET}.${table}`);
    const rows = await this.#rows<{ n: number }>(counts.join(" UNION ALL "));
    return rows.reduce((sum, { n }) => sum + n, 0);
  }

  async rows(): Promise<RowGroup[]> {
    const groups = await Promise.all(chaosTables.map((table) => this.#rowsOf(table)));
    return groups.flat();
  }

  async history(): Promise<HistoryEntry[]> {
    const entries = await Promise.all(chaosTables.map((table) => this.#historyOf(table)));
    return entries.flat();
  }

  async deadLetters(): Promise<DeadLetter[]> {
    const rows = await this.#rows<{ entry: string; entry_hash: string; conflict: boolean }>(
      `SELECT entry, entry_hash, conflict FROM ${VIEWS_DATASET}.dead_letters_history`,
    );
    return rows.map(({ entry, entry_hash: entryHash, conflict }) => {
      const event = JSON.parse(entry) as {
        reason: string;
        source_table: string | null;
        source_message_id: string;
        source_index: number | null;
        data?: string;
        data_base64?: string;
      };
      return {
        table: event.source_table ?? "",
        messageId: event.source_message_id,
        index: event.source_index ?? undefined,
        reason: event.reason,
        data: event.data === undefined ? Buffer.from(event.data_base64 ?? "", "base64") : Buffer.from(event.data),
        entry,
        entryHash,
        conflict,
      };
    });
  }

  async #rowsOf(table: ChaosTable): Promise<RowGroup[]> {
    const rows = await this.#rows<{
      log_id: string;
      entry_hash: string;
      message_id: string;
      copies: number;
      wrong: number;
    }>(
      `SELECT log_id, entry_hash, message_id, COUNT(*) AS copies, COUNTIF(TO_HEX(SHA256(entry)) != entry_hash) AS wrong
FROM ${RAW_DATASET}.${table} GROUP BY log_id, entry_hash, message_id`,
    );
    return rows.map((row) => ({
      table,
      logId: row.log_id,
      entryHash: row.entry_hash,
      messageId: row.message_id,
      copies: row.copies,
      wrongHashes: row.wrong,
    }));
  }

  async #historyOf(table: ChaosTable): Promise<HistoryEntry[]> {
    const rows = await this.#rows<{ log_id: string; entry: string; entry_hash: string; conflict: boolean }>(
      `SELECT log_id, entry, entry_hash, conflict FROM ${VIEWS_DATASET}.${table}_history`,
    );
    return rows.map((row) => ({
      table,
      logId: row.log_id,
      entry: row.entry,
      entryHash: row.entry_hash,
      conflict: row.conflict,
    }));
  }

  async #rows<Row>(query: string): Promise<Row[]> {
    const [rows] = await this.#bigquery.query({ query });
    return rows as Row[];
  }
}
