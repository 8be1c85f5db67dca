/**
 * A record is one line of a segment: the CRC-32 of the JSON text's UTF-8 bytes as 8 lower-case hex digits, a space, the
 * text, a newline. A JSON text in canonical form holds no raw newline, so that a reader finds its place again at each
 * one: damage costs the line that it is in, and a newline that is itself damaged costs the lines before and after it.
 */
import { crc32 } from "node:zlib";

export const RECORD_PREFIX_BYTES = 9;

const NEWLINE = 0x0a;
const SPACE = 0x20;

const digits: Buffer = Buffer.from("0123456789abcdef");

/** The value of a lower-case hex digit by its character code; NaN for anything else. */
const values: Float64Array = new Float64Array(256).fill(Number.NaN);
for (const [value, code] of digits.entries()) values[code] = value;

/** Writes the 9 bytes before a text that already stands in `buffer` from `start` + 9 to `end`. */
export function writePrefix(buffer: Buffer, start: number, end: number): void {
  const sum = crc32(buffer.subarray(start + RECORD_PREFIX_BYTES, end));
  buffer[start] = digits[sum >>> 28]!;
  buffer[start + 1] = digits[(sum >>> 24) & 15]!;
  buffer[start + 2] = digits[(sum >>> 20) & 15]!;
  buffer[start + 3] = digits[(sum >>> 16) & 15]!;
  buffer[start + 4] = digits[(sum >>> 12) & 15]!;
  buffer[start + 5] = digits[(sum >>> 8) & 15]!;
  buffer[start + 6] = digits[(sum >>> 4) & 15]!;
  buffer[start + 7] = digits[sum & 15]!;
  buffer[start + 8] = SPACE;
}

export interface Records {
  /** The texts of the records whose checksums are right, in order. */
  readonly events: readonly string[];
  /** Every stretch of bytes that is not such a record, in order; lines that follow each other are one stretch. */
  readonly damaged: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
}

/**
 * Reads a segment's bytes. Records and damaged stretches together cover every byte. An empty file is no damage; a last
 * line that lacks its newline but has the right checksum is an event. Never throws on content.
 *
 * @param bytes what `damaged` gives are views of it
 */
export function readRecords(bytes: Uint8Array): Records {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const events: string[] = [];
  const damaged: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  let damagedFrom = -1;
  for (let start = 0; start < buffer.length;) {
    const newline = buffer.indexOf(NEWLINE, start);
    const end = newline === -1 ? buffer.length : newline;
    if (isRecord(buffer, start, end)) {
      if (damagedFrom !== -1) damaged.push({ offset: damagedFrom, bytes: bytes.subarray(damagedFrom, start) });
      damagedFrom = -1;
      events.push(buffer.toString("utf8", start + RECORD_PREFIX_BYTES, end));
    } else if (damagedFrom === -1) {
      damagedFrom = start;
    }
    start = end + 1;
  }
  if (damagedFrom !== -1) damaged.push({ offset: damagedFrom, bytes: bytes.subarray(damagedFrom) });
  return { events, damaged };
}

function isRecord(buffer: Buffer, start: number, end: number): boolean {
  if (end - start < RECORD_PREFIX_BYTES) return false;
  return checksumOf(buffer, start) === crc32(buffer.subarray(start + RECORD_PREFIX_BYTES, end));
}

/** What the 9 bytes from `start` say; NaN when they are no prefix. */
function checksumOf(buffer: Buffer, start: number): number {
  if (buffer[start + RECORD_PREFIX_BYTES - 1] !== SPACE) return Number.NaN;
  let sum = 0;
  for (let at = start; at < start + RECORD_PREFIX_BYTES - 1; at += 1) sum = sum * 16 + values[buffer[at]!]!;
  return sum;
}

/** Counts what `readRecords` would give as events, chunk by chunk, in memory that does not grow with the lines. */
export class RecordCounter {
  readonly #prefix: Buffer = Buffer.alloc(RECORD_PREFIX_BYTES);
  #prefixBytes = 0;
  #sum = 0;
  #events = 0;

  add(chunk: Buffer): void {
    for (let start = 0; start < chunk.length;) {
      const newline = chunk.indexOf(NEWLINE, start);
      this.#addToLine(chunk, start, newline === -1 ? chunk.length : newline);
      if (newline === -1) return;
      this.#endLine();
      start = newline + 1;
    }
  }

  /** The number of events, when all chunks were added. */
  end(): number {
    this.#endLine();
    return this.#events;
  }

  #addToLine(chunk: Buffer, start: number, end: number): void {
    const taken = chunk.copy(this.#prefix, this.#prefixBytes, start, end);
    this.#prefixBytes += taken;
    if (start + taken < end) this.#sum = crc32(chunk.subarray(start + taken, end), this.#sum);
  }

  #endLine(): void {
    if (this.#prefixBytes === RECORD_PREFIX_BYTES && checksumOf(this.#prefix, 0) === this.#sum) this.#events += 1;
    this.#prefixBytes = 0;
    this.#sum = 0;
  }
}
