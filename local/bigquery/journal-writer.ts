/**
 * The program of the journal's thread. It alone has the file open while the warehouse runs: 8 to 14 ms of writing and
 * fsync for each 2 MB, during which the main thread receives, decodes and answers.
 */
import { parentPort, workerData } from "node:worker_threads";
import { lastPosition, openJournalFile } from "./journal-file.ts";
import type { Group, StoredEntry } from "./journal-file.ts";
import type { WriterAnswer, WriterOptions, WriterRequest } from "./journal-thread.ts";

const port = parentPort;
if (port === null) throw new Error("This program runs in a thread of the warehouse.");
const { path, position: expectedPosition } = workerData as WriterOptions;
const database = openJournalFile(path);
if (lastPosition(database) !== expectedPosition) {
  database.close();
  throw new Error(`Another warehouse has written to ${path} while this one was starting: start it again.`);
}
const insertDescriptor = database.prepare("INSERT INTO descriptors (id, hash, descriptor) VALUES (?, unhex(?), ?)");
const insertEntry = database.prepare(
  "INSERT INTO entries (position, change, table_ref, descriptor_id, stream, row_count, rows) VALUES (?, ?, ?, ?, ?, ?, ?)",
);

port.on("message", (request: WriterRequest) => {
  if (request !== "close") return answer(commit(request));
  database.close();
  port.close();
});
answer({});

function answer(message: WriterAnswer): void {
  port?.postMessage(message);
}

function commit({ descriptors, entries }: Group): WriterAnswer {
  try {
    database.exec("BEGIN IMMEDIATE");
    for (const { id, hash, bytes } of descriptors) insertDescriptor.run(id, hash, bytes);
    for (const entry of entries) write(entry);
    database.exec("COMMIT");
    return {};
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    return { error };
  }
}

function write(entry: StoredEntry): void {
  if (entry.kind === "change") {
    insertEntry.run(entry.position, JSON.stringify(entry.change), null, null, null, null, null);
  } else {
    const { position, table, descriptorId, stream, rowCount, rows } = entry;
    insertEntry.run(position, null, JSON.stringify(table), descriptorId, stream ?? null, rowCount, rows);
  }
}
