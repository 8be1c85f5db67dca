/** Everything about the rows: those of every sealed window asked for, then those that no window holds. Its state can be saved in between. */
import type { TableName } from "@indelible/schemas/tables.ts";
import type { Finding } from "../findings.ts";
import type { ObjectStore } from "../object-store.ts";
import type { RowReader } from "../row-reader.ts";
import { FindingList } from "./finding-list.ts";
import type { SealLog } from "./log.ts";
import { Moves } from "./moves.ts";
import type { Advance, Limits, TableVerification } from "./options.ts";
import type { Asked, SavedProgress } from "./progress-file.ts";
import { tableMissing } from "./retention.ts";
import { WindowList } from "./seal-index.ts";
import { Tally } from "./tally.ts";
import { readBeforeTime, readUnsealed } from "./unsealed-rows.ts";
import { groupsOf, verifyGroup } from "./windows.ts";

export interface RowOptions {
  readonly reader: RowReader;
  readonly store: ObjectStore;
  readonly limits: Limits;
  readonly asked: Asked;
  /** The clock, in microseconds since 1970. */
  readonly now: () => bigint;
  /** For what is to be found again in a run that goes on where this one ends, and so is not saved. */
  readonly onFinding: (finding: Finding) => void;
  readonly onProgress?: ((advance: Advance) => void) | undefined;
  /** Called after each read; the next begins when it resolves. */
  readonly onRead?: (() => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const NO_WINDOWS: WindowList = new WindowList();

export function windowsOf(table: TableName, log: SealLog): WindowList {
  return log.windows.get(table) ?? NO_WINDOWS;
}

export class RowExamination {
  readonly #options: RowOptions;
  readonly #since: bigint;
  readonly #missing = new Set<TableName>();
  #findings: FindingList;
  #moves: Moves;
  #tallies: Map<TableName, Tally>;

  constructor(options: RowOptions) {
    this.#options = options;
    this.#since = options.asked.since ?? 0n;
    this.#findings = this.#noFindings();
    this.#moves = this.#noMoves();
    this.#tallies = this.#noTallies();
  }

  get findings(): FindingList {
    return this.#findings;
  }

  results(): TableVerification[] {
    return this.#tallies
      .values()
      .map((tally) => tally.result())
      .toArray();
  }

  save(): Omit<SavedProgress, "log"> {
    return {
      tallies: Object.fromEntries(this.#tallies.entries().map(([table, tally]) => [table, tally.save()])),
      findings: this.#findings.save(),
      moves: this.#moves.save(),
    };
  }

  /** Goes on from there. False when it is nothing to go on from; then this is as it was made. */
  restore(saved: Omit<SavedProgress, "log">): boolean {
    try {
      for (const [table, tally] of this.#tallies) tally.restore(saved.tallies[table]);
      this.#findings = FindingList.restore(saved.findings, this.#options.limits.findingsPerCode);
      this.#moves.restore(saved.moves);
      return true;
    } catch {
      this.#findings = this.#noFindings();
      this.#moves = this.#noMoves();
      this.#tallies = this.#noTallies();
      return false;
    }
  }

  /** @param missing tables that are known not to be there. @throws what the reader and the store throw; the signal's reason */
  async run(log: SealLog, missing: Iterable<TableName>): Promise<void> {
    for (const table of missing) this.#missing.add(table);
    await this.#verifyWindows(log);
    // When all windows are done it is known what is missing, and may have been moved to where none is.
    await this.#readOthers(log);
    this.#moves.finish();
  }

  async #verifyWindows(log: SealLog): Promise<void> {
    const { reader, store, asked, limits, now, signal, onFinding, onProgress, onRead } = this.#options;
    const rowsTotal = this.#rowsTotal(log);
    let rowsDone = 0;
    for (const tally of this.#tallies.values()) rowsDone += tally.rows;
    for (const table of this.#present()) {
      const tally = this.#tallyOf(table);
      const windows = windowsOf(table, log);
      const { from, until } = windows.within(this.#since, asked.until);
      const common = { table, reader, store, now, maxExtraRows: limits.extraRows, signal };
      for (const group of groupsOf(windows, from + tally.done, until, limits.rowsPerRead)) {
        signal?.throwIfAborted();
        const members = Array.from({ length: group.until - group.from }, (_, index) => windows.at(group.from + index));
        const result = await verifyGroup(members, { ...common, findings: this.#findings, moves: this.#moves });
        if (result === undefined) {
          onFinding(tableMissing(table));
          this.#missing.add(table);
          break;
        }
        tally.add(result);
        rowsDone += result.rows;
        onProgress?.({ rowsDone, rowsTotal });
        await onRead?.();
      }
    }
  }

  async #readOthers(log: SealLog): Promise<void> {
    const { reader, asked, now, signal } = this.#options;
    const { since, until } = asked;
    for (const table of this.#present()) {
      const options = { table, reader, findings: this.#findings, moves: this.#moves, now, signal };
      const { end } = windowsOf(table, log);
      if (until === undefined || until > end) {
        this.#tallyOf(table).unsealedRows = await readUnsealed(end > this.#since ? end : this.#since, until, options);
      }
      if (since === undefined || since < 0n) await readBeforeTime(options);
    }
  }

  #rowsTotal(log: SealLog): number {
    let total = 0;
    for (const table of this.#options.asked.tables) {
      const windows = windowsOf(table, log);
      const { from, until } = windows.within(this.#since, this.#options.asked.until);
      for (let index = from; index < until; index += 1) total += windows.rowCountAt(index);
    }
    return total;
  }

  #present(): TableName[] {
    return this.#options.asked.tables.filter((table) => !this.#missing.has(table));
  }

  #tallyOf(table: TableName): Tally {
    return this.#tallies.get(table) as Tally;
  }

  #noFindings(): FindingList {
    return new FindingList(this.#options.limits.findingsPerCode);
  }

  #noMoves(): Moves {
    return new Moves((finding) => this.#findings.add(finding), this.#options.limits.strays);
  }

  #noTallies(): Map<TableName, Tally> {
    return new Map(this.#options.asked.tables.map((table) => [table, new Tally(table)]));
  }
}
