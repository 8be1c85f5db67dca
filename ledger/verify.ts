/**
 * Verifies the log from outside: that the seal log is one unbroken, signed log, the one that was seen before, and that the rows of the warehouse are
 * those that were sealed. Whatever the warehouse says, there is a finding or there is none; only what cannot be reached is an error.
 */
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { sealedTables } from "@indelible/schemas/names.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import type { RowReader } from "./row-reader.ts";
import { FindingList } from "./verification/finding-list.ts";
import { examineLog, type Examination } from "./verification/log-examination.ts";
import { Moves } from "./verification/moves.ts";
import {
  DEFAULT_LIMITS,
  type Counts,
  type Limits,
  type Verification,
  type VerifyOptions,
} from "./verification/options.ts";
import { loadProgress, removeProgress, saveProgress, type Asked } from "./verification/progress-file.ts";
import { compareFacts, tableMissing, type TableFacts } from "./verification/retention.ts";
import type { SealLog } from "./verification/log.ts";
import { WindowList } from "./verification/seal-index.ts";
import { Tally } from "./verification/tally.ts";
import { timeText } from "./verification/time.ts";
import { readBeforeTime, readUnsealed } from "./verification/unsealed-rows.ts";
import { readerWithout } from "./verification/usable-columns.ts";
import { groupsOf, verifyGroup } from "./verification/windows.ts";

export type * from "./verification/options.ts";
export type { TableFacts } from "./verification/retention.ts";

/**
 * Runs once over everything that is asked for, however much is wrong. Memory: some 70 bytes for each seal of the log, and the identities of the
 * rows of one read. The position is saved after each read, if it is to be saved.
 *
 * @throws ERR_CONFIG when what is asked cannot be; ERR_STORE, ERR_READ, ERR_ACCESS_DENIED; the signal's reason
 */
export async function verify(options: VerifyOptions): Promise<Verification> {
  const run = new Run(options);
  return run.run();
}

const NO_WINDOWS = new WindowList();

class Run {
  readonly #options: VerifyOptions;
  readonly #facts = new Map<TableName, TableFacts | undefined>();
  #reader: RowReader;
  readonly #limits: Limits;
  readonly #asked: Asked;
  readonly #now: bigint;
  readonly #since: bigint;
  /** What the log and the tables as such have shown; found anew in each run. */
  readonly #standing: FindingList;
  /** What the rows have shown; saved with the position. */
  #found: FindingList;
  #moves: Moves;
  #tallies: Map<TableName, Tally>;
  readonly #missingTables = new Set<TableName>();
  #resumed = false;
  #rowsTotal = 0;

  constructor(options: VerifyOptions) {
    const { tables = sealedTables, since, until, now, limits } = options;
    this.#options = options;
    this.#reader = options.reader;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#asked = { tables: sealedTables.filter((table) => tables.includes(table)), since, until };
    this.#now = now();
    this.#since = since ?? 0n;
    assertAsked(this.#asked);
    this.#standing = new FindingList(this.#limits.findingsPerCode);
    this.#found = new FindingList(this.#limits.findingsPerCode);
    this.#moves = this.#newMoves();
    this.#tallies = this.#newTallies();
  }

  async run(): Promise<Verification> {
    const { checkpointing } = this.#options;
    const saved = checkpointing?.resume === true ? await loadProgress(checkpointing.file, this.#asked) : undefined;
    await this.#learnFacts();
    const examination = await examineLog({
      ...this.#options,
      reader: this.#reader,
      limits: this.#limits,
      asked: this.#asked,
      findings: this.#standing,
      nowMicros: this.#now,
      sizes: saved === undefined ? [] : [sizeOf(saved.log.size)],
    });
    const { log } = examination;
    if (saved !== undefined) this.#restore(saved, log);
    this.#verifyTables(log);
    await this.#verifyWindows(log);
    await this.#readUnsealed(log);
    this.#moves.finish();
    await this.#ask();
    const result = this.#result(examination);
    if (examination.isSound && log.checkpoint !== undefined) await examination.memory?.remember(log.checkpoint);
    if (checkpointing !== undefined) await removeProgress(checkpointing.file);
    return result;
  }

  #newMoves(): Moves {
    return new Moves((finding) => this.#found.add(finding), this.#limits.strays);
  }

  #newTallies(): Map<TableName, Tally> {
    return new Map(this.#asked.tables.map((table) => [table, new Tally(table)]));
  }

  /** Asks what the tables are like, before anything is read of them. */
  async #learnFacts(): Promise<void> {
    const { facts, reader } = this.#options;
    if (facts === undefined) return;
    const unusable = new Map<TableName, ReadonlySet<string>>();
    for (const table of [...this.#asked.tables, "seals"] as const) {
      const known = await facts(table);
      this.#facts.set(table, known);
      unusable.set(table, new Set(known?.unusableColumns));
    }
    this.#reader = readerWithout(reader, unusable);
  }

  #windowsOf(table: TableName, log: SealLog): { windows: WindowList; from: number; until: number } {
    const windows = log.windows.get(table) ?? NO_WINDOWS;
    return { windows, ...windows.within(this.#since, this.#asked.until) };
  }

  /** Goes on where a run ended, if the log is still the one that it had: a longer one is. */
  #restore(saved: NonNullable<Awaited<ReturnType<typeof loadProgress>>>, log: SealLog): void {
    const { origin, size, root } = saved.log;
    if (origin !== this.#options.keys.origin || log.rootAt(sizeOf(size))?.toString("hex") !== root) return;
    try {
      for (const [table, tally] of this.#tallies) tally.restore(saved.tallies[table]);
      this.#found = FindingList.restore(saved.findings, this.#limits.findingsPerCode);
      this.#moves.restore(saved.moves);
      this.#resumed = true;
    } catch {
      // Whatever the file holds, it is no position: from the beginning.
      this.#tallies = this.#newTallies();
      this.#found = new FindingList(this.#limits.findingsPerCode);
      this.#moves = this.#newMoves();
    }
  }

  /** Holds each table as such against the log: that it is there, and that its seals reach as far as they should. */
  #verifyTables(log: SealLog): void {
    const { until } = this.#asked;
    const overdue = this.#now - BigInt(this.#limits.overdueMs) * 1000n;
    for (const table of this.#asked.tables) {
      const { windows, from, until: end } = this.#windowsOf(table, log);
      for (let index = from; index < end; index += 1) this.#rowsTotal += windows.rowCountAt(index);
      if (until !== undefined && until > windows.end) {
        const message = `asked for is all before ${timeText(until)}, and sealed is all before ${timeText(windows.end)}`;
        this.#standing.add({ code: "unsealed", message, table });
      } else if (this.#since >= windows.end && windows.length > 0) {
        const message = `asked for is all from ${timeText(this.#since)}, and sealed is all before ${timeText(windows.end)}`;
        this.#standing.add({ code: "unsealed", message, table });
      }
      if (until === undefined && windows.end < overdue) {
        const message =
          windows.length === 0 ? "it has never been sealed" : `its last seal ends at ${timeText(windows.end)}`;
        this.#standing.add({ code: "seal-overdue", message, table });
      }
      if (!this.#facts.has(table) || windows.length === 0) continue;
      const facts = this.#facts.get(table);
      for (const finding of compareFacts(table, windows, facts)) this.#standing.add(finding);
      if (facts === undefined) this.#missingTables.add(table);
    }
  }

  async #verifyWindows(log: SealLog): Promise<void> {
    const { store, signal, onProgress } = this.#options;
    const { rowsPerRead, extraRows } = this.#limits;
    const reader = this.#reader;
    let rowsDone = 0;
    for (const tally of this.#tallies.values()) rowsDone += tally.rows;
    for (const table of this.#asked.tables) {
      if (this.#missingTables.has(table)) continue;
      const tally = this.#tallyOf(table);
      const { windows, from, until } = this.#windowsOf(table, log);
      for (const group of groupsOf(windows, from + tally.done, until, rowsPerRead)) {
        signal?.throwIfAborted();
        const members = Array.from({ length: group.until - group.from }, (_, index) => windows.at(group.from + index));
        const findings = this.#found;
        const options = {
          table,
          reader,
          store,
          findings,
          moves: this.#moves,
          now: this.#now,
          maxExtraRows: extraRows,
          signal,
        };
        const result = await verifyGroup(members, options);
        if (result === undefined) {
          this.#standing.add(tableMissing(table));
          this.#missingTables.add(table);
          break;
        }
        tally.add(result);
        rowsDone += result.rows;
        onProgress?.({ rowsDone, rowsTotal: this.#rowsTotal });
        await this.#save(log);
      }
    }
  }

  async #readUnsealed(log: SealLog): Promise<void> {
    const { signal } = this.#options;
    const reader = this.#reader;
    const { tables, since, until } = this.#asked;
    for (const table of tables) {
      if (this.#missingTables.has(table)) continue;
      const options = { table, reader, findings: this.#found, moves: this.#moves, signal };
      const end = log.windows.get(table)?.end ?? 0n;
      if (until === undefined || until > end) {
        this.#tallyOf(table).unsealedRows = await readUnsealed(end > this.#since ? end : this.#since, until, options);
      }
      if (since === undefined || since < 0n) await readBeforeTime(options);
    }
  }

  /** Asks the warehouse what it can answer by itself. */
  async #ask(): Promise<void> {
    const { questions, signal } = this.#options;
    if (questions === undefined) return;
    for await (const { publisherId, firstMissing, lastMissing } of questions.gaps(signal)) {
      const which =
        firstMissing === lastMissing ? `number ${firstMissing}` : `numbers ${firstMissing} to ${lastMissing}`;
      this.#found.add({ code: "gap", message: `${which} of the publisher ${JSON.stringify(publisherId)} is missing` });
    }
    for await (const { table, logId } of questions.conflicts(signal)) {
      if (!this.#asked.tables.includes(table)) continue;
      this.#found.add({ code: "conflict", message: "entries with this log_id say different things", table, logId });
    }
  }

  async #save(log: SealLog): Promise<void> {
    const file = this.#options.checkpointing?.file;
    if (file === undefined) return;
    await saveProgress(file, this.#asked, {
      log: { origin: this.#options.keys.origin, size: String(log.size), root: log.root.toString("hex") },
      tallies: Object.fromEntries(this.#tallies.entries().map(([table, tally]) => [table, tally.save()])),
      findings: this.#found.save(),
      moves: this.#moves.save(),
    });
  }

  #result({ log, sealRows }: Examination): Verification {
    const findings = new FindingList(this.#limits.findingsPerCode);
    findings.addAll(this.#standing);
    findings.addAll(this.#found);
    const tables = this.#tallies
      .values()
      .map((tally) => tally.result())
      .toArray();
    const counts = tables.reduce<Counts>(
      (sum, table) => ({
        windows: sum.windows + table.windows,
        expiredWindows: sum.expiredWindows + table.expiredWindows,
        rows: sum.rows + table.rows,
        unsealedRows: sum.unsealedRows + table.unsealedRows,
      }),
      { windows: 0, expiredWindows: 0, rows: 0, unsealedRows: 0 },
    );
    // Without a violation, the windows of a table have no holes, and reach from the range's beginning to its end.
    const isCovered = tables.every(({ verified }) => verified.length === 1);
    return {
      verified: !findings.hasViolations() && isCovered,
      asked: this.#asked,
      log: {
        origin: this.#options.keys.origin,
        commits: log.commits,
        seals: log.size,
        rootHash: log.root.toString("hex"),
        sealRows,
      },
      tables,
      counts,
      findings: findings.listed(),
      findingCounts: findings.counts(),
      resumed: this.#resumed,
    };
  }

  #tallyOf(table: TableName): Tally {
    return this.#tallies.get(table) as Tally;
  }
}

function assertAsked({ tables, since, until }: Asked): void {
  if (tables.length === 0) {
    throw new IndelibleError("ERR_CONFIG", "no table that is sealed is to be verified", {
      hint: `Name some of: ${sealedTables.join(", ")}.`,
    });
  }
  if (until !== undefined && until <= (since ?? 0n)) {
    throw new IndelibleError("ERR_CONFIG", "the range to be verified ends before it begins", {
      hint: "Give a time for the end that is later than the one for the beginning, and than 1970.",
    });
  }
}

function sizeOf(text: string): bigint {
  return /^\d{1,19}$/.test(text) ? BigInt(text) : -1n;
}
