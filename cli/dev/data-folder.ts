import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { IndelibleError } from "@indelible/schemas/errors.ts";

/** The folder that a running `indelible dev` has for itself. */
export interface DataFolder extends Disposable {
  readonly path: string;
}

const busyTimeoutMs = 2000;

/**
 * Creates the folder where need be and claims it until disposed of or until this process ends, however it ends: the
 * claim is a lock that the operating system holds for an open SQLite file, so that nothing stale is left by kill -9.
 *
 * @throws ERR_CONFIG when another process has it, or it cannot be written
 */
export function claimDataFolder(folder: string): DataFolder {
  const path = resolve(folder);
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(path, { recursive: true });
    // A short wait covers a restart whose predecessor is just ending.
    database = new DatabaseSync(join(path, "lock.db"), { timeout: busyTimeoutMs });
    database.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    database?.close();
    throw refusal(path, cause);
  }
  const claimed = database;
  return { path, [Symbol.dispose]: () => claimed.close() };
}

const SQLITE_BUSY = 5;

function refusal(path: string, cause: unknown): IndelibleError {
  if (cause instanceof Error && "errcode" in cause && cause.errcode === SQLITE_BUSY) {
    return new IndelibleError("ERR_CONFIG", `another \`indelible dev\` is running on ${path}`, {
      hint: "End it with Ctrl-C, or start this one with --data and another folder.",
    });
  }
  return new IndelibleError("ERR_CONFIG", `the data folder ${path} cannot be used`, {
    cause,
    hint: "Give a folder that you may write with --data.",
  });
}
