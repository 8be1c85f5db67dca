import { IndelibleError } from "@indelible/schemas/errors.ts";

/** The room that one message takes, until it is disposed of. */
export interface Place extends Disposable {
  /**
   * Takes `bytes` instead of what it took before.
   *
   * @throws ERR_QUEUE_FULL when there is no room for the difference
   */
  resize(bytes: number): void;
}

export interface AdmissionOptions {
  /**
   * Bytes of decompressed messages that may be on their way at once. Default 64 MiB; the memory that they need is about eight times that,
   * because an event is there as text, as an object and as a row.
   */
  readonly maxBytes?: number;
  /** Messages that may be on their way at once. Default: unlimited. */
  readonly maxMessages?: number;
}

/**
 * Bounds what is on its way through the pipeline, in bytes. Everything that waits in here (for dedup, in the appender, for the
 * dead-letter topic) belongs to a message that holds a place.
 */
export class Admission {
  readonly #maxBytes: number;
  readonly #maxMessages: number;
  #bytes = 0;
  #messages = 0;

  constructor({ maxBytes = 64 * 1024 * 1024, maxMessages = Infinity }: AdmissionOptions = {}) {
    this.#maxBytes = maxBytes;
    this.#maxMessages = maxMessages;
  }

  /** Bytes of the messages that are on their way. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Messages that are on their way. */
  get messages(): number {
    return this.#messages;
  }

  /**
   * Lets a message of `bytes` in. One alone is always let in, whatever its size.
   *
   * @throws ERR_QUEUE_FULL
   */
  admit(bytes: number): Place {
    if (this.#messages >= this.#maxMessages) {
      throw new IndelibleError("ERR_QUEUE_FULL", `${this.#messages} messages are on their way, the most at once`);
    }
    this.#take(bytes, this.#messages === 0);
    this.#messages += 1;
    let taken = bytes;
    return {
      resize: (wanted) => {
        this.#take(wanted - taken, this.#messages === 1);
        taken = wanted;
      },
      [Symbol.dispose]: () => {
        this.#messages -= 1;
        this.#bytes -= taken;
      },
    };
  }

  #take(bytes: number, alone: boolean): void {
    if (!alone && bytes > 0 && this.#bytes + bytes > this.#maxBytes) {
      throw new IndelibleError("ERR_QUEUE_FULL", `${this.#bytes} of ${this.#maxBytes} bytes are on their way`);
    }
    this.#bytes += bytes;
  }
}
