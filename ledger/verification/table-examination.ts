/** Everything about the tables as such: that they are there, keep their rows, and are sealed as far as they should be. */
import { tableNames, type TableName } from "@indelible/schemas/tables.ts";
import type { Finding } from "../findings.ts";
import type { RowReader } from "../row-reader.ts";
import type { SealLog } from "./log.ts";
import type { VerifyOptions } from "./options.ts";
import type { Asked } from "./progress-file.ts";
import { compareFacts, compareSealFacts, type TableFacts } from "./retention.ts";
import { windowsOf } from "./row-examination.ts";
import { timeText } from "./time.ts";
import { readerWithout } from "./usable-columns.ts";

export interface KnownTables {
  /** What was said of each table; one that is not there is undefined. Empty when nobody can be asked. */
  readonly facts: ReadonlyMap<TableName, TableFacts | undefined>;
  /** Reads the tables as they are. */
  readonly reader: RowReader;
}

/** Asks what the tables are like, all of them. To be called before anything is read of them. @throws what `facts` throws */
export async function learnTables({ facts, reader }: VerifyOptions): Promise<KnownTables> {
  const known = new Map<TableName, TableFacts | undefined>();
  if (facts === undefined) return { facts: known, reader };
  for (const table of tableNames) known.set(table, await facts(table));
  const unusable = new Map([...known].map(([table, of]) => [table, of && new Set(of.unusableColumns)] as const));
  return { facts: known, reader: readerWithout(reader, unusable) };
}

/** Columns by which the warehouse answers about gaps and conflicts; of dead letters it takes all. */
const askedBy: ReadonlySet<string> = new Set(["log_id", "entry_hash", "published_at", "publisher_id", "seq"]);

/** Why the warehouse cannot be asked about gaps and conflicts, which it answers over all tables; nothing when it can. */
export function* hindrances({ facts }: KnownTables): Generator<Finding> {
  for (const [table, of] of facts) {
    if (of === undefined) {
      yield { code: "table-missing", message: "without it gaps and conflicts cannot be asked for", table };
      continue;
    }
    const names = (of.unusableColumns ?? []).filter((name) => table === "dead_letters" || askedBy.has(name));
    if (names.length === 0) continue;
    const message = `gaps and conflicts cannot be asked for: dropped, or of another type, is ${names.join(", ")}`;
    yield { code: "projection-differs", message, table };
  }
}

/** Whether the table is there, with all its columns: only then its views answer. */
export function isWhole({ facts }: KnownTables, table: TableName): boolean {
  const of = facts.get(table);
  return of === undefined ? !facts.has(table) : (of.unusableColumns ?? []).length === 0;
}

/** @param now in microseconds since 1970. @param overdueMs how long ago the last window of a table may have ended */
export function* examineTables(
  log: SealLog,
  { facts }: KnownTables,
  asked: Asked,
  now: bigint,
  overdueMs: number,
): Generator<Finding> {
  const { since = 0n, until } = asked;
  for (const table of asked.tables) {
    const windows = windowsOf(table, log);
    const sealed = `sealed is all before ${timeText(windows.end)}`;
    if (until !== undefined && until > windows.end) {
      yield { code: "unsealed", message: `asked for is all before ${timeText(until)}, and ${sealed}`, table };
    } else if (since >= windows.end && windows.length > 0) {
      yield { code: "unsealed", message: `asked for is all from ${timeText(since)}, and ${sealed}`, table };
    }
    if (until === undefined && windows.end < now - BigInt(overdueMs) * 1000n) {
      const message =
        windows.length === 0 ? "it has never been sealed" : `its last seal ends at ${timeText(windows.end)}`;
      yield { code: "seal-overdue", message, table };
    }
    if (facts.has(table) && windows.length > 0) yield* compareFacts(table, windows, facts.get(table));
  }
  const ofSeals = facts.get("seals");
  if (ofSeals !== undefined && log.entries.length > 0) yield* compareSealFacts(ofSeals, log.entries.sealedAt(0));
}

/** Tables that are known not to be there. */
export function missingTables({ facts }: KnownTables): TableName[] {
  return [...facts].filter(([, of]) => of === undefined).map(([table]) => table);
}
