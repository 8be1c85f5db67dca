import { setTimeout as sleep } from "node:timers/promises";
import { withDeadline } from "@indelible/publisher/deadline.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";

export interface AttemptOptions {
  /** What is attempted, for the error: "Cloud KMS", "gs://bucket/name". */
  readonly what: string;
  /** For all attempts together, and the waits between them. */
  readonly deadlineMs: number;
  /** Whether it may go well the next time. */
  readonly isTransient: (error: unknown) => boolean;
  /** Waits between two attempts. Default: a timer. */
  readonly wait?: ((waitMs: number) => Promise<unknown>) | undefined;
}

const MAX_ATTEMPTS = 4;
const FIRST_WAIT_MS = 200;

/**
 * What the first of up to 4 attempts gives that does not fail transiently. Each may last half of the time that is left, and the last one all
 * of it, so that a connection that stalls costs one attempt and not all. Waits between them: 200 ms, doubling, each between half and the whole
 * of it at random.
 *
 * @param attempt its number, from 1, and how long it may last; what one does after its time is ignored
 * @throws ERR_DEADLINE when the time is over, whatever is still under way; otherwise what the last attempt threw
 */
export async function attempts<T>(
  attempt: (number: number, remainingMs: number) => Promise<T>,
  { what, deadlineMs, isTransient, wait = sleep }: AttemptOptions,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  let isOver = false;
  const run = async (): Promise<T> => {
    for (let number = 1; ; number += 1) {
      const leftMs = Math.max(1, Math.ceil(end - performance.now()));
      const shareMs = number < MAX_ATTEMPTS ? Math.ceil(leftMs / 2) : leftMs;
      try {
        return await withDeadline(attempt(number, shareMs), shareMs, what, true);
      } catch (error) {
        if (number >= MAX_ATTEMPTS || !(isLate(error) || isTransient(error))) throw error;
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

function isLate(error: unknown): boolean {
  return IndelibleError.is(error) && error.code === "ERR_DEADLINE";
}
