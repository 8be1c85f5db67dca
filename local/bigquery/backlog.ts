import { WarehouseError } from "./errors.ts";

type Waiter = { readonly bytes: number; readonly enter: () => void };

/**
 * Bounds the rows that are in memory: from the moment they are decoded until the index holds them. Whoever brings more
 * waits here, in order of arrival.
 */
export class Backlog {
  readonly #maxBytes: number;
  #bytes = 0;
  #pauses = 0;
  #waiters: Waiter[] = [];

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Resolves when there is room. One that is larger than the whole backlog enters when it is empty.
   * @throws {WarehouseError} backendError after `deadlineMs`: retry later.
   */
  async enter(bytes: number, deadlineMs: number): Promise<void> {
    if (this.#waiters.length === 0 && this.#fits(bytes)) {
      this.#bytes += bytes;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { bytes, enter: resolve };
    const timer = setTimeout(() => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      reject(new WarehouseError("backendError", `The warehouse has been busy for ${deadlineMs} ms: try again.`));
    }, deadlineMs);
    this.#waiters.push(waiter);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#admit();
    }
  }

  leave(bytes: number): void {
    this.#bytes -= bytes;
    this.#admit();
  }

  /** Nobody enters until as many have called `resume()`. */
  pause(): void {
    this.#pauses++;
  }

  resume(): void {
    this.#pauses--;
    this.#admit();
  }

  #fits(bytes: number): boolean {
    if (this.#pauses > 0) return false;
    return this.#bytes === 0 || this.#bytes + bytes <= this.#maxBytes;
  }

  #admit(): void {
    for (let next = this.#waiters[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiters[0]) {
      this.#waiters.shift();
      this.#bytes += next.bytes;
      next.enter();
    }
  }
}
