import type { TableName } from "@indelible/schemas/tables.ts";
import type { Prepared } from "./preparation.ts";
import { RECORD_PREFIX_BYTES, writePrefix } from "./spool/record.ts";
import type { Segment } from "./spool/spool.ts";

const FIRST_BYTES = 16_384;
const NEWLINE = 0x0a;

/** UTF-8 has at most three bytes for a UTF-16 code unit. */
const MAX_BYTES_A_UNIT = 3;

/**
 * Buffers of packs that were full, to be filled again: a new one costs 0.4 ms a megabyte, most of it for the pages of memory that the system
 * has to clear.
 */
const spare: Buffer[] = [];
const MAX_SPARE = 4;
const MIN_SPARE_BYTES = 500_000;
const MAX_SPARE_BYTES = 4_000_000;

/** How it ended; `spooled`: it is on disk, and whoever comes next sends it. */
export type Outcome = "acknowledged" | "refused" | "spooled";

/**
 * The events of one message, as lines. With a spool, each line is a record in UTF-8 with its checksum, and what is on disk is a
 * copy of the very same bytes. Without one, it is UTF-16: copying a text as the engine has it costs 0.3 us, encoding one
 * that has a € in it 1.2 us, and the background thread has the time for that.
 *
 * Each text is written into bytes at once and not kept as a string: joining strings at the end costs 1.5 us, and a
 * preview that was cut out of a response of megabytes would keep all of it in memory. The bytes are shared with the
 * background thread, which reads them where they are.
 */
export class Pack {
  readonly table: TableName;
  /** Where the events are on disk; undefined without a spool. */
  readonly segment: Segment | undefined;
  /** Resolves when there is an outcome; never rejects. */
  readonly settled: Promise<void>;
  /** Has waited for its linger time: may be sent though it could hold more. */
  isDue = false;
  /** Of an acknowledged pack: events that were in the message. */
  acknowledgedEvents = 0;
  /** Events that are not sent, because they were held back or are lost, and that are counted as such. */
  leftOut = 0;
  /** What is sent, once it was made. The lines are not kept beside it. */
  #prepared: Prepared | undefined;
  /** Lines that a redactor did not get through, by their position; they are held back. */
  readonly held: Map<number, string> = new Map();
  readonly #resolve: () => void;
  #outcome: Outcome | undefined;
  #buffer: Buffer | undefined;
  #bytes = 0;
  #events = 0;
  #spooledBytes = 0;
  #spooledEvents = 0;

  /** @param segment on disk already, or empty */
  constructor(table: TableName, segment: Segment | undefined) {
    this.table = table;
    this.segment = segment;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.settled = promise;
    this.#resolve = resolve;
    this.#events = segment?.events ?? 0;
    this.#bytes = this.#spooledBytes = segment?.bytes ?? 0;
    this.#spooledEvents = this.#events;
  }

  get events(): number {
    return this.#events;
  }

  /** Events whose outcome is that of the pack. */
  get outstanding(): number {
    return this.#events - this.leftOut;
  }

  /** Bytes of all lines. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that it keeps in memory. */
  get memory(): number {
    return (this.#buffer === undefined ? 0 : this.#bytes) + (this.#prepared?.data.length ?? 0);
  }

  /** Bytes that are on disk. */
  get spooledBytes(): number {
    return this.#spooledBytes;
  }

  /** Of `outstanding`: events that are on disk. */
  get spooledEvents(): number {
    return Math.max(0, this.#spooledEvents - this.leftOut);
  }

  /** Undefined while it waits or is in flight. */
  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  settle(outcome: Outcome): void {
    this.#outcome = outcome;
    this.#buffer = undefined;
    this.#prepared = undefined;
    this.#resolve();
  }

  /** The lines, once nothing more is added; undefined when they are on disk only. */
  get lines(): Uint8Array | undefined {
    return this.#buffer?.subarray(0, this.#bytes);
  }

  get prepared(): Prepared | undefined {
    return this.#prepared;
  }

  set prepared(prepared: Prepared) {
    this.#prepared = prepared;
    const buffer = this.#buffer;
    this.#buffer = undefined;
    // The background thread has read it, and nobody else does.
    if (buffer === undefined || spare.length >= MAX_SPARE) return;
    if (buffer.length >= MIN_SPARE_BYTES && buffer.length <= MAX_SPARE_BYTES) spare.push(buffer);
  }

  /** Forgets what can be read from disk again. */
  release(): void {
    if (this.segment === undefined || this.#spooledBytes < this.#bytes) return;
    this.#buffer = undefined;
    this.#prepared = undefined;
  }

  /**
   * Adds a line, unless all of them would then have more than `maxBytes`; the first one may be as long as it likes.
   *
   * @param maxBytes in UTF-8; without a spool, a UTF-16 code unit counts as one
   * @returns the bytes that it added; 0: it was not added
   */
  add(text: string, maxBytes: number): number {
    return this.segment === undefined ? this.#addUtf16(text, maxBytes * 2) : this.#addRecord(text, maxBytes);
  }

  #addUtf16(text: string, maxBytes: number): number {
    const start = this.#bytes;
    const end = start + text.length * 2 + 2;
    if (end > maxBytes && start > 0) return 0;
    const buffer = this.#reserve(end, maxBytes);
    buffer.write(text, start, "utf16le");
    buffer[end - 2] = NEWLINE;
    buffer[end - 1] = 0;
    this.#bytes = end;
    this.#events += 1;
    return end - start;
  }

  #addRecord(text: string, maxBytes: number): number {
    const start = this.#bytes;
    const textStart = start + RECORD_PREFIX_BYTES;
    let most = textStart + text.length * MAX_BYTES_A_UNIT + 1;
    // Counting takes as long as writing, so it is done only where the estimate does not fit.
    if (most > Math.min(this.#capacity, maxBytes)) most = textStart + Buffer.byteLength(text) + 1;
    if (most > maxBytes && start > 0) return 0;
    const buffer = this.#reserve(most, maxBytes);
    const end = textStart + buffer.write(text, textStart) + 1;
    writePrefix(buffer, start, end - 1);
    buffer[end - 1] = NEWLINE;
    this.#bytes = end;
    this.#events += 1;
    return end - start;
  }

  /** @param maxBytes as for `add` */
  isFull(maxBytes: number): boolean {
    return this.#bytes >= (this.segment === undefined ? maxBytes * 2 : maxBytes);
  }

  /** Whether there are lines that are not on disk, but should be. */
  get isDirty(): boolean {
    return this.segment !== undefined && this.#spooledBytes < this.#bytes;
  }

  /** Writes to disk what is not there yet. @throws ERR_SPOOL, ERR_QUEUE_FULL */
  spool(): void {
    if (!this.isDirty) return;
    this.segment!.append(this.#buffer!.subarray(this.#spooledBytes, this.#bytes), this.#events - this.#spooledEvents);
    this.#spooledBytes = this.#bytes;
    this.#spooledEvents = this.#events;
  }

  /** Gives up the lines that are not on disk. @returns how many */
  dropUnspooled(): number {
    const events = this.#events - this.#spooledEvents;
    this.#bytes = this.#spooledBytes;
    this.#events = this.#spooledEvents;
    return events;
  }

  get #capacity(): number {
    return this.#buffer?.length ?? 0;
  }

  #reserve(bytes: number, maxBytes: number): Buffer {
    const buffer = this.#buffer;
    if (buffer !== undefined && bytes <= buffer.length) return buffer;
    if (buffer === undefined && bytes <= MIN_SPARE_BYTES) {
      const used = spare.pop();
      if (used !== undefined) return (this.#buffer = used);
    }
    const doubled = Math.min(Math.max(FIRST_BYTES, this.#capacity * 2), maxBytes);
    const larger = Buffer.from(new SharedArrayBuffer(Math.max(bytes, doubled)));
    buffer?.copy(larger, 0, 0, this.#bytes);
    this.#buffer = larger;
    return larger;
  }
}
