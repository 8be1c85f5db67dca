const FIRST_MS = 100;

/**
 * When something may be tried again after failures: 100 ms, doubling up to `maxMs`, each between half and the whole of it
 * at random, so that a thousand agents do not return together. One success ends it.
 */
export class Backoff {
  readonly #onRetry: () => void;
  readonly #maxMs: number;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param onRetry called when a wait has passed
   * @param maxMs the longest wait, in milliseconds
   */
  constructor(onRetry: () => void, maxMs = 30_000) {
    this.#onRetry = onRetry;
    this.#maxMs = maxMs;
  }

  /** How many may be in flight now: none while it waits, one to try whether it works again, any otherwise. */
  get maxInFlight(): number {
    if (this.#timer !== undefined) return 0;
    return this.#failures > 0 ? 1 : Infinity;
  }

  /** Begins a wait, unless one has begun: messages that fail together are one failure. */
  fail(): void {
    if (this.#timer !== undefined) return;
    const waitMs = Math.min(this.#maxMs, FIRST_MS * 2 ** this.#failures) * (0.5 + Math.random() / 2);
    this.#failures += 1;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#onRetry();
    }, waitMs).unref();
  }

  succeed(): void {
    this.#failures = 0;
    this.endWait();
  }

  /** Lets the next attempt be made at once. */
  endWait(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
