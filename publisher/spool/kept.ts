/** What is kept for people to look at, and never deleted by the publisher: rejected events and damaged bytes. */
import { constants } from "node:fs";
import { join } from "node:path";
import type { TableName } from "@indelible/schemas/tables.ts";
import { AppendFile, spoolError, type Budget } from "./append-file.ts";
import { isMissing, makeFolders, type Files } from "./files.ts";
import type { Records } from "./record.ts";
import type { Segment } from "./segment.ts";

export const REJECTED = "rejected";
export const QUARANTINE = "quarantine";

/** An event that must not or cannot be sent, and why. */
export interface Rejection {
  readonly table: TableName;
  /** An `ErrorCode`. */
  readonly code: string;
  readonly message: string;
  /** The event's original text. */
  readonly event: string;
}

/** The folders `rejected` and `quarantine`. Several publishers share them, each with files of its own. */
export class Kept {
  readonly #directory: string;
  readonly #files: Files;
  readonly #budget: Budget;
  readonly #rejected: AppendFile;

  /** Makes the folders (0700), and counts what is in them. @throws what node:fs throws */
  constructor(directory: string, instance: string, files: Files, budget: Budget) {
    this.#directory = directory;
    this.#files = files;
    this.#budget = budget;
    for (const name of [REJECTED, QUARANTINE]) {
      const path = join(directory, name);
      makeFolders(files, path);
      files.accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
      for (const file of files.readdirSync(path)) budget.add(sizeOf(files, join(path, file)));
    }
    this.#rejected = new AppendFile(join(directory, REJECTED, `${instance}.ndjson`), files, budget);
  }

  /** One line, written when it returns. @throws ERR_SPOOL; ERR_QUEUE_FULL if it must fit into maxBytes and does not */
  reject(rejection: Rejection, mustFit: boolean): void {
    const line = Buffer.from(lineOf(rejection, new Date()));
    if (mustFit) this.#budget.requireRoomFor(line.length);
    this.#rejected.append(line);
  }

  /** One file a stretch; one that is there already is left as it is. @throws ERR_SPOOL */
  async quarantine(segment: Segment, damaged: Records["damaged"]): Promise<void> {
    for (const { offset, bytes } of damaged) {
      const name = `${segment.instance}.${segment.name.replace(/\.seg$/, "")}.${offset}`;
      const path = join(this.#directory, QUARANTINE, name);
      try {
        const size = await this.#sizeOf(`${path}.bytes`);
        if (size === undefined) await this.#copy(`${path}.bytes`, bytes);
        // More was damaged since it was copied. What was copied may be what is damaged now, so both are kept.
        else if (size !== bytes.length) await this.#copy(`${path}-${bytes.length}.bytes`, bytes);
      } catch (cause) {
        throw spoolError("keep damaged bytes in", path, cause);
      }
    }
  }

  /** The file has its name only when it is whole, so that whatever is interrupted can be done again. */
  async #copy(path: string, bytes: Uint8Array): Promise<void> {
    if ((await this.#sizeOf(path)) === bytes.length) return;
    const partial = `${path}.partial`;
    const before = (await this.#sizeOf(partial)) ?? 0;
    try {
      await this.#files.writeFile(partial, bytes, { mode: 0o600 });
    } catch (cause) {
      // As much as fitted on the disk is there, and counts.
      this.#budget.add(((await this.#sizeOf(partial)) ?? 0) - before);
      throw cause;
    }
    this.#budget.add(bytes.length - before);
    await this.#files.rename(partial, path);
  }

  async #sizeOf(path: string): Promise<number | undefined> {
    try {
      return (await this.#files.lstat(path)).size;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  close(): void {
    this.#rejected.close();
  }
}

/** 0 for a file that went meanwhile: somebody else's partial one, or one that a person took out. */
function sizeOf(files: Files, path: string): number {
  try {
    return files.lstatSync(path).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

/** The event's own text where that is JSON: parsing and writing it again could change its numbers. */
function lineOf({ table, code, message, event }: Rejection, at: Date): string {
  const about = JSON.stringify({ table, code, message, at: at.toISOString() });
  const text = isJson(event) ? event.replaceAll(/[\r\n]/g, " ") : JSON.stringify(event);
  return `${about.slice(0, -1)},"event":${text}}\n`;
}

/** In JSON a raw line end is space between tokens. A lone surrogate has to be escaped, for UTF-8 cannot carry it. */
function isJson(text: string): boolean {
  if (!text.isWellFormed()) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
