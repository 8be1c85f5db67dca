import { setTimeout as sleep } from "node:timers/promises";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { log } from "@indelible/subscriber/log.ts";
import { seal, type SealOptions, type SealReport } from "./seal.ts";

/** When it was last sealed, for a health check. */
export interface SealerState {
  /** Milliseconds since 1970; undefined: not since the process started. */
  readonly lastSuccessMs: number | undefined;
  readonly lastFailure: string | undefined;
}

/** Runs the sealer, one run at a time: whoever asks during a run gets the outcome of that run. */
export class Sealer {
  readonly #options: () => Promise<SealOptions>;
  #running: Promise<SealReport> | undefined;
  #state: SealerState = { lastSuccessMs: undefined, lastFailure: undefined };

  /** `options` is asked at each run, because keys change. */
  constructor(options: () => Promise<SealOptions>) {
    this.#options = options;
  }

  get state(): SealerState {
    return this.#state;
  }

  /** Contract: see `seal`. */
  run(): Promise<SealReport> {
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Runs every `everyMs`, the first time after one such interval, until the signal is aborted. Failures are logged, and the next run tries again. */
  async runEvery(everyMs: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.run().catch(() => undefined);
    }
    await this.#running?.catch(() => undefined);
  }

  async #run(): Promise<SealReport> {
    try {
      let report = await seal(await this.#options());
      while (report.more) report = await seal(await this.#options());
      this.#state = { lastSuccessMs: Date.now(), lastFailure: undefined };
      const { commitNumber, logSize, seals, rows, witnessFailure } = report;
      if (commitNumber !== undefined) {
        log("INFO", "sealed", { commitNumber, seals, rows, logSize: String(logSize) });
      }
      if (witnessFailure !== undefined) {
        const what = isRefusal(witnessFailure)
          ? "the witness refuses the log: the log or the witness is not what it was; run `indelible verify`"
          : "the witness did not take a checkpoint; it is shown it again";
        log("ERROR", what, { cause: textOf(witnessFailure) });
      }
      return report;
    } catch (error) {
      const known = IndelibleError.is(error) ? error : undefined;
      // Of two sealers at once one is always late: that is as it should be.
      const severity = known?.code === "ERR_SEAL_CONFLICT" ? "INFO" : "ERROR";
      const cause = known?.cause === undefined ? undefined : textOf(known.cause);
      log(severity, textOf(error), { code: known?.code ?? "internal", hint: known?.hint, cause });
      this.#state = { ...this.#state, lastFailure: known?.code ?? "internal" };
      throw error;
    }
  }
}

/** Whether showing it again cannot help. */
export function isRefusal(witnessFailure: unknown): boolean {
  return !IndelibleError.is(witnessFailure) || !witnessFailure.retryable;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
