import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { openDurableDatabase } from "../durable-database.ts";

/** A message just published is pushed from there. */
const CACHE_KIB = 64 * 1024;

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
`;

/**
 * Opens, or creates, the database of a broker. A folder has one broker, and an existing one is never emptied.
 * @throws {Error} when another broker holds the folder, or another version wrote it.
 */
export function openDatabase(dataDirectory: string): DatabaseSync {
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  const path = join(dataDirectory, "pubsub.sqlite");
  return openDurableDatabase({ path, schema: SCHEMA, formatVersion: 1, cacheKib: CACHE_KIB, owner: "broker" });
}
