import { join } from "node:path";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { publishedTables } from "@indelible/schemas/names.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { AppendFile, spoolError, type Budget } from "./append-file.ts";
import { isMissing, type Files } from "./files.ts";
import type { InstanceFolder } from "./instance-folder.ts";

/** Ten digits, so that names sort by time; then the table. */
export function segmentName(number: number, table: TableName): string {
  return `${String(number).padStart(10, "0")}.${table}.seg`;
}

/** The table of a segment by its file's name; undefined if it is no segment, or one of a table that is not known here. */
export function tableOfSegment(name: string): TableName | undefined {
  const named = /^\d{10}\.([a-z_]+)\.seg$/.exec(name)?.[1];
  return publishedTables.find((table) => table === named);
}

/** What was found in a segment that a dead publisher left. */
export interface Content {
  readonly bytes: number;
  readonly events: number;
}

export interface SegmentParts {
  readonly folder: InstanceFolder;
  readonly name: string;
  readonly table: TableName;
  readonly files: Files;
  readonly budget: Budget;
  /** Called once, when the segment is removed. */
  readonly onRemoved: (segment: Segment) => void;
  /** Given: the segment is adopted, and takes no appends. */
  readonly adopted?: Content;
}

/**
 * The events of one message, on disk: appended to by one publisher, read and removed by it or by whoever adopts it.
 * What was appended survives the process (kill -9), not a power cut: nothing is synced.
 */
export class Segment {
  readonly table: TableName;
  readonly path: string;
  /** The name of the file. */
  readonly name: string;
  /** The UUID of the publisher that made it. */
  readonly instance: string;
  readonly #parts: SegmentParts;
  readonly #file: AppendFile;
  #events: number;
  #isSealed: boolean;
  #isRemoved = false;
  #removing: Promise<void> | undefined;

  constructor(parts: SegmentParts) {
    this.table = parts.table;
    this.name = parts.name;
    this.instance = parts.folder.instance;
    this.path = join(parts.folder.path, parts.name);
    this.#parts = parts;
    this.#file = new AppendFile(this.path, parts.files, parts.budget);
    this.#events = parts.adopted?.events ?? 0;
    this.#isSealed = parts.adopted !== undefined;
    if (parts.adopted !== undefined) parts.budget.add(parts.adopted.bytes);
  }

  /** The size of the file; 0 when it is removed. */
  get bytes(): number {
    if (this.#isRemoved) return 0;
    return this.#parts.adopted?.bytes ?? this.#file.bytes;
  }

  /** The events that were appended, or, in an adopted one, that have the right checksum. */
  get events(): number {
    return this.#events;
  }

  /**
   * Appends whole records, synchronously. All of them are in the file afterwards or, if it throws, none. Where a failed
   * append cannot be undone the segment takes no more; its torn tail is found by `readRecords`, which gives what records of it are whole.
   *
   * @param events how many records `bytes` has
   * @throws ERR_QUEUE_FULL beyond maxBytes, before anything is written; ERR_SPOOL
   */
  append(bytes: Uint8Array, events: number): void {
    if (this.#isSealed || this.#file.isTorn) {
      const reason = this.#isSealed ? "it is sealed" : "its end is torn";
      throw spoolError("append to", this.path, new Error(reason));
    }
    this.#parts.budget.requireRoomFor(bytes.length);
    this.#file.append(bytes);
    this.#events += events;
  }

  /** Takes no more appends, and closes the file descriptor. Idempotent. */
  seal(): void {
    this.#isSealed = true;
    this.#file.close();
  }

  /** All bytes of the file; none if nothing was ever appended. @throws ERR_SPOOL, also when the spool is closed */
  async read(): Promise<Buffer> {
    return this.#parts.folder.use(async () => {
      try {
        return await this.#parts.files.readFile(this.path);
      } catch (cause) {
        if (isMissing(cause) && this.bytes === 0) return Buffer.alloc(0);
        throw spoolError("read", this.path, cause);
      }
    });
  }

  /**
   * Removes the file: once Pub/Sub has acknowledged its events, or they are kept elsewhere. Idempotent; may be called again after a
   * failure.
   *
   * @throws ERR_SPOOL, also when the spool was closed before the call
   */
  async remove(): Promise<void> {
    if (this.#isRemoved) return;
    this.#removing ??= this.#parts.folder.use(() => this.#removeFile());
    try {
      await this.#removing;
    } finally {
      this.#removing = undefined;
    }
  }

  async #removeFile(): Promise<void> {
    this.seal();
    try {
      await this.#parts.files.unlink(this.path);
    } catch (cause) {
      if (!isMissing(cause)) throw spoolError("remove", this.path, cause);
    }
    this.#parts.budget.add(-this.bytes);
    this.#isRemoved = true;
    this.#parts.onRemoved(this);
  }
}

/** A segment that a newer version made, a stray file, a folder: left alone. */
export function notOurs(path: string): IndelibleError {
  return new IndelibleError("ERR_SPOOL", `${path} is nothing that this version's spool makes, and is left alone`, {
    hint: "If a newer version made it, start that one with this spool; otherwise move it out of the directory.",
  });
}
