import { IndelibleError } from "@indelible/schemas/errors.ts";

/** A lock that this process holds, until it gives it up or dies. */
export interface Lock {
  release(): void;
}

const SQLITE_BUSY = 5;

/** A database that nobody refers to any more is closed by the garbage collector, and its lock would be gone. */
const held = new Set<object>();

/**
 * Takes the lock that the file at `path` stands for; undefined when somebody else holds it for `waitMs` or longer, in this
 * process or another, by whatever path. Of those who try at the same time exactly one gets it. The file is made if it is missing and stays
 * empty.
 *
 * It is SQLite's lock on a database, for Node has no other: a lock of the kernel (fcntl), which ends with the process
 * that holds it and so needs no PID, no clock and no heartbeat. It also ends when this process opens and closes the file by any
 * other means than SQLite: nobody but this function may open it.
 *
 * @throws ERR_CONFIG without node:sqlite; SQLite's own error if the file cannot be opened or the file system has no locks
 */
export function tryLock(path: string, waitMs = 0): Lock | undefined {
  // Not imported: a publisher without a spool must load where there is no node:sqlite.
  const sqlite = process.getBuiltinModule("node:sqlite");
  if (sqlite === undefined) {
    throw new IndelibleError("ERR_CONFIG", "a spool needs node:sqlite, which this Node does not have", {
      hint: "Run the agent with Node 22.13 or later, or leave `spool` out.",
    });
  }
  const database = new sqlite.DatabaseSync(path, { timeout: waitMs });
  try {
    // The open transaction is the lock, and nothing is ever written. IMMEDIATE, for of two that ask at once for
    // EXCLUSIVE each can keep the other from it, and then nobody has it. Without MEMORY a journal would lie beside the file.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE");
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  held.add(database);
  return {
    release: () => {
      held.delete(database);
      database.close();
    },
  };
}

/** Extended codes, SQLITE_BUSY_RECOVERY for one, have the code itself in their lowest byte. */
function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === "number" && (code & 0xff) === SQLITE_BUSY;
}
