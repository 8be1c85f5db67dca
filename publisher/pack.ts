import type { TableName } from "@indelible/schemas/tables.ts";

const FIRST_BYTES = 16_384;
const NEWLINE = 0x0a;

export type Outcome = "acknowledged" | "refused";

/**
 * The events of one message: one JSON text, or several with a newline between them.
 *
 * Each text is written into the message's bytes at once and not kept as a string: it costs less than joining strings at
 * the end (3.4 us against 5.0 us an event of 1.2 KB with its canonicalization), and a preview that was cut out of a
 * response of megabytes would keep all of it in memory.
 */
export class Pack {
  readonly table: TableName;
  /** Resolves when there is an outcome; never rejects. */
  readonly settled: Promise<void>;
  /** Has waited for its linger time: may be sent though it could hold more. */
  isDue = false;
  readonly #resolve: () => void;
  #outcome: Outcome | undefined;
  #buffer: Buffer;
  #bytes = 0;
  #events = 0;

  constructor(table: TableName) {
    this.table = table;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.settled = promise;
    this.#resolve = resolve;
    this.#buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  get events(): number {
    return this.#events;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How it ended; undefined while it waits or is in flight. */
  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  settle(outcome: Outcome): void {
    this.#outcome = outcome;
    this.#resolve();
  }

  /** The message's data, once nothing more is added. */
  get data(): Buffer {
    return this.#buffer.subarray(0, this.#bytes);
  }

  /** @param textBytes length of `text` in UTF-8 */
  add(text: string, textBytes: number): void {
    const needed = this.#bytes + 1 + textBytes;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.#bytes);
      this.#buffer = larger;
    }
    if (this.#events > 0) this.#buffer[this.#bytes++] = NEWLINE;
    this.#bytes += this.#buffer.write(text, this.#bytes);
    this.#events += 1;
  }
}
