import type { Range, TableVerification } from "./options.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import type { GroupResult } from "./windows.ts";

const MAX_RANGES = 1000;

export interface SavedTally {
  readonly done: number;
  readonly windows: number;
  readonly expiredWindows: number;
  readonly rows: number;
  readonly ranges: readonly (readonly [start: string, end: string])[];
  readonly rangesLeftOut: number;
}

/** What has been verified of one table. */
export class Tally {
  readonly table: TableName;
  /** Windows that have been held against their rows, counted from the first one asked for. */
  done = 0;
  unsealedRows = 0;
  #windows = 0;
  #expired = 0;
  #rows = 0;
  readonly #ranges: Range[] = [];
  #rangesLeftOut = 0;

  constructor(table: TableName) {
    this.table = table;
  }

  get rows(): number {
    return this.#rows;
  }

  add({ rows, windows }: GroupResult): void {
    this.#rows += rows;
    this.done += windows.length;
    for (const { window, outcome } of windows) {
      if (outcome === "differs") continue;
      if (outcome === "verified") this.#windows += 1;
      else this.#expired += 1;
      this.#cover(window);
    }
  }

  result(): TableVerification {
    return {
      table: this.table,
      verified: this.#ranges,
      rangesLeftOut: this.#rangesLeftOut,
      windows: this.#windows,
      expiredWindows: this.#expired,
      rows: this.#rows,
      unsealedRows: this.unsealedRows,
    };
  }

  save(): SavedTally {
    return {
      done: this.done,
      windows: this.#windows,
      expiredWindows: this.#expired,
      rows: this.#rows,
      ranges: this.#ranges.map(({ start, end }) => [String(start), String(end)] as const),
      rangesLeftOut: this.#rangesLeftOut,
    };
  }

  /** @throws TypeError, SyntaxError when it is not what `save` gave */
  restore(saved: SavedTally | undefined): void {
    if (saved === undefined) throw new TypeError("the table is missing");
    for (const count of [saved.done, saved.windows, saved.expiredWindows, saved.rows, saved.rangesLeftOut]) {
      if (!Number.isSafeInteger(count) || count < 0) throw new TypeError("a count is none");
    }
    this.#ranges.push(...saved.ranges.map(([start, end]) => ({ start: BigInt(start), end: BigInt(end) })));
    this.done = saved.done;
    this.#windows = saved.windows;
    this.#expired = saved.expiredWindows;
    this.#rows = saved.rows;
    this.#rangesLeftOut = saved.rangesLeftOut;
  }

  #cover({ start, end }: Range): void {
    const last = this.#ranges.at(-1);
    if (last !== undefined && last.end === start) this.#ranges[this.#ranges.length - 1] = { start: last.start, end };
    else if (this.#ranges.length < MAX_RANGES) this.#ranges.push({ start, end });
    else this.#rangesLeftOut += 1;
  }
}
