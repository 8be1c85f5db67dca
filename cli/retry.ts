import { setTimeout as delay } from "node:timers/promises";
import { IndelibleError } from "@indelible/schemas/errors.ts";

/** How long to wait for a service that is away. */
export interface Patience {
  /** After this no further try is begun. */
  readonly deadlineMs: number;
  /** Ends the waiting. Default: nothing does. */
  readonly signal?: AbortSignal;
}

const firstDelayMs = 100;
const maxDelayMs = 2000;

const transientCodes: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ERR_STREAM_PREMATURE_CLOSE",
  // HTTP
  429,
  500,
  502,
  503,
  504,
  // gRPC: DEADLINE_EXCEEDED, UNAVAILABLE
  4,
  14,
]);

/** Whether a service was merely not there for a moment, as while it is being restarted. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && transientCodes.has(error.code)) return true;
  return (
    /socket hang up|ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|premature close/i.test(error.message) ||
    isTransient(error.cause)
  );
}

/**
 * Runs `operation`, which must be harmless to repeat, again after transient faults, with jittered backoff.
 *
 * @throws ERR_DEADLINE when the fault lasted; AbortError; any other error of `operation` at once
 */
export async function retry<T>(
  what: string,
  { deadlineMs, ...interruption }: Patience,
  operation: () => Promise<T>,
): Promise<T> {
  const giveUpAt = performance.now() + deadlineMs;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await operation();
    } catch (error) {
      if (!isTransient(error)) throw error;
      if (performance.now() >= giveUpAt) {
        throw new IndelibleError("ERR_DEADLINE", `${what}: no answer in ${deadlineMs / 1000} s`, { cause: error });
      }
      await delay(
        Math.min(maxDelayMs, firstDelayMs * 2 ** attempt) * (0.5 + Math.random() / 2),
        undefined,
        interruption,
      );
    }
  }
}
