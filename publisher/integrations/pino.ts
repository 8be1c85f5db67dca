/** Entries from pino's log lines: docs/integrations.md says which lines become what. */
import { Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { Event, TableName } from "@indelible/schemas/tables.ts";
import { withDeadline } from "../deadline.ts";
import { logMethods, type Log } from "../log.ts";
import { createPublisher, type Deadline, type PublisherOptions } from "../publisher.ts";
import { warnOf } from "./guard.ts";
import { eventIn } from "./pino-line.ts";

/** The log that lines go to: a publisher, or anything with these methods. */
export interface LineLog extends Log {
  /** Called by `flush()` and at the end of the stream, which wait for it. */
  flush?(deadline?: Deadline): Promise<unknown>;
}

export interface PinoStreamOptions {
  /** The member of a line that carries an event. 1 to 64 characters. Default: indelible. */
  readonly key?: string;
  /**
   * How long the end of the stream may wait for acknowledgements, in milliseconds, 0 to 8,000. Default: 5,000. A process
   * that ends is held up by it, and pino itself gives up after 10 s.
   */
  readonly closeDeadlineMs?: number;
}

/** Options of the transport, which travel to its thread: those of a publisher that are no functions. */
export interface PinoTransportOptions
  extends Omit<PublisherOptions, "onError" | "now" | "newId" | "transport">, PinoStreamOptions {}

export interface PinoStats {
  /** Lines that came. */
  readonly lines: number;
  /** Lines that carried an event, which the log was given. */
  readonly events: number;
  /** Lines that are not JSON, or whose event is not one. Each is lost, and told as a process warning, at most once a minute. */
  readonly refused: number;
}

const DEFAULT_CLOSE_DEADLINE_MS = 5_000;
const MAX_CLOSE_DEADLINE_MS = 8_000;

/** What is kept of a line whose end has not come, in UTF-16 units. A longer line is refused. */
const MAX_LINE_CHARACTERS = 16 * 1024 * 1024;

/**
 * The target of `pino.transport()`: a stream with a publisher of its own, for a thread of its own. The publisher is
 * closed with the stream.
 *
 * @throws ERR_CONFIG for an option that cannot be used, which pino emits as the transport's `error`
 */
export default function createPinoTransport(options: PinoTransportOptions): PinoStream {
  const { key, closeDeadlineMs, ...rest } = options;
  const streamOptions = {
    ...(key === undefined ? {} : { key }),
    ...(closeDeadlineMs === undefined ? {} : { closeDeadlineMs }),
  };
  const log = createPublisher(rest);
  return new PinoStream(log, streamOptions, (deadline) => log.close(deadline));
}

/**
 * A stream for `pino(options, stream)` or `pino.multistream()`, within the host's thread: no thread to start, and the log
 * may be one that the host uses itself. The stream's end flushes the log and leaves it open.
 *
 * @throws ERR_CONFIG for an option that cannot be used; nothing throws, and the stream emits no error, after that
 */
export function createPinoStream(log: LineLog, options: PinoStreamOptions = {}): PinoStream {
  return new PinoStream(log, options, (deadline) => log.flush?.(deadline) ?? Promise.resolve());
}

/** Takes pino's lines, in pieces of any size, and logs the events that they carry. */
export class PinoStream extends Writable {
  readonly #log: LineLog;
  readonly #key: string;
  readonly #closeDeadlineMs: number;
  readonly #finish: (deadline: Deadline) => Promise<unknown>;
  readonly #decoder = new StringDecoder("utf8");
  /** The beginning of a line whose end has not come. */
  #rest = "";
  /** True: what comes belongs to a line that was refused already. */
  #isSkipping = false;
  #lines = 0;
  #events = 0;
  #refused = 0;

  /** @param finish what the end of the stream waits for, besides its deadline */
  constructor(log: LineLog, options: PinoStreamOptions, finish: (deadline: Deadline) => Promise<unknown>) {
    super({ decodeStrings: false });
    this.#log = log;
    this.#key = keyOf(options);
    this.#closeDeadlineMs = closeDeadlineOf(options);
    this.#finish = finish;
    // A line that is written after the end is an error of the stream, and one that nobody listens for ends the process.
    this.on("error", (cause) => warnOf("pino", cause));
  }

  stats(): PinoStats {
    return { lines: this.#lines, events: this.#events, refused: this.#refused };
  }

  /** Waits until what was logged is acknowledged, for 10 s at most. Never rejects. `logger.flush(callback)` calls it. */
  async flush(callback?: () => void): Promise<void> {
    try {
      await this.#log.flush?.();
    } catch (cause) {
      warnOf("pino", cause);
    }
    callback?.();
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#take(typeof chunk === "string" ? chunk : this.#decoder.write(chunk));
    callback();
  }

  override async _final(callback: () => void): Promise<void> {
    this.#take(`${this.#decoder.end()}\n`);
    const deadlineMs = this.#closeDeadlineMs;
    try {
      // The log keeps to the deadline by itself; a second more is for what it does besides, and for logs that do not.
      await withDeadline(this.#finish({ deadlineMs }), deadlineMs + 1_000, "closing the pino stream", true);
    } catch (cause) {
      warnOf("pino", cause);
    }
    callback();
  }

  #take(text: string): void {
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      const line = this.#rest + text.slice(start, end);
      start = end + 1;
      this.#rest = "";
      if (this.#isSkipping) this.#isSkipping = false;
      else if (line.trim() !== "") this.#line(line.trim());
    }
    if (this.#isSkipping) return;
    this.#rest += text.slice(start);
    if (this.#rest.length <= MAX_LINE_CHARACTERS) return;
    this.#rest = "";
    this.#isSkipping = true;
    this.#lines += 1;
    this.#refuse(new IndelibleError("ERR_TOO_LARGE", `a line has more than ${MAX_LINE_CHARACTERS} characters`));
  }

  #line(line: string): void {
    this.#lines += 1;
    try {
      const event = eventIn(line, this.#key);
      if (event === undefined) return;
      record(this.#log, event.table, event.fields);
      this.#events += 1;
    } catch (cause) {
      this.#refuse(cause);
    }
  }

  #refuse(cause: unknown): void {
    this.#refused += 1;
    warnOf("pino", cause);
  }
}

/** The types of the columns are not known here: as with every event, the subscriber validates them. */
function record(log: LineLog, table: TableName, fields: Event): void {
  const loose = log as unknown as { readonly [method: string]: (fields: Event) => string };
  const methods: { readonly [table in TableName]?: keyof Log } = logMethods;
  loose[methods[table] ?? ""]?.(fields);
}

function keyOf({ key = "indelible" }: PinoStreamOptions): string {
  if (typeof key === "string" && key !== "" && key.length <= 64) return key;
  throw refuse("key", "a text of 1 to 64 characters");
}

function closeDeadlineOf({ closeDeadlineMs = DEFAULT_CLOSE_DEADLINE_MS }: PinoStreamOptions): number {
  if (Number.isSafeInteger(closeDeadlineMs) && closeDeadlineMs >= 0 && closeDeadlineMs <= MAX_CLOSE_DEADLINE_MS) {
    return closeDeadlineMs;
  }
  throw refuse("closeDeadlineMs", `a whole number from 0 to ${MAX_CLOSE_DEADLINE_MS}`);
}

function refuse(name: keyof PinoStreamOptions, accepted: string): IndelibleError {
  return new IndelibleError("ERR_CONFIG", `the pino integration: ${name} must be ${accepted}`, {
    hint: `Give it a ${name} that is ${accepted}.`,
  });
}
