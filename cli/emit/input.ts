import type { Readable } from "node:stream";

/** What had been written when the signal came is read: until nothing comes for this long, and at most what a pipe and a stream hold. */
const quietMs = 100;
const maxBytesAfterSignal = 128 * 1024;

/** What comes in, until it ends or a signal ends it. Chunks are read when they are asked for, so a slow reader slows the writer down. */
export class Input {
  readonly #stream: Readable;
  readonly #signal: AbortSignal;
  readonly #quietMs: number;
  #hasEnded = false;

  /** @param quietAfterSignalMs default: 100 */
  constructor(stream: Readable, signal: AbortSignal, quietAfterSignalMs: number = quietMs) {
    this.#stream = stream;
    this.#signal = signal;
    this.#quietMs = quietAfterSignalMs;
  }

  /** Whether everything was read. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * To be iterated once. After the signal it goes on for a moment: Ctrl-C goes to a whole pipeline, and the last words of the program before
   * this one are still in the pipe. Throws what reading throws.
   */
  async *chunks(): AsyncGenerator<Buffer> {
    const chunks = this.#stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    let leftBytes = maxBytesAfterSignal;
    try {
      while (leftBytes > 0) {
        const next = await this.#unlessQuiet(chunks.next());
        if (next === undefined) return;
        if (next.done === true) {
          this.#hasEnded = true;
          return;
        }
        if (this.#signal.aborted) leftBytes -= next.value.length;
        yield next.value;
      }
    } finally {
      this.#stream.destroy();
    }
  }

  /** Undefined when the signal has come and nothing else came afterwards. */
  async #unlessQuiet<T>(next: Promise<T>): Promise<T | undefined> {
    const { promise: quiet, resolve } = Promise.withResolvers<undefined>();
    let timer: NodeJS.Timeout | undefined;
    const wait = (): void => {
      timer = setTimeout(() => resolve(undefined), this.#quietMs);
    };
    if (this.#signal.aborted) wait();
    else this.#signal.addEventListener("abort", wait, { once: true });
    try {
      return await Promise.race([next, quiet]);
    } finally {
      clearTimeout(timer);
      this.#signal.removeEventListener("abort", wait);
    }
  }
}
