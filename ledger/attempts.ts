import { setTimeout as sleep } from "node:timers/promises";
import { withDeadline } from "@indelible/publisher/deadline.ts";

export interface AttemptOptions {
  /** What is attempted, for the error: "Cloud KMS", "gs://bucket/name". */
  readonly what: string;
  /** For all attempts together, and the waits between them. */
  readonly deadlineMs: number;
  /** Default: 4. */
  readonly maxAttempts?: number | undefined;
  /** Whether it may go well the next time. */
  readonly isTransient: (error: unknown) => boolean;
  /** Waits between two attempts. Default: a timer. */
  readonly wait?: ((waitMs: number) => Promise<unknown>) | undefined;
}

const FIRST_WAIT_MS = 200;

/**
 * What the first attempt gives that does not fail transiently. Waits between them: 200 ms, doubling, each between half and the whole
 * of it at random.
 *
 * @param attempt its number, from 1, and how long it may last
 * @throws ERR_DEADLINE when the time is over, whatever is still under way; otherwise what the last attempt threw
 */
export async function attempts<T>(
  attempt: (number: number, remainingMs: number) => Promise<T>,
  { what, deadlineMs, maxAttempts = 4, isTransient, wait = sleep }: AttemptOptions,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  let isOver = false;
  const run = async (): Promise<T> => {
    for (let number = 1; ; number += 1) {
      try {
        return await attempt(number, Math.max(1, Math.ceil(end - performance.now())));
      } catch (error) {
        if (number >= maxAttempts || !isTransient(error)) throw error;
        await wait(FIRST_WAIT_MS * 2 ** (number - 1) * (0.5 + Math.random() / 2));
        if (isOver) throw error;
      }
    }
  };
  try {
    return await withDeadline(run(), deadlineMs, what, true);
  } finally {
    isOver = true;
  }
}
