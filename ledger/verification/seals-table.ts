/** Holds the rows of table `seals` against the seal log, which is the truth. What the rows' typed columns say is never believed. */
import { hash } from "node:crypto";
import type { Finding } from "../findings.ts";
import { allColumns, projectionOf } from "../projection.ts";
import type { RowBatch, RowRead } from "../row-reader.ts";
import type { EntryIndex } from "./seal-index.ts";
import { jsonOf, textAt } from "./cells.ts";
import { named } from "./rows.ts";
import { expiresAt, retentionMsOf } from "./retention.ts";

export const sealColumns: string[] = allColumns("seals");

export interface SealsTableOptions {
  /** Begun before the log was read, so that every row of it is of the log. */
  readonly read: RowRead;
  readonly entries: EntryIndex;
  readonly onFinding: (finding: Finding) => void;
  /** When the read began, in microseconds since 1970. */
  readonly now: bigint;
  /** How long after a seal its row may be missing: rows are appended after the commit. */
  readonly lagMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Rows that are of no seal but say where they belong; more are extra without a second look. */
const MAX_SUSPECTS = 10_000;

/** Returns how many rows there are. Memory: a byte for each seal. @throws what the read throws */
export async function compareSeals(options: SealsTableOptions): Promise<number> {
  const { read, entries, onFinding, signal } = options;
  const seen = new Uint8Array(entries.length);
  const suspects = new Map<number, string | undefined>();
  let rows = 0;
  for await (const batch of read.batches) {
    signal?.throwIfAborted();
    const differ = projectionOf("seals")(batch);
    for (let row = 0; row < batch.length; row += 1) {
      rows += 1;
      const sealRow = readRow(batch, row, entries);
      const { index, logId } = sealRow;
      if (!sealRow.isOfLog) {
        if (index === undefined || suspects.has(index) || suspects.size >= MAX_SUSPECTS) onFinding(extra(logId));
        else suspects.set(index, logId);
        continue;
      }
      const at = index as number;
      seen[at] = Math.min(255, (seen[at] as number) + 1);
      const column = sealRow.hasItsHash ? differ(sealRow.event, row) : "entry_hash";
      if (column !== undefined) {
        const message = `the column ${column} of the row does not say what its entry says`;
        onFinding({ ...nameOf(entries, at, logId), code: "seal-modified", message });
      }
    }
  }
  report(options, seen, suspects);
  return rows;
}

interface SealRow {
  readonly logId: string | undefined;
  readonly event: unknown;
  /** Which entry of the log it is, or claims to be. */
  readonly index: number | undefined;
  readonly isOfLog: boolean;
  readonly hasItsHash: boolean;
}

function readRow(batch: RowBatch, row: number, entries: EntryIndex): SealRow {
  const entry = batch.column("entry").bytes(row);
  const digest = entry === undefined ? undefined : hash("sha256", entry, "buffer");
  const event = entry === undefined ? undefined : jsonOf(entry);
  const said = typeof event === "object" && event !== null ? (event as { log_index?: unknown }).log_index : undefined;
  const position = Number.isSafeInteger(said) ? BigInt(said as number) : batch.column("log_index").int64(row);
  const index = position === undefined ? undefined : entries.find(position);
  const isOfLog = index !== undefined && digest !== undefined && entries.hashAt(index).equals(digest);
  const hasItsHash = digest !== undefined && textAt(batch.column("entry_hash"), row) === digest.toString("hex");
  return { logId: textAt(batch.column("log_id"), row), event, index, isOfLog, hasItsHash };
}

function report(
  { entries, onFinding, now, lagMs }: SealsTableOptions,
  seen: Uint8Array,
  suspects: ReadonlyMap<number, string | undefined>,
): void {
  const retentionMs = retentionMsOf("seals");
  for (const [index, logId] of suspects) {
    if (seen[index] !== 0) {
      onFinding(extra(logId));
      continue;
    }
    const message = "the entry of the row is not the one of the log";
    onFinding({ ...nameOf(entries, index, logId), code: "seal-modified", message });
  }
  for (const [index, count] of seen.entries()) {
    const name = nameOf(entries, index, undefined);
    if (count > 1) {
      const message = `the table has ${count === 255 ? "255 or more" : count} rows of this seal`;
      onFinding({ ...name, code: "seal-duplicated", message });
    }
    if (count > 0 || suspects.has(index)) continue;
    const sealedAt = entries.sealedAt(index);
    if (sealedAt >= now - BigInt(lagMs) * 1000n || expiresAt(sealedAt, retentionMs) <= now) continue;
    onFinding({ ...name, code: "seal-missing", message: "the table has no row of this seal" });
  }
}

function nameOf(
  entries: EntryIndex,
  index: number,
  logId: string | undefined,
): Pick<Finding, "table" | "logId" | "logIndex"> {
  return { table: "seals", logIndex: entries.positionAt(index), ...named(logId ?? "") };
}

function extra(logId: string | undefined): Finding {
  const message = "the row is no seal of the log";
  return { code: "seal-extra", message, table: "seals", ...named(logId ?? "") };
}
