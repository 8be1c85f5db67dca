/**
 * The longest line that is read, in bytes: above the largest event that travels (9,500,000 in canonical form), so that white space, escapes and
 * what stands around the event have room.
 */
export const MAX_LINE_BYTES = 10_000_000;

export interface RawLine {
  /** From 1; blank lines count. */
  readonly number: number;
  /** Bytes without the line feed. */
  readonly length: number;
  /** Valid until the next line is asked for. Undefined: the line is longer than what is held. */
  readonly bytes: Buffer | undefined;
}

const lineFeed = 0x0a;
const firstBytes = 65_536;

/**
 * Cuts a stream of bytes into lines. Of a line that is not complete it holds at most `maxBytes`, in one buffer: a list of chunks would let a
 * writer of single bytes fill the memory with their wrappings.
 */
export class LineSplitter {
  readonly #maxBytes: number;
  #held: Buffer = Buffer.alloc(0);
  #length = 0;
  #number = 0;

  constructor(maxBytes: number = MAX_LINE_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that end in `chunk`. To be consumed before the next call. */
  *push(chunk: Buffer): Generator<RawLine> {
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      yield this.#line(chunk.subarray(start, end));
      start = end + 1;
    }
    this.#hold(chunk.subarray(start));
  }

  /** The last line, if no line feed ended it. */
  *end(): Generator<RawLine> {
    if (this.#length > 0) yield this.#line(Buffer.alloc(0));
  }

  #line(end: Buffer): RawLine {
    // Most lines lie within one chunk and are not copied.
    const isWhole = this.#length === 0 && end.length <= this.#maxBytes;
    if (!isWhole) this.#hold(end);
    const length = isWhole ? end.length : this.#length;
    const bytes = isWhole ? end : length <= this.#maxBytes ? this.#held.subarray(0, length) : undefined;
    this.#length = 0;
    this.#number += 1;
    return { number: this.#number, length, bytes };
  }

  #hold(part: Buffer): void {
    const length = this.#length + part.length;
    if (length > this.#maxBytes) {
      this.#held = Buffer.alloc(0);
    } else if (part.length > 0) {
      if (length > this.#held.length) {
        const larger = Buffer.allocUnsafeSlow(
          Math.min(this.#maxBytes, Math.max(length, firstBytes, this.#held.length * 2)),
        );
        this.#held.copy(larger, 0, 0, this.#length);
        this.#held = larger;
      }
      part.copy(this.#held, this.#length);
    }
    this.#length = length;
  }
}
