import { prove, type FoundRow, type ProveOptions } from "@indelible/ledger/prove.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { sealedTables } from "@indelible/schemas/names.ts";
import { viewRelations } from "@indelible/schemas/relations.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import type { Patience } from "../retry.ts";
import { rowsOf, type PlainRow, type Warehouse } from "../warehouse.ts";

/** The seal log and the keys that it is checked by. */
export type ProofSources = Pick<ProveOptions, "store" | "keys">;

/** What is known of an entry's seal, and no more than was looked at. */
export interface SealState {
  /**
   * `proved`: the seal log has it, by its signed checkpoint. `refuted`: the seal log was read, and does not show it. `claimed`: the table of seals has
   * a seal of its window, which was not checked. `unsealed`: there is no seal of its window yet. `none`: its table is not sealed.
   */
  readonly state: "proved" | "refuted" | "claimed" | "unsealed" | "none";
  /** Why it is not proved. */
  readonly why: string | null;
  readonly log_index: number | null;
  readonly window_start: string | null;
  readonly window_end: string | null;
  readonly sealed_at: string | null;
}

/**
 * Which seal covers a row, by the view of seals, and the proof, where the seal log can be read. Whoever may read the views can do this: what
 * they say is not believed but proved.
 *
 * @param row the first of `copies`
 * @param sources undefined: nothing is proved. What it throws is why nothing is
 * @throws ERR_QUERY, ERR_DEADLINE
 */
export async function lookUpSeal(
  warehouse: Warehouse,
  table: TableName,
  row: PlainRow,
  copies: readonly PlainRow[],
  sources: (() => Promise<ProofSources>) | undefined,
  patience?: Patience,
): Promise<SealState> {
  const nothing = { why: null, log_index: null, window_start: null, window_end: null, sealed_at: null };
  if (!sealedTables.includes(table)) return { ...nothing, state: "none" };
  const { arrivals } = viewRelations(warehouse.bigquery.projectId, warehouse.datasets);
  const seals = await rowsOf(
    warehouse,
    {
      query: `SELECT DISTINCT entry, log_index, window_start, window_end, sealed_at FROM ${arrivals("seals")}
WHERE table_name = @table AND window_start <= TIMESTAMP_MICROS(@at) AND window_end > TIMESTAMP_MICROS(@at)
ORDER BY log_index LIMIT 20`,
      params: { table, at: row["ingested_micros"] },
    },
    patience,
  );
  const [seal] = seals;
  if (seal === undefined) return { ...nothing, state: "unsealed" };
  const claimed: SealState = {
    state: "claimed",
    why: null,
    log_index: Number(seal["log_index"]),
    window_start: String(seal["window_start"]),
    window_end: String(seal["window_end"]),
    sealed_at: String(seal["sealed_at"]),
  };
  if (sources === undefined) return claimed;
  const lookup: ProveOptions["lookup"] = {
    rows: async () => copies.map((copy) => foundRow(table, copy)),
    seals: async () => seals.map(({ entry }) => String(entry)),
  };
  let opened: ProofSources;
  try {
    opened = await sources();
  } catch (error) {
    if (!IndelibleError.is(error)) throw error;
    return { ...claimed, why: error.message };
  }
  try {
    await prove(String(row["log_id"]), { ...opened, lookup });
    return { ...claimed, state: "proved" };
  } catch (error) {
    if (!IndelibleError.is(error)) throw error;
    const wasRead = error.code === "ERR_PROOF" || error.code === "ERR_CHECKPOINT";
    return { ...claimed, state: wasRead ? "refuted" : "claimed", why: error.message };
  }
}

function foundRow(table: TableName, row: PlainRow): FoundRow {
  return {
    table,
    logId: String(row["log_id"]),
    entry: String(row["entry"]),
    entryHash: String(row["entry_hash"]),
    publishedAt: BigInt(Number(row["published_micros"])),
    messageId: String(row["message_id"]),
    ingestedAt: BigInt(Number(row["ingested_micros"])),
  };
}
