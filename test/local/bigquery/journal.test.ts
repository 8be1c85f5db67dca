import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Backlog } from "../../../local/bigquery/backlog.ts";
import { Journal } from "../../../local/bigquery/journal.ts";
import { temporaryFolder } from "./clients.ts";
import type { Entry, RowsEntry } from "../../../local/bigquery/journal.ts";

const table = { projectId: "p", datasetId: "d", tableId: "t" };
const change: Entry = { kind: "change", change: { kind: "deleteTable", ref: table } };

function rowsEntry(descriptorId: number, stream: string | undefined, ...bytes: number[]): RowsEntry {
  return { kind: "rows", table, descriptorId, stream, rowCount: bytes.length, rows: Uint8Array.from(bytes) };
}

test("Journal - entries come back in order, byte for byte, after it was closed and opened", async () => {
  const path = join(await temporaryFolder(), "journal.sqlite");
  const first = new Journal(path);
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
  first.close();
  const second = new Journal(path);
  assert.equal(second.committedPosition, 4);
  assert.deepEqual(
    [...second.entriesAfter(0)],
    entries.map((entry, index) => ({ ...entry, position: index + 1 })),
  );
  assert.equal([...second.changesUpTo(3)].length, 1);
  assert.deepEqual([...second.streamLengths()], [["s", 1]]);
  assert.deepEqual(second.descriptor(second.descriptorId(Uint8Array.of(1, 2))), Uint8Array.of(1, 2));
  second.close();
});

test("Journal.close() - stores what is pending, and refuses what comes after", async () => {
  const path = join(await temporaryFolder(), "journal.sqlite");
  const journal = new Journal(path);
  const pending = journal.append(change, () => undefined);
  journal.close();
  await pending;
  await assert.rejects(
    journal.append(change, () => undefined),
    { reason: "backendError" },
  );
  const reopened = new Journal(path);
  assert.equal(reopened.committedPosition, 1);
  reopened.close();
});

test("Backlog - who finds it full waits in order, and enters when there is room", async () => {
  const backlog = new Backlog(100);
  const order: string[] = [];
  const enter = async (name: string, bytes: number): Promise<void> => {
    await backlog.enter(bytes, 60_000);
    order.push(name);
  };
  await enter("first", 60);
  const second = enter("second", 60);
  const third = enter("third", 10);
  assert.deepEqual(order, ["first"]);
  backlog.leave(60);
  await Promise.all([second, third]);
  assert.deepEqual(order, ["first", "second", "third"]);
});

test("Backlog - one that is larger than all of it enters when it is empty", async () => {
  const backlog = new Backlog(100);
  await backlog.enter(500, 60_000);
  await assert.rejects(backlog.enter(1, 1), { reason: "backendError" });
  backlog.leave(500);
  await backlog.enter(1, 60_000);
});
