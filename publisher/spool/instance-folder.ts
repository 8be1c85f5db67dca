import { join } from "node:path";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { newId } from "../identity.ts";
import { isMissing, type Files } from "./files.ts";
import type { Lock } from "./lock.ts";

/** A folder that belongs to one publisher is named by its UUID. */
export const INSTANCE_NAME: RegExp = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A folder that is on its way out: nothing is in it but the lock, and whoever comes by may remove it. */
export const REMOVED_NAME: RegExp = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.removed$/;

const LOCK = "lock";

/** How often another UUID is tried. Each was free but for somebody who listed the directory at that very moment. */
const MAX_ATTEMPTS = 10;

/**
 * The folder of one publisher instance, whose lock this process holds: as its owner, or because the owner is dead and
 * this process has claimed it. Nobody else changes anything in it meanwhile.
 *
 * Why a claim is exclusive: a lock file is made once and never removed where it is, so that everybody's lock is on the
 * same file. An empty folder is renamed first, by the holder of its lock, and UUIDs are not used again. So whoever has the lock
 * and then still sees the file under its name has the one that counts.
 */
export class InstanceFolder {
  readonly instance: string;
  readonly path: string;
  readonly #files: Files;
  readonly #lock: Lock;
  #inUse = 0;
  #isGivenUp = false;

  private constructor(files: Files, path: string, instance: string, lock: Lock) {
    this.#files = files;
    this.path = path;
    this.instance = instance;
    this.#lock = lock;
  }

  /** Makes a folder of a new instance (0700). @throws ERR_CONFIG, or what node:fs throws */
  static create(files: Files, directory: string): InstanceFolder {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const instance = newId();
      files.mkdirSync(join(directory, instance), { mode: 0o700 });
      try {
        const folder = InstanceFolder.claim(files, directory, instance);
        // Otherwise somebody has found the folder before it was locked, and takes it for a dead one's.
        if (folder !== undefined) return folder;
      } catch (error) {
        removeFolder(files, directory, instance);
        throw error;
      }
      // Where it is only that no lock is ever given, the folder would stay. It never held anything.
      removeFolder(files, directory, instance);
    }
    throw new IndelibleError("ERR_CONFIG", `createPublisher(): no lock can be had in spool.directory = ${directory}`, {
      hint: "Give a directory on a local file system; this one says of every new file that somebody else has locked it, as some network file systems do.",
    });
  }

  /** Undefined when the owner, or somebody who has claimed it, lives, or the folder is gone. @throws what SQLite or node:fs throws */
  static claim(files: Files, directory: string, instance: string): InstanceFolder | undefined {
    const path = join(directory, instance);
    let lock: Lock | undefined;
    try {
      lock = files.lock(join(path, LOCK));
      if (lock === undefined) return undefined;
      // SQLite makes it as the umask says. This also is the look whether it is still there, under its name.
      files.chmodSync(join(path, LOCK), 0o600);
      return new InstanceFolder(files, path, instance, lock);
    } catch (error) {
      lock?.release();
      if (isMissing(error) || !isThere(files, path)) return undefined;
      throw error;
    }
  }

  /** Whether the lock is given up, or will be as soon as what uses the folder has ended. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  /** Keeps the lock until `work` has ended. @throws ERR_SPOOL when it is given up already */
  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isGivenUp) {
      throw new IndelibleError("ERR_SPOOL", `the spool is closed, and ${this.path} is the next publisher's`, {
        hint: "Nothing to do: the next publisher with this spool sends what is left.",
      });
    }
    this.#inUse += 1;
    try {
      return await work();
    } finally {
      this.#inUse -= 1;
      if (this.#isGivenUp && this.#inUse === 0) this.#finish();
    }
  }

  /** Removes the folder if nothing is left in it, and gives up the lock. Idempotent, never throws. */
  giveUp(): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    if (this.#inUse === 0) this.#finish();
  }

  #finish(): void {
    try {
      const isEmpty = this.#files.readdirSync(this.path).every((name) => name === LOCK);
      if (isEmpty) removeFolder(this.#files, join(this.path, ".."), this.instance);
    } catch {
      // It stays, and the next one that adopts tries again.
    }
    this.#lock.release();
  }
}

/** Removes the folder of an instance in which nothing is but its lock. Never throws: what is left is left to others. */
function removeFolder(files: Files, directory: string, instance: string): void {
  const removed = `${instance}.removed`;
  try {
    files.renameSync(join(directory, instance), join(directory, removed));
    finishRemoval(files, directory, removed);
  } catch {
    // As said.
  }
}

/** Removes a folder named as removed. Never removes anything but a lock. @throws what node:fs throws if it stays */
export function finishRemoval(files: Files, directory: string, name: string): void {
  for (const remove of [
    () => files.unlinkSync(join(directory, name, LOCK)),
    () => files.rmdirSync(join(directory, name)),
  ]) {
    try {
      remove();
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}

function isThere(files: Files, path: string): boolean {
  try {
    files.lstatSync(path);
    return true;
  } catch (error) {
    return !isMissing(error);
  }
}
