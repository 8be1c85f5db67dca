import { DatabaseSync } from "node:sqlite";

const SQLITE_BUSY = 5;

/**
 * Locks this file, which is created where need be, until disposed of or until this process ends, however it ends: the lock is the one that the
 * operating system holds for an open SQLite file, so that nothing stale is left by kill -9.
 *
 * @param waitMs for another process to give it up
 * @returns undefined when another process has it
 * @throws {Error} SQLite's, when the file cannot be used
 */
export function lockFile(path: string, waitMs: number): Disposable | undefined {
  const database = new DatabaseSync(path, { timeout: waitMs });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
  return { [Symbol.dispose]: () => database.close() };
}
