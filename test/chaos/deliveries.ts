const MARK = Buffer.from('"messageId":"');
/** Longer than a mark with an ID: what a chunk may end with and the next one complete. */
const TAIL_BYTES = 64;

/** Counts the push requests that set out for the function, by message, as they pass by. */
export class Deliveries {
  readonly #counts = new Map<string, number>();
  readonly #onDelivery: () => void;
  /** Pushes so far. */
  total = 0;

  constructor(onDelivery: () => void) {
    this.#onDelivery = onDelivery;
  }

  /** Messages that have set out at least once. */
  get messages(): number {
    return this.#counts.size;
  }

  /** How often this message has set out. */
  of(messageId: string): number {
    return this.#counts.get(messageId) ?? 0;
  }

  /** Reads the requests of one connection, chunk by chunk. The name of the field cannot stand in data, which is base64. */
  readonly reader = (): ((chunk: Buffer) => void) => {
    let tail = Buffer.alloc(0);
    return (chunk) => {
      const text = Buffer.concat([tail, chunk]);
      let read = 0;
      for (let at = text.indexOf(MARK); at !== -1; at = text.indexOf(MARK, read)) {
        const end = text.indexOf('"', at + MARK.length);
        if (end === -1) break;
        this.#count(text.toString("latin1", at + MARK.length, end));
        read = end;
      }
      tail = text.subarray(Math.max(read, text.length - TAIL_BYTES));
    };
  };

  #count(messageId: string): void {
    this.#counts.set(messageId, this.of(messageId) + 1);
    this.total += 1;
    this.#onDelivery();
  }
}
