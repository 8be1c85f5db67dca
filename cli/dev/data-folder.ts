import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { tryLock, type Lock } from "@indelible/publisher/spool/lock.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";

/** The folder that a running `indelible dev` has for itself. */
export interface DataFolder extends Disposable {
  readonly path: string;
}

const LOCK = "lock.db";

/** Covers a restart whose predecessor is just ending. */
const busyTimeoutMs = 2000;

/**
 * Creates the folder where need be and claims it until disposed of or until this process ends, however it ends.
 *
 * @throws ERR_CONFIG when another process has it, or it cannot be written
 */
export function claimDataFolder(folder: string): DataFolder {
  const path = resolve(folder);
  const claim = lockIn(path);
  if (claim === undefined) {
    throw new IndelibleError("ERR_CONFIG", `another \`indelible dev\` is running on ${path}`, {
      hint: "End it with Ctrl-C, or start this one with --data and another folder.",
    });
  }
  return { path, [Symbol.dispose]: () => claim.release() };
}

/** Whether a process has claimed the folder and lives; true too where that cannot be found out. Whoever asks has the lock for a moment. */
export function isClaimed(folder: string): boolean {
  const path = join(folder, LOCK);
  if (!existsSync(path)) return false;
  try {
    const lock = tryLock(path);
    lock?.release();
    return lock === undefined;
  } catch {
    return true;
  }
}

function lockIn(path: string): Lock | undefined {
  try {
    mkdirSync(path, { recursive: true });
    return tryLock(join(path, LOCK), busyTimeoutMs);
  } catch (cause) {
    throw new IndelibleError("ERR_CONFIG", `the data folder ${path} cannot be used`, {
      cause,
      hint: "Give a folder that you may write with --data.",
    });
  }
}
