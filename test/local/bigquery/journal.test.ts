import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { JournalReader } from "../../../local/bigquery/journal-reader.ts";
import { JournalThread } from "../../../local/bigquery/journal-thread.ts";
import { Journal } from "../../../local/bigquery/journal.ts";
import { temporaryFolder } from "./clients.ts";
import type { TestContext } from "node:test";
import type { Worker } from "node:worker_threads";
import type { Entry, Group, RowsEntry } from "../../../local/bigquery/journal-file.ts";
import type { GroupWriter } from "../../../local/bigquery/journal.ts";

const table = { projectId: "p", datasetId: "d", tableId: "t" };
const change: Entry = { kind: "change", change: { kind: "deleteTable", ref: table } };

function rowsEntry(descriptorId: number, stream: string | undefined, ...bytes: number[]): RowsEntry {
  return { kind: "rows", table, descriptorId, stream, rowCount: bytes.length, rows: Uint8Array.from(bytes) };
}

async function newPath(): Promise<string> {
  return join(await temporaryFolder(), "journal.sqlite");
}

function notFatal(error: Error): void {
  assert.fail(error);
}

/** A journal that goes on where the file ends. */
async function openJournal(path: string, onFatal: (error: Error) => void = notFatal): Promise<Journal> {
  const past = new JournalReader(path);
  const position = past.committedPosition;
  const journal = new Journal(position, past.descriptors());
  past.close();
  journal.start(await JournalThread.open({ path, position }, onFatal));
  return journal;
}

/** A disk that commits when the test says so. */
class HeldWriter implements GroupWriter {
  readonly groups: Group[] = [];
  #asked = Promise.withResolvers<void>();
  #commit = Promise.withResolvers<void>();

  /** Resolves when the next group is brought. */
  async asked(): Promise<void> {
    await this.#asked.promise;
    this.#asked = Promise.withResolvers();
  }

  /** Ends the commit of the group in hand. */
  end(failure?: Error): void {
    const { resolve, reject } = this.#commit;
    this.#commit = Promise.withResolvers();
    if (failure === undefined) resolve();
    else reject(failure);
  }

  commit(group: Group): Promise<void> {
    this.groups.push(group);
    this.#asked.resolve();
    return this.#commit.promise;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function heldJournal(): { journal: Journal; writer: HeldWriter } {
  const journal = new Journal(0, []);
  const writer = new HeldWriter();
  journal.start(writer);
  return { journal, writer };
}

const ignore = (): void => undefined;
const positions = ({ entries }: Group): number[] => entries.map(({ position }) => position);

test("Journal - entries come back in order, byte for byte, after it was closed and opened", async () => {
  const path = await newPath();
  const first = await openJournal(path);
  const descriptorId = first.descriptorId(Uint8Array.of(1, 2));
  assert.equal(first.descriptorId(Uint8Array.of(1, 2)), descriptorId);
  const entries: Entry[] = [
    change,
    rowsEntry(descriptorId, undefined, 0, 255),
    rowsEntry(descriptorId, "s", 7),
    change,
  ];
  const committed: number[] = [];
  await Promise.all(entries.map((entry) => first.append(entry, (position) => committed.push(position))));
  assert.deepEqual(committed, [1, 2, 3, 4]);
  await first.close();
  const past = new JournalReader(path);
  assert.equal(past.committedPosition, 4);
  assert.deepEqual(
    [...past.entriesAfter(0)],
    entries.map((entry, index) => ({ ...entry, position: index + 1 })),
  );
  assert.equal([...past.changesUpTo(3)].length, 1);
  assert.deepEqual([...past.streamLengths()], [["s", 1]]);
  past.close();
});

test("Journal.descriptorId() - a number is the same after it was closed and opened, and a new one is another", async () => {
  const path = await newPath();
  const first = await openJournal(path);
  const request = Uint8Array.of(9, 1, 2, 9);
  const descriptorId = first.descriptorId(request.subarray(1, 3));
  request.fill(0);
  await first.append(rowsEntry(descriptorId, undefined, 7), ignore);
  await first.close();
  const second = await openJournal(path);
  assert.equal(second.descriptorId(Uint8Array.of(1, 2)), descriptorId);
  assert.deepEqual(second.descriptor(descriptorId), Uint8Array.of(1, 2));
  assert.notEqual(second.descriptorId(Uint8Array.of(3)), descriptorId);
  await second.close();
});

test("Journal.close() - stores what is pending, and refuses what comes after", async () => {
  const path = await newPath();
  const journal = await openJournal(path);
  const pending = journal.append(change, ignore);
  const closed = journal.close();
  await assert.rejects(journal.append(change, ignore), { reason: "backendError" });
  await Promise.all([pending, closed]);
  const past = new JournalReader(path);
  assert.equal(past.committedPosition, 1);
  past.close();
});

test("Journal.append() - is not answered before the commit has ended", async () => {
  const { journal, writer } = heldJournal();
  const order: string[] = [];
  const answered = journal.append(change, () => order.push("committed")).then(() => order.push("answered"));
  await writer.asked();
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  assert.deepEqual(order, []);
  assert.equal(journal.committedPosition, 0);
  writer.end();
  await answered;
  assert.deepEqual(order, ["committed", "answered"]);
  assert.equal(journal.committedPosition, 1);
});

test("Journal.append() - the file has the entry at the moment of the answer", async (t) => {
  const path = await newPath();
  const journal = await openJournal(path);
  t.after(() => journal.close());
  const rows = rowsEntry(journal.descriptorId(Uint8Array.of(1)), undefined, 1, 2, 3);
  await journal.append(rows, ignore);
  // The lock keeps every other connection out, so what a crash would leave is read from a copy.
  const copy = await newPath();
  await copyFile(path, copy);
  await copyFile(`${path}-wal`, `${copy}-wal`);
  const past = new JournalReader(copy);
  assert.deepEqual([...past.entriesAfter(0)], [{ ...rows, position: 1 }]);
  past.close();
});

test("Journal.append() - what arrives during a commit shares the next one, in the order of calls", async () => {
  const { journal, writer } = heldJournal();
  const committed: number[] = [];
  const append = (entry: Entry): Promise<void> => journal.append(entry, (position) => committed.push(position));
  const answers = [append(change)];
  await writer.asked();
  for (let request = 0; request < 3; request++) {
    answers.push(append(rowsEntry(journal.descriptorId(Uint8Array.of(request)), undefined, request)));
    await nextTurn();
  }
  writer.end();
  await writer.asked();
  writer.end();
  await Promise.all(answers);
  assert.deepEqual(writer.groups.map(positions), [[1], [2, 3, 4]]);
  assert.deepEqual(
    writer.groups.map(({ descriptors }) => descriptors.map(({ id }) => id)),
    [[], [1, 2, 3]],
  );
  assert.deepEqual(committed, [1, 2, 3, 4]);
});

test("Journal.append() - no group is larger than 16 MiB, unless one entry is", async () => {
  const { journal, writer } = heldJournal();
  const sizesMiB = [17, 10, 6, 1];
  const answers = sizesMiB.map((size) =>
    journal.append({ ...rowsEntry(1, undefined), rows: new Uint8Array(size * 1024 * 1024) }, ignore),
  );
  for (let group = 0; group < 3; group++) {
    await writer.asked();
    writer.end();
  }
  await Promise.all(answers);
  assert.deepEqual(writer.groups.map(positions), [[1], [2, 3], [4]]);
});

test("Journal - after a commit that failed, everything pending and later is refused", async () => {
  const { journal, writer } = heldJournal();
  const inHand = journal.append(change, ignore);
  await writer.asked();
  const pending = journal.append(change, ignore);
  const refused = { reason: "backendError", message: /database or disk is full/ };
  const refusals = [assert.rejects(inHand, refused), assert.rejects(pending, refused)];
  writer.end(new Error("database or disk is full"));
  await Promise.all(refusals);
  await assert.rejects(journal.append(change, ignore), refused);
  assert.equal(writer.groups.length, 1);
  await journal.close();
});

test("JournalThread.commit() - a group that cannot be written leaves nothing behind", async () => {
  const path = await newPath();
  const thread = await JournalThread.open({ path, position: 0 }, notFatal);
  const entry = { ...change, position: 1 };
  await assert.rejects(thread.commit({ descriptors: [], entries: [entry, entry] }), /UNIQUE constraint failed/);
  await thread.close();
  const past = new JournalReader(path);
  assert.equal(past.committedPosition, 0);
  past.close();
});

test("JournalThread.open() - a journal that was written to in the meantime, or is in use, is refused", async () => {
  const path = await newPath();
  const journal = await openJournal(path);
  await journal.append(change, ignore);
  await assert.rejects(JournalThread.open({ path, position: 1 }, notFatal), /Another warehouse uses/);
  await journal.close();
  await assert.rejects(JournalThread.open({ path, position: 0 }, notFatal), /Another warehouse has written to/);
});

/** The thread of a journal that is opened meanwhile. */
function nextWorker(t: TestContext): Promise<Worker> {
  const { promise, resolve } = Promise.withResolvers<Worker>();
  process.once("worker", resolve);
  t.after(() => process.off("worker", resolve));
  return promise;
}

test("Journal - a thread that dies is fatal, and everything pending and later is refused", async (t) => {
  const fatal = Promise.withResolvers<Error>();
  const started = nextWorker(t);
  const journal = await openJournal(await newPath(), fatal.resolve);
  const worker = await started;
  const refused = { reason: "backendError", message: /has ended/ };
  const refusal = assert.rejects(journal.append(change, ignore), refused);
  await Promise.all([worker.terminate(), refusal]);
  assert.match((await fatal.promise).message, /has ended/);
  await assert.rejects(journal.append(change, ignore), refused);
  await journal.close();
});
