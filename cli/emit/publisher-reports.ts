import type { ErrorContext } from "@indelible/publisher";
import type { IndelibleError } from "@indelible/schemas/errors.ts";
import { describeFailure } from "../terminal/failure.ts";
import { counted } from "../terminal/table.ts";
import type { Tally } from "./tally.ts";

/** An outage can last a night: that events wait is told once in this time for each table and code. */
const waitingEveryMs = 30_000;

export interface PublisherReportsOptions {
  readonly tally: Tally;
  readonly write: (text: string) => void;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

/** Tells what the publisher reports. */
export class PublisherReports {
  readonly #options: PublisherReportsOptions;
  /** When it was last told that events wait. Bounded by tables times codes. */
  readonly #toldAt = new Map<string, number>();
  #isClosing = false;

  constructor(options: PublisherReportsOptions) {
    this.#options = options;
  }

  /** To be called before the publisher is closed: what it then gives up is outstanding, not refused. */
  close(): void {
    this.#isClosing = true;
  }

  add(error: IndelibleError, { table, events, refused }: ErrorContext): void {
    const { tally, write } = this.#options;
    if (table === undefined) {
      if (this.#isDue(error.code)) write(describeFailure(error));
    } else if (!refused) {
      if (this.#isDue(`${table} ${error.code}`)) {
        const what = error.retryable ? "wait and are tried again" : "on the way to the dead letters";
        write(`${counted(events, "event")} of ${table} ${what}\n${describeFailure(error)}`);
      }
    } else if (!this.#isClosing || !error.retryable) {
      tally.refuseLater(table, error.code, events);
      write(`${counted(events, "event")} of ${table} refused\n${describeFailure(error)}`);
    }
  }

  #isDue(kind: string): boolean {
    const now = this.#options.now();
    if (now - (this.#toldAt.get(kind) ?? -Infinity) < waitingEveryMs) return false;
    this.#toldAt.set(kind, now);
    return true;
  }
}
