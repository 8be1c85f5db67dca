/** Ctrl-C, or being told to end. */
export interface Interruption extends Disposable {
  /** Aborted at the first signal. */
  readonly signal: AbortSignal;
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Listens until disposed of.
 *
 * @param onSecond called at the second signal; default: exit at once with code 130
 */
export function interruption(onSecond: () => void = () => {}): Interruption {
  const controller = new AbortController();
  const listener = (): void => {
    if (!controller.signal.aborted) return controller.abort();
    onSecond();
    process.exit(130);
  };
  for (const name of signals) process.on(name, listener);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const name of signals) process.off(name, listener);
    },
  };
}
