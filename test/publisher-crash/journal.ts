/**
 * What a victim reports, a line at a time, by synchronous writes to a file: what is in it is what the process did before
 * it died. A last line without its end does not count.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import type { ErrorContext } from "@indelible/publisher";

/** What `onError` was told. */
export interface Report extends ErrorContext {
  readonly code: string;
  readonly message: string;
}

/** What one process says that its publishers did, up to its last word. */
export interface Totals {
  readonly adopted: number;
  readonly acknowledged: number;
}

export type Line =
  /** A tick is about to log so many events. */
  | { readonly kind: "announced"; readonly tick: string; readonly events: number }
  /** A tick has ended; these are the `log_id`s that it was given. */
  | { readonly kind: "returned"; readonly tick: string; readonly logIds: readonly string[] }
  | ({ readonly kind: "totals" } & Totals)
  | ({ readonly kind: "report" } & Report);

export class Journal {
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, "a");
  }

  write(line: Line): void {
    writeSync(this.#fd, `${JSON.stringify(line)}\n`);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

export function linesOf(text: string): Line[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}
