const FIRST_BYTES = 16 * 1024;
/** Texts up to this length are copied unit by unit; beyond it, the call into native code pays. */
const SHORT_TEXT = 24;
/** The longest tag and the longest length, together. */
const HEADER_BYTES = 10;
const TWO_32 = 4_294_967_296;

/**
 * Writes protobuf's wire format (protobuf.dev/programming-guides/encoding) into one buffer, used again for each message. A general
 * writer measures each text before it writes it, and keeps a list of what to write.
 */
export class WireWriter {
  #buffer: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;

  /** A field of wire type 2. `text` must be well-formed. */
  text(tag: number, text: string): void {
    this.#reserve(HEADER_BYTES + text.length * 3);
    this.#uint(tag);
    if (text.length <= SHORT_TEXT && this.#shortAscii(text)) return;
    const reserved = uintBytes(text.length);
    this.#prefix(reserved, this.#buffer.write(text, this.#at + reserved));
  }

  /** A field of wire type 2 whose content `write` writes. */
  nested(tag: number, write: () => void): void {
    this.#reserve(HEADER_BYTES);
    this.#uint(tag);
    const start = this.#at;
    this.#at += 1;
    write();
    const length = this.#at - start - 1;
    this.#reserve(HEADER_BYTES);
    this.#at = start;
    this.#prefix(1, length);
  }

  /** A field of wire type 0, of type int64 or bool. `value` is a safe integer. */
  integer(tag: number, value: number): void {
    this.#reserve(2 * HEADER_BYTES);
    this.#uint(tag);
    if (value >= 0 && value < TWO_32) return this.#uint(value);
    let low = value >>> 0;
    let high = Math.floor(value / TWO_32) >>> 0;
    while (high > 0) {
      this.#buffer[this.#at++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.#uint(low);
  }

  /** A field of wire type 1, of type double. */
  double(tag: number, value: number): void {
    this.#reserve(2 * HEADER_BYTES);
    this.#uint(tag);
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  /** The message, in a buffer of its own. The next one begins. */
  take(): Buffer {
    const message = Buffer.from(this.#buffer.subarray(0, this.#at));
    this.#at = 0;
    return message;
  }

  #shortAscii(text: string): boolean {
    const buffer = this.#buffer;
    const start = this.#at + 1;
    for (let index = 0; index < text.length; index += 1) {
      const unit = text.charCodeAt(index);
      if (unit > 0x7f) return false;
      buffer[start + index] = unit;
    }
    buffer[start - 1] = text.length;
    this.#at = start + text.length;
    return true;
  }

  /** Writes `length` before content of that length which stands `reserved` bytes further on, and moves it if need be. */
  #prefix(reserved: number, length: number): void {
    const needed = uintBytes(length);
    const content = this.#at + reserved;
    if (needed !== reserved) this.#buffer.copyWithin(this.#at + needed, content, content + length);
    this.#uint(length);
    this.#at += length;
  }

  #uint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.#buffer[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#at++] = rest;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

/** How many bytes a length takes. */
function uintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}
