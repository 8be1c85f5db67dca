import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { spoolError } from "./append-file.ts";
import { isMissing, type Entry, type Files } from "./files.ts";
import { finishRemoval, INSTANCE_NAME, InstanceFolder, REMOVED_NAME } from "./instance-folder.ts";
import { QUARANTINE, REJECTED } from "./kept.ts";
import { RecordCounter } from "./record.ts";
import { notOurs, tableOfSegment, type Content } from "./segment.ts";
import type { TableName } from "@indelible/schemas/tables.ts";

const CHUNK_BYTES = 65_536;

export type OnProblem = (error: IndelibleError) => void;

/** A segment that a dead publisher left. */
export interface Leftover {
  readonly name: string;
  readonly table: TableName;
  readonly content: Content;
}

export interface Adopted {
  readonly folder: InstanceFolder;
  /** By name, that is by time. Never empty. */
  readonly leftovers: readonly Leftover[];
}

/**
 * Finds what dead publishers left in a directory. Owns what it has reported, so that what is left alone is told once and
 * not each time.
 */
export class Adoption {
  readonly #directory: string;
  readonly #files: Files;
  readonly #reported = new Set<string>();

  constructor(directory: string, files: Files) {
    this.#directory = directory;
    this.#files = files;
  }

  /**
   * Claims the folders of dead instances, in the order of their UUIDs, that is of their time, one whenever it is asked for one.
   * The receiver gives each folder up. Never throws: problems go to `onProblem`.
   *
   * @param isHeld whether this publisher holds the instance's folder
   */
  async *claims(isHeld: (instance: string) => boolean, onProblem: OnProblem): AsyncGenerator<Adopted> {
    for (const entry of await this.#list(this.#directory, onProblem)) {
      const { name } = entry;
      if (name === REJECTED || name === QUARANTINE || isHeld(name)) continue;
      // To try a lock takes some 0.1 ms of this thread, and there may be hundreds of them.
      await setImmediate();
      if (REMOVED_NAME.test(name) && entry.isDirectory()) this.#finishRemoval(name, onProblem);
      else if (INSTANCE_NAME.test(name) && entry.isDirectory()) yield* this.#claim(name, onProblem);
      else this.#reportOnce(join(this.#directory, name), onProblem);
    }
  }

  async *#claim(instance: string, onProblem: OnProblem): AsyncGenerator<Adopted> {
    let folder: InstanceFolder | undefined;
    try {
      folder = InstanceFolder.claim(this.#files, this.#directory, instance);
    } catch (cause) {
      onProblem(spoolError("adopt what is left in", join(this.#directory, instance), cause));
    }
    if (folder === undefined) return;
    // Not before the lock is held: until then the owner, or an earlier adopter, may change what is there.
    const leftovers = await this.#leftoversIn(folder, onProblem);
    if (leftovers.length > 0) yield { folder, leftovers };
    // Nothing for us in it; perhaps for a newer version. The folder goes if it is empty.
    else folder.giveUp();
  }

  async #leftoversIn(folder: InstanceFolder, onProblem: OnProblem): Promise<Leftover[]> {
    const leftovers: Leftover[] = [];
    for (const entry of await this.#list(folder.path, onProblem)) {
      if (entry.name === "lock") continue;
      const path = join(folder.path, entry.name);
      const table = tableOfSegment(entry.name);
      if (table === undefined || !entry.isFile()) {
        this.#reportOnce(path, onProblem);
        continue;
      }
      try {
        leftovers.push({ name: entry.name, table, content: await this.#count(path) });
      } catch (cause) {
        // One that is gone is what a person took out.
        if (!isMissing(cause)) onProblem(spoolError("read", path, cause));
      }
    }
    return leftovers;
  }

  async #count(path: string): Promise<Content> {
    const reader = await this.#files.open(path);
    try {
      const counter = new RecordCounter();
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
      let bytes = 0;
      for (let count = await reader.read(buffer); count > 0; count = await reader.read(buffer)) {
        counter.add(buffer.subarray(0, count));
        bytes += count;
      }
      return { bytes, events: counter.end() };
    } finally {
      await reader.close();
    }
  }

  async #list(path: string, onProblem: OnProblem): Promise<Entry[]> {
    try {
      const entries = await this.#files.readdir(path);
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (cause) {
      onProblem(spoolError("list", path, cause));
      return [];
    }
  }

  #finishRemoval(name: string, onProblem: OnProblem): void {
    try {
      finishRemoval(this.#files, this.#directory, name);
    } catch {
      this.#reportOnce(join(this.#directory, name), onProblem);
    }
  }

  #reportOnce(path: string, onProblem: OnProblem): void {
    if (this.#reported.has(path)) return;
    this.#reported.add(path);
    onProblem(notOurs(path));
  }
}
