import { entryHash } from "@indelible/schemas/entry.ts";
import { accountFor, type TableAccount } from "./accounting.ts";
import { newDeadLetters } from "./arrival.ts";
import { loggedTables, type LoggedTable } from "./entries.ts";
import type { Manifest } from "./manifest.ts";
import type { AgentCost, Reader, StoredDeadLetter } from "./warehouse.ts";

/** What became of a run. */
export interface Report {
  /** Nothing missing, nothing extra, every hash right, and no entry that another one with its ID contradicts. */
  readonly complete: boolean;
  readonly totals: Omit<TableAccount, "table">;
  /** One account for each table that the run published into or that has an extra entry. */
  readonly tables: readonly TableAccount[];
  /** Of the stored entries of the run, recomputed here from the text that was read back. */
  readonly hashes: { readonly checked: number; readonly right: number };
  /**
   * `log_id`s whose stored entry contradicts another with the same ID, or has a wrong hash, or is missing; at most 20
   * each.
   */
  readonly conflicting: readonly string[];
  readonly wrongHashes: readonly string[];
  readonly missing: readonly string[];
  readonly deadLetters: readonly DeadLetterGroup[];
  /** Of the whole warehouse, not only of this run. */
  readonly costs: readonly AgentCost[];
}

export interface DeadLetterGroup {
  readonly table: string;
  readonly reason: string;
  readonly detail: string;
  readonly count: number;
}

const maxListed = 20;

export interface ReportScope {
  /** When the run began. */
  readonly since: Date;
  /** Whether entries of other publishers count as extra: true when nobody else is supposed to write. */
  readonly alone: boolean;
}

/** Reads everything of the run back from the warehouse and accounts for it. */
export async function reportOn(manifest: Manifest, warehouse: Reader, scope: ReportScope): Promise<Report> {
  const deadLetters = await newDeadLetters(
    manifest,
    warehouse,
    [...manifest.items.values()].flatMap((items) => [...items.keys()]),
  );
  const ownIds = [...manifest.publisherIds];
  const tables: TableAccount[] = [];
  const missing: string[] = [];
  const wrongHashes: string[] = [];
  const conflicting: string[] = [];
  let checked = 0;
  for (const table of loggedTables) {
    const items = manifest.items.get(table) ?? new Map();
    const present = new Set<string>();
    for await (const { log_id, entry, entry_hash, conflict } of warehouse.entries(table, [...items.keys()])) {
      present.add(log_id);
      checked += 1;
      if (entryHash(entry) !== entry_hash) wrongHashes.push(log_id);
      if (conflict) conflicting.push(log_id);
    }
    // The warehouse writes entries of the access audit itself: those of the reads that are made here.
    const publisherIds = scope.alone && table !== "log_access_audit" ? undefined : ownIds;
    const appeared = await warehouse.idsSince(table, scope.since, publisherIds);
    const extra = appeared.filter((id) => !items.has(id)).length;
    if (items.size === 0 && extra === 0) continue;
    const newOnes = countById(deadLetters, table);
    const { account, missingIds } = accountFor(table, items, { present, newDeadLetters: newOnes, extra });
    tables.push(account);
    missing.push(...missingIds);
  }
  const totals = sum(tables);
  return {
    complete: totals.missing + totals.extra + wrongHashes.length + conflicting.length === 0,
    totals,
    tables,
    hashes: { checked, right: checked - wrongHashes.length },
    conflicting: conflicting.slice(0, maxListed),
    wrongHashes: wrongHashes.slice(0, maxListed),
    missing: missing.slice(0, maxListed),
    deadLetters: group(deadLetters),
    costs: await warehouse.costs(),
  };
}

function countById(deadLetters: readonly StoredDeadLetter[], table: LoggedTable): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { source_table, source_log_id } of deadLetters) {
    if (source_table === table) counts.set(source_log_id, (counts.get(source_log_id) ?? 0) + 1);
  }
  return counts;
}

function group(deadLetters: readonly StoredDeadLetter[]): DeadLetterGroup[] {
  const groups = new Map<string, DeadLetterGroup>();
  for (const { source_table, reason, reason_detail } of deadLetters) {
    const [table, detail] = [source_table ?? "", reason_detail ?? ""];
    const key = `${table}\n${reason}\n${detail}`;
    groups.set(key, { table, reason, detail, count: (groups.get(key)?.count ?? 0) + 1 });
  }
  return [...groups.values()];
}

function sum(accounts: readonly TableAccount[]): Omit<TableAccount, "table"> {
  const of = (field: keyof Omit<TableAccount, "table">): number =>
    accounts.reduce((total, account) => total + account[field], 0);
  return {
    published: of("published"),
    rows: of("rows"),
    duplicates: of("duplicates"),
    deadLetters: of("deadLetters"),
    missing: of("missing"),
    extra: of("extra"),
  };
}
