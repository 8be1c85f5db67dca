import { IndelibleError } from "@indelible/schemas/errors.ts";

const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * What `work` gives, or ERR_DEADLINE after `deadlineMs`; what `work` does afterwards, failing included, is ignored.
 *
 * @param deadlineMs Infinity and the like are cut to 24 days, the longest that a timer can last
 * @param holdsProcess whether the process must stay alive to see the end
 */
export async function withDeadline<T>(
  work: Promise<T>,
  deadlineMs: number,
  what: string,
  holdsProcess: boolean,
): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new IndelibleError("ERR_DEADLINE", `${what} took longer than ${deadlineMs} ms`)),
    Math.min(deadlineMs, MAX_TIMER_MS),
  );
  if (!holdsProcess) timer.unref();
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
