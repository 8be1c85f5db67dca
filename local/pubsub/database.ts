import { DatabaseSync } from "node:sqlite";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { isBusy } from "./status.ts";

/** Bytes of pages that SQLite keeps, outside the JavaScript heap: a message just published is pushed from there. */
const CACHE_KIB = 64 * 1024;
/** 16 KiB costs 1.3 ms of CPU for each MB stored; 4 KiB costs 2.1 ms, and 64 KiB makes 1 KB messages a third dearer. */
const PAGE_BYTES = 16_384;
const CHECKPOINT_PAGES = (64 * 1024 * 1024) / PAGE_BYTES;
const SCHEMA_VERSION = 1;

const SCHEMA = `
CREATE TABLE topics (
  id INTEGER PRIMARY KEY,
  name TEXT UNIQUE,              -- NULL once deleted; the row stays while subscriptions still hold its messages
  config TEXT NOT NULL
);
CREATE TABLE subscriptions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  topic_id INTEGER NOT NULL REFERENCES topics (id),
  after_message_id INTEGER NOT NULL, -- the newest message of the broker when the subscription was created
  epoch INTEGER NOT NULL DEFAULT 0,  -- counts seeks: an acknowledgement of before must not undo one
  config TEXT NOT NULL
);
CREATE TABLE messages (
  id INTEGER PRIMARY KEY,        -- microseconds since 1970, made unique by counting on
  topic_id INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  ordering_key TEXT NOT NULL,
  attributes TEXT NOT NULL,
  data BLOB NOT NULL             -- last, so that the columns before it are read without its overflow pages
);
CREATE INDEX messages_by_topic ON messages (topic_id);
CREATE TABLE deliveries (        -- what each subscription has still to acknowledge
  subscription_id INTEGER NOT NULL,
  message_id INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (subscription_id, message_id)
) WITHOUT ROWID;
CREATE TABLE last_message (id INTEGER NOT NULL);
INSERT INTO last_message VALUES (0);
PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * Opens, or creates, the database of a broker. A commit returns after fsync; the lock is held until `close()` or the
 * end of the process, so that a folder has one broker. An existing folder is never emptied.
 * @throws {Error} when another broker holds the folder, or a later version wrote it.
 */
export function openDatabase(dataDirectory: string): DatabaseSync {
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(dataDirectory, "pubsub.sqlite"));
  try {
    database.exec(`
      PRAGMA page_size = ${PAGE_BYTES};
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA cache_size = -${CACHE_KIB};
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA journal_size_limit = ${2 * CHECKPOINT_PAGES * PAGE_BYTES};
      BEGIN EXCLUSIVE;`);
    const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
    if (version === 0) database.exec(SCHEMA);
    else if (version !== SCHEMA_VERSION) {
      throw new Error(
        `The data folder ${dataDirectory} was written by another version of the broker (format ${String(version)}, ` +
          `this one reads ${SCHEMA_VERSION}): use that version, or give --data another folder.`,
      );
    }
    database.exec("COMMIT");
    return database;
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    throw new Error(`Another broker uses the data folder ${dataDirectory}: stop it, or give --data another folder.`, {
      cause: error,
    });
  }
}
