import type { IndelibleError } from "@indelible/schemas/errors.ts";
import type { TableName } from "@indelible/schemas/tables.ts";

/** What an error is about. */
export interface ErrorContext {
  /** Undefined: the spool as a whole. */
  readonly table: TableName | undefined;
  /** Refused: how many events since the last such report. Otherwise: how many it is about at this moment. */
  readonly events: number;
  /**
   * True: these events will not be sent, and are counted in `stats().refused` or, held back on disk, in
   * `stats().rejected`. False: they wait and are tried again, or are sent though they will become dead letters.
   */
  readonly refused: boolean;
}

export type OnError = (error: IndelibleError, about: ErrorContext) => void;

/** At most one report in this time for each table, code and outcome; what comes in between is added up. */
export const REPORT_INTERVAL_MS = 1_000;

interface Window {
  readonly timer: NodeJS.Timeout;
  /** The latest that came after the window's first report, to be told when it ends. */
  pending?: { readonly error: IndelibleError; readonly about: ErrorContext };
}

/** Tells `onError` what went wrong, but never floods it, and never lets it harm the host. */
export class Reports {
  readonly #onError: OnError;
  /** Bounded by tables times codes times outcomes. */
  readonly #windows = new Map<string, Window>();

  constructor(onError: OnError) {
    this.#onError = onError;
  }

  add(error: IndelibleError, about: ErrorContext): void {
    const key = `${about.table} ${error.code} ${about.refused}`;
    const window = this.#windows.get(key);
    if (window !== undefined) {
      const earlier = about.refused ? (window.pending?.about.events ?? 0) : 0;
      window.pending = { error, about: { ...about, events: earlier + about.events } };
      return;
    }
    // The window stands before onError is called, so that an onError that logs, and is refused, does not recurse.
    const timer = setTimeout(() => {
      const { pending } = this.#windows.get(key) ?? {};
      this.#windows.delete(key);
      if (pending !== undefined) this.add(pending.error, pending.about);
    }, REPORT_INTERVAL_MS);
    timer.unref();
    this.#windows.set(key, { timer });
    void this.#tell(error, about);
  }

  /** Tells at once what waits for the end of its interval. */
  drain(): void {
    const windows = [...this.#windows.values()];
    this.#windows.clear();
    for (const { timer, pending } of windows) {
      clearTimeout(timer);
      if (pending !== undefined) void this.#tell(pending.error, pending.about);
    }
  }

  async #tell(error: IndelibleError, about: ErrorContext): Promise<void> {
    try {
      await this.#onError(error, about);
    } catch {
      // Whatever onError throws, at once or as a rejected promise, is its own trouble: there is nobody left to report
      // it to, and the host must survive its logger.
    }
  }
}

/** What happens without an `onError`: a process warning, which Node prints to stderr unless the host listens for it. */
export function warn(error: IndelibleError, about: ErrorContext): void {
  const outcome = about.refused ? "refused" : error.retryable ? "waiting" : "sent";
  const events = about.table === undefined ? "" : ` (${about.events} events of ${about.table} ${outcome})`;
  process.emitWarning(`${error.message}${events}`, {
    type: "IndelibleWarning",
    code: error.code,
    detail: error.hint,
  });
}
