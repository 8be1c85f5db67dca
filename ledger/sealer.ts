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

/**
 * Seals until nothing is left that is closed, commit after commit. @returns rows and seals of all commits together, and the last one's number
 *
 * @param options asked for each commit, because keys change
 * @param yielding how often another sealer may be faster: what it has sealed needs no sealing, and the rest is tried again
 * @throws as `seal` does, and its signal's reason between two commits
 */
export async function sealAll(options: () => Promise<SealOptions>, yielding = 0): Promise<SealReport> {
  let total: SealReport | undefined;
  for (let yielded = 0; total === undefined || total.more;) {
    const next = await options();
    next.signal?.throwIfAborted();
    try {
      const report = await seal(next);
      total = {
        ...report,
        commitNumber: report.commitNumber ?? total?.commitNumber,
        seals: (total?.seals ?? 0) + report.seals,
        rows: (total?.rows ?? 0) + report.rows,
      };
    } catch (error) {
      if (!IndelibleError.is(error) || error.code !== "ERR_SEAL_CONFLICT" || yielded === yielding) throw error;
      yielded += 1;
    }
  }
  return total;
}

/**
 * Runs the sealer, one run at a time: whoever asks during a run gets the outcome of that run. What it logs has an `event` (`sealed`,
 * `witness-refuses`, `witness-behind`) or the `code` of an error, by which alerts know it.
 */
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
      const report = await sealAll(this.#options);
      this.#state = { lastSuccessMs: Date.now(), lastFailure: undefined };
      const { commitNumber, logSize, seals, rows, witnessFailure } = report;
      if (commitNumber !== undefined) {
        log("INFO", "sealed", { event: "sealed", commitNumber, seals, rows, logSize: String(logSize) });
      }
      if (witnessFailure !== undefined) {
        const refuses = isRefusal(witnessFailure);
        const what = refuses
          ? "the witness refuses the log: the log or the witness is not what it was; run `indelible verify`"
          : "the witness did not take a checkpoint; it is shown it again";
        const code = IndelibleError.is(witnessFailure) ? witnessFailure.code : "internal";
        log("ERROR", what, {
          event: refuses ? "witness-refuses" : "witness-behind",
          code,
          cause: textOf(witnessFailure),
        });
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
