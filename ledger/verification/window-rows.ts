import type { BatchRows, Member } from "./rows.ts";
import type { SealedWindow } from "./seal-index.ts";
import type { Stray } from "./moves.ts";

/** Characters of a row's identity, on the average of a read; those of a real row take less than half. */
const MAX_LEAF_LENGTH = 1024;

/** The rows of some consecutive windows, by window. Bounded, whatever the warehouse gives. */
export class WindowRows {
  readonly #windows: readonly SealedWindow[];
  readonly #members: Member[][];
  readonly #maxRows: number;
  readonly #strays: Omit<Stray, "table">[] = [];
  #kept = 0;
  #length = 0;

  /** @param maxExtra rows beyond the sealed ones that are kept */
  constructor(windows: readonly SealedWindow[], maxExtra: number) {
    this.#windows = windows;
    this.#members = windows.map(() => []);
    this.#maxRows = windows.reduce((sum, { rowCount }) => sum + rowCount, maxExtra);
  }

  /** Whether there are more rows than are kept: then those that are kept say nothing. */
  get isFull(): boolean {
    return this.#kept > this.#maxRows || this.#length > this.#maxRows * MAX_LEAF_LENGTH;
  }

  /** How many rows have been added. */
  get kept(): number {
    return this.#kept;
  }

  /** Rows that stand in none of the windows, though they are between the first and the last. */
  get strays(): readonly Omit<Stray, "table">[] {
    return this.#strays;
  }

  /** False when it is full. */
  add(rows: BatchRows, row: number, isReported: boolean): boolean {
    this.#kept += 1;
    if (this.isFull) return false;
    const ingestedAt = rows.ingestedAt(row);
    const index = ingestedAt === undefined ? undefined : this.#find(ingestedAt);
    if (ingestedAt === undefined || index === undefined) {
      const stray = { logId: rows.logId(row), entryHash: rows.entryHash(row), ingestedAt };
      this.#length += stray.logId.length + stray.entryHash.length;
      this.#strays.push(stray);
    } else {
      const member = rows.member(row, ingestedAt, isReported);
      this.#length += member.leaf.length;
      (this.#members[index] as Member[]).push(member);
    }
    return !this.isFull;
  }

  membersOf(index: number): readonly Member[] {
    return this.#members[index] as Member[];
  }

  #find(time: bigint): number | undefined {
    let from = 0;
    let until = this.#windows.length;
    while (from < until) {
      const middle = (from + until) >>> 1;
      const { start, end } = this.#windows[middle] as SealedWindow;
      if (time < start) until = middle;
      else if (time >= end) from = middle + 1;
      else return middle;
    }
    return undefined;
  }
}
