import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { PendingRow, RefusedRow } from "./appender.ts";

/** One call of `append`: settles when each of its rows is written or refused, or at the first failure, or at its deadline. */
export class AppendCall {
  readonly rows: readonly PendingRow[];
  readonly result: Promise<readonly RefusedRow[]>;
  readonly #refused: RefusedRow[] = [];
  readonly #deadline: NodeJS.Timeout;
  readonly #resolve: (refused: readonly RefusedRow[]) => void;
  readonly #reject: (error: unknown) => void;
  #undecided: number;
  #settled = false;

  /** @param onDeadline tells why the call took so long; the call is rejected with it */
  constructor(rows: readonly PendingRow[], deadlineMs: number, onDeadline: () => IndelibleError) {
    this.rows = rows;
    this.#undecided = rows.length;
    const { promise, resolve, reject } = Promise.withResolvers<readonly RefusedRow[]>();
    this.result = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#deadline = setTimeout(() => this.reject(onDeadline()), deadlineMs);
  }

  /** Nothing more is to be done for it. */
  get settled(): boolean {
    return this.#settled;
  }

  written(count: number): void {
    this.#decide(count);
  }

  refuse(row: RefusedRow): void {
    this.#refused.push(row);
    this.#decide(1);
  }

  reject(error: unknown): void {
    if (this.#settled) return;
    this.#settle();
    this.#reject(error);
  }

  #decide(count: number): void {
    this.#undecided -= count;
    if (this.#undecided > 0 || this.#settled) return;
    this.#settle();
    this.#resolve(this.#refused);
  }

  #settle(): void {
    this.#settled = true;
    clearTimeout(this.#deadline);
  }
}
