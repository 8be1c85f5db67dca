import { WarehouseError } from "../errors.ts";

/** Lets a few things run at once; the others wait in order of arrival, and beyond `maxWaiting` they are refused. */
export class Slots {
  readonly #maxWaiting: number;
  #free: number;
  #waiting: (() => void)[] = [];

  constructor(count: number, maxWaiting: number) {
    this.#free = count;
    this.#maxWaiting = maxWaiting;
  }

  /** @throws {WarehouseError} rateLimitExceeded */
  async run<Result>(task: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free--;
    else {
      if (this.#waiting.length >= this.#maxWaiting) {
        throw new WarehouseError(
          "rateLimitExceeded",
          `Exceeded rate limits: ${this.#maxWaiting} queries are waiting already.`,
        );
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
