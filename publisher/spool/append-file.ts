import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { Files } from "./files.ts";

/** Bytes on disk of one publisher, and how many there may be. Owned by its spool; changed by what it hands it to. */
export class Budget {
  readonly maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  hasRoomFor(bytes: number): boolean {
    return this.#bytes + bytes <= this.maxBytes;
  }

  /** @throws ERR_QUEUE_FULL */
  requireRoomFor(bytes: number): void {
    if (this.hasRoomFor(bytes)) return;
    throw new IndelibleError(
      "ERR_QUEUE_FULL",
      `the spool holds ${this.#bytes} bytes, and ${bytes} more would exceed spool.maxBytes = ${this.maxBytes}`,
      {
        hint: "Find out why Pub/Sub takes no events, clear the spool's rejected and quarantine folders, or raise spool.maxBytes.",
      },
    );
  }

  /** @param bytes negative for what was removed */
  add(bytes: number): void {
    this.#bytes += bytes;
  }
}

/** ERR_SPOOL about `path`. @param doing completes "cannot …" */
export function spoolError(doing: string, path: string, cause: unknown): IndelibleError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new IndelibleError("ERR_SPOOL", `cannot ${doing} ${path}: ${reason}`, { cause });
}

/**
 * A file that only this object writes, made at its first append (0600). An append is in the kernel's hands when it
 * returns: it survives the process, not a power cut.
 */
export class AppendFile {
  readonly path: string;
  readonly #files: Files;
  readonly #budget: Budget;
  #fd: number | undefined;
  #bytes = 0;
  #tornBytes = 0;

  constructor(path: string, files: Files, budget: Budget) {
    this.path = path;
    this.#files = files;
    this.#budget = budget;
  }

  /** The size of the file, all counted in the budget. */
  get bytes(): number {
    return this.#bytes + this.#tornBytes;
  }

  /** Whether the file ends with a part of an append that failed and could not be undone. */
  get isTorn(): boolean {
    return this.#tornBytes > 0;
  }

  /**
   * All of `bytes`, or, after a failure, the file as it was before. Where even that fails, the file is torn: the next
   * append cuts the torn end off first. @throws ERR_SPOOL
   */
  append(bytes: Uint8Array): void {
    let written = 0;
    try {
      // The name is nobody else's, so a file that is there was left by an attempt that failed.
      this.#fd ??= this.#files.openSync(this.path, "w", 0o600);
      if (this.#tornBytes > 0) this.#cut(this.#fd);
      while (written < bytes.length) {
        // Where to is said each time: a torn end or a write that failed half-way has moved the file's own position.
        const position = this.#bytes + written;
        const count = this.#files.writeSync(this.#fd, bytes, written, bytes.length - written, position);
        if (count === 0) throw new Error("nothing was written, and no error was given");
        written += count;
      }
    } catch (cause) {
      this.#undo(written);
      throw spoolError("write", this.path, cause);
    }
    this.#bytes += written;
    this.#budget.add(written);
  }

  /** Closes the file descriptor. Idempotent; an error says nothing about what was written. */
  close(): void {
    if (this.#fd === undefined) return;
    const fd = this.#fd;
    this.#fd = undefined;
    try {
      this.#files.closeSync(fd);
    } catch {
      // EIO from close(2) is about the way to the disk, which is not promised here. The descriptor is gone all the same.
    }
  }

  #cut(fd: number): void {
    this.#files.ftruncateSync(fd, this.#bytes);
    this.#budget.add(-this.#tornBytes);
    this.#tornBytes = 0;
  }

  #undo(written: number): void {
    if (this.#fd === undefined || this.#tornBytes > 0) return;
    try {
      this.#files.ftruncateSync(this.#fd, this.#bytes);
    } catch {
      // The first failure is the one to tell.
      this.#tornBytes = this.#sizeOf(this.#fd, this.#bytes + written) - this.#bytes;
      this.#budget.add(this.#tornBytes);
    }
  }

  #sizeOf(fd: number, fallback: number): number {
    try {
      return this.#files.fstatSync(fd).size;
    } catch {
      return fallback;
    }
  }
}
