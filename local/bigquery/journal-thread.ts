import { Worker } from "node:worker_threads";
import type { Group, StoredEntry } from "./journal-file.ts";

/** `position`: of the newest entry that the file is expected to hold. */
export type WriterOptions = { readonly path: string; readonly position: number };
export type WriterRequest = Group | "close";
/** The first says that the file is open and locked, each other one answers a group. */
export type WriterAnswer = { readonly error?: unknown };

/**
 * The thread that writes the journal, seen from the main thread. It takes one group at a time. A thread that dies takes
 * everything after it down: `onFatal` is told, the group in hand fails, and so does each that is brought later.
 */
export class JournalThread {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #answer: PromiseWithResolvers<void> = Promise.withResolvers();
  #isOpen = false;
  #death: Error | undefined;

  private constructor(options: WriterOptions, onFatal: (error: Error) => void) {
    this.#worker = new Worker(new URL("./journal-writer.ts", import.meta.url), { workerData: options });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exited = promise;
    this.#worker.on("message", ({ error }: WriterAnswer) => {
      if (error === undefined) this.#answer.resolve();
      else this.#answer.reject(error);
    });
    this.#worker.on("error", (error: unknown) => {
      this.#death ??= error instanceof Error ? error : new Error(String(error));
    });
    this.#worker.once("exit", (code) => {
      this.#death ??= new Error(`The thread that writes the journal has ended with code ${code}.`);
      this.#answer.reject(this.#death);
      if (this.#isOpen) onFatal(this.#death);
      resolve();
    });
  }

  /**
   * Starts the thread, which opens the journal and takes its lock.
   * @throws {Error} when another process has the journal open, or has written to it since `position`.
   */
  static async open(options: WriterOptions, onFatal: (error: Error) => void): Promise<JournalThread> {
    const thread = new JournalThread(options, onFatal);
    await thread.#answer.promise;
    thread.#isOpen = true;
    return thread;
  }

  /**
   * Resolves when the group is on disk (fsync). When it rejects, nothing of the group is kept, unless the thread died.
   * The bytes are copied before this returns. Call it again when it has settled, not earlier.
   */
  async commit({ descriptors, entries }: Group): Promise<void> {
    if (this.#death !== undefined) throw this.#death;
    const { copies, buffer } = copyRows(entries);
    this.#worker.postMessage({ descriptors, entries: copies } satisfies WriterRequest, [buffer]);
    this.#answer = Promise.withResolvers();
    await this.#answer.promise;
  }

  /** Ends the thread and releases the lock. Call it when no group is in hand. */
  async close(): Promise<void> {
    this.#isOpen = false;
    this.#worker.postMessage("close" satisfies WriterRequest, []);
    await this.#exited;
  }
}

/**
 * The rows of a group, once more, in one buffer that can be given away: the originals are views into whole requests,
 * each of which would be copied whole, and the decoded columns go on referring to them.
 */
function copyRows(entries: readonly StoredEntry[]): { copies: StoredEntry[]; buffer: ArrayBuffer } {
  const totalBytes = entries.reduce((sum, entry) => sum + rowBytes(entry), 0);
  // An ArrayBuffer of its own, not zeroed first.
  const { buffer } = Buffer.allocUnsafeSlow(totalBytes);
  let offset = 0;
  const copies = entries.map((entry): StoredEntry => {
    if (entry.kind === "change") return entry;
    const rows = new Uint8Array(buffer, offset, entry.rows.byteLength);
    rows.set(entry.rows);
    offset += rows.byteLength;
    return { ...entry, rows };
  });
  return { copies, buffer };
}

function rowBytes(entry: StoredEntry): number {
  return entry.kind === "rows" ? entry.rows.byteLength : 0;
}
