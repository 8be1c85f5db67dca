import type { Publisher, Stats } from "@indelible/publisher";
import { canonicalizerOf } from "@indelible/schemas/canonicalizer.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { tables } from "@indelible/schemas/tables.ts";
import { methodOf, type Entry, type LoggedTable } from "../delivery/entries.ts";
import { assertFits, complete, type Context, type Draft } from "./completion.ts";
import { readEventLine, textOf } from "./event-line.ts";
import { LineSplitter, type RawLine } from "./lines.ts";
import type { Tally } from "./tally.ts";

export interface EmissionOptions extends Context {
  /** Of every line; undefined: each line names its own. */
  readonly table?: LoggedTable | undefined;
  /** Whether an event that does not fit its declaration is refused here instead of becoming a dead letter. */
  readonly strict: boolean;
  /** Whether nothing is to be read until Pub/Sub has taken some. */
  readonly isFull: (stats: Stats) => boolean;
  readonly signal: AbortSignal;
  readonly tally: Tally;
  /** Told of every line that is refused. */
  readonly onRefused: (lineNumber: number, error: IndelibleError) => void;
  /** Given the `log_id`s of events that were accepted, in order; waited for. */
  readonly onAccepted: (logIds: readonly string[]) => Promise<void>;
  /** Told how many bytes were read so far. */
  readonly onProgress: (bytes: number) => void;
}

/** How long a signal may go unnoticed. */
const maxFlushMs = 1000;
/** What the publisher takes, less what it fills in. */
const maxDraftBytes = 9_500_000 - 1024;

/**
 * Logs each line of `chunks`. Resolves when all lines were read and given to the publisher, which may not have sent them all by then; a line that
 * is refused never keeps another from being logged. Holds at most a chunk, a line and the publisher's queue, so it reads as fast as Pub/Sub
 * takes, and not at all while Pub/Sub is away. Throws what `chunks` throws.
 */
export async function emit(
  chunks: AsyncIterable<Buffer>,
  publisher: Publisher,
  options: EmissionOptions,
): Promise<void> {
  const emission = new Emission(publisher, options);
  for await (const chunk of chunks) await emission.add(chunk);
  await emission.end();
}

class Emission {
  readonly #publisher: Publisher;
  readonly #options: EmissionOptions;
  readonly #splitter = new LineSplitter();
  #bytes = 0;
  #accepted: string[] = [];

  constructor(publisher: Publisher, options: EmissionOptions) {
    this.#publisher = publisher;
    this.#options = options;
  }

  async add(chunk: Buffer): Promise<void> {
    await this.#log(this.#splitter.push(chunk));
    this.#bytes += chunk.length;
    this.#options.onProgress(this.#bytes);
  }

  async end(): Promise<void> {
    await this.#log(this.#splitter.end());
  }

  async #log(lines: Iterable<RawLine>): Promise<void> {
    for (const line of lines) {
      this.#logLine(line);
      if (this.#options.isFull(this.#publisher.stats())) await this.#makeRoom();
    }
    await this.#tellAccepted();
  }

  #logLine(line: RawLine): void {
    const { tally, onRefused } = this.#options;
    let { table } = this.#options;
    try {
      tally.read += 1;
      const text = textOf(line);
      if (text === "") {
        tally.read -= 1;
        return;
      }
      const read = readEventLine(text, table);
      ({ table } = read);
      const draft = complete(read, { ordinal: tally.read, text }, this.#options);
      assertLoggable(table, draft);
      if (this.#options.strict) assertFits(table, draft);
      this.#take(table, draft);
    } catch (error) {
      if (!IndelibleError.is(error)) throw error;
      tally.refuse(table, error.code);
      onRefused(line.number, error);
    }
  }

  #take(table: LoggedTable, draft: Draft): void {
    const refusedBefore = this.#publisher.stats().refused;
    // Not known to fit, unless --strict: what does not becomes a dead letter.
    const logId = methodOf(this.#publisher, table)(draft as unknown as Entry["event"]);
    this.#options.tally.take(table);
    // Refused for a reason of the publisher's own, which its onError tells.
    if (this.#publisher.stats().refused === refusedBefore) this.#accepted.push(logId);
  }

  async #makeRoom(): Promise<void> {
    await this.#tellAccepted();
    while (!this.#options.signal.aborted && this.#options.isFull(this.#publisher.stats())) {
      await this.#publisher.flush({ deadlineMs: maxFlushMs });
    }
  }

  async #tellAccepted(): Promise<void> {
    const accepted = this.#accepted;
    this.#accepted = [];
    if (accepted.length > 0) await this.#options.onAccepted(accepted);
  }
}

/**
 * The publisher reports what it refuses at most once a second, and without the line: so it is found here.
 *
 * @throws ERR_TOO_LARGE, ERR_TOO_DEEP, ERR_LONE_SURROGATE, ERR_LOSSY_NUMBER
 */
function assertLoggable(table: LoggedTable, draft: Draft): void {
  const bytes = Buffer.byteLength(canonicalizerOf(tables[table])(draft));
  if (bytes > maxDraftBytes) {
    throw new IndelibleError("ERR_TOO_LARGE", `the event has ${bytes} bytes, more than ${maxDraftBytes}`);
  }
}
