import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import type { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, test } from "node:test";
import { startBroker } from "../../../local/pubsub/broker.ts";
import { Commits } from "../../../local/pubsub/commits.ts";
import { openDatabase } from "../../../local/pubsub/database.ts";
import { StatusError } from "../../../local/pubsub/status.ts";
import { connect, publishTexts, temporaryFolder } from "./target.ts";

let folder: string;
let database: DatabaseSync;
let commits: Commits;
beforeEach(async () => {
  folder = await temporaryFolder();
  database = openDatabase(folder);
  database.exec("CREATE TABLE facts (value TEXT NOT NULL)");
  commits = new Commits(database);
});
afterEach(async () => {
  if (database.isOpen) database.close();
  await rm(folder, { recursive: true });
});

function insert(value: string): number {
  return Number(database.prepare("INSERT INTO facts VALUES (?)").run(value).lastInsertRowid);
}

function facts(): unknown[] {
  return database
    .prepare("SELECT value FROM facts")
    .all()
    .map(({ value }) => value);
}

test("submit() - changes of one turn of the loop share a transaction", async () => {
  const rows = await Promise.all(["a", "b", "c"].map((value) => commits.submit(1, () => insert(value))));
  assert.deepEqual(rows, [1, 2, 3]);
  assert.equal(commits.transactions, 1);
});

test("submit() - what is beyond 32 MiB goes into the next transaction", async () => {
  await Promise.all(["a", "b", "c"].map((value) => commits.submit(16 * 1024 * 1024, () => insert(value))));
  assert.equal(commits.transactions, 2);
  assert.deepEqual(facts(), ["a", "b", "c"]);
});

test("submit() - a change that refuses leaves its neighbours alone", async () => {
  const refused = commits.submit(1, () => {
    throw new StatusError("NOT_FOUND", "gone");
  });
  const kept = commits.submit(1, () => insert("kept"));
  await assert.rejects(refused, { status: "NOT_FOUND" });
  await kept;
  assert.deepEqual(facts(), ["kept"]);
});

test("submit() - a full disk refuses the whole transaction, stores nothing of it, and is over when there is room", async () => {
  const pages = Number(database.prepare("PRAGMA page_count").get()?.["page_count"]);
  database.exec(`PRAGMA max_page_count = ${pages + 2}`);
  const large = "x".repeat(200_000);
  const outcomes = await Promise.allSettled([
    commits.submit(1, () => insert("small")),
    commits.submit(1, () => insert(large)),
  ]);
  for (const outcome of outcomes) {
    assert.equal(outcome.status, "rejected");
    assert.equal(outcome.reason.status, "RESOURCE_EXHAUSTED");
  }
  assert.deepEqual(facts(), []);
  database.exec("PRAGMA max_page_count = 1000000");
  await commits.submit(1, () => insert(large));
  assert.deepEqual(facts(), [large]);
});

test("submit() - too much pending is refused rather than queued without end", async () => {
  const accepted = commits.submit(120 * 1024 * 1024, () => insert("accepted"));
  await assert.rejects(
    commits.submit(10 * 1024 * 1024, () => insert("refused")),
    { status: "RESOURCE_EXHAUSTED" },
  );
  await accepted;
  await commits.submit(10 * 1024 * 1024, () => insert("later"));
  assert.deepEqual(facts(), ["accepted", "later"]);
});

test("now() - comes after everything submitted before", async () => {
  const before = commits.submit(1, () => insert("before"));
  commits.now(() => insert("after"));
  await before;
  assert.deepEqual(facts(), ["before", "after"]);
});

test("openDatabase() - each commit is synced to disk, on a reopened folder too", () => {
  database.close();
  database = openDatabase(folder);
  assert.equal(database.prepare("PRAGMA synchronous").get()?.["synchronous"], 2);
  assert.equal(database.prepare("PRAGMA journal_mode").get()?.["journal_mode"], "wal");
});

test("publish() - concurrent publishes share commits", async () => {
  const data = await temporaryFolder();
  const broker = await startBroker({ dataDirectory: data, port: 0, log: () => {} });
  const target = connect(`${broker.host}:${broker.port}`);
  const topic = target.topicName("grouped");
  await target.publisher.createTopic({ name: topic });
  await target.subscriber.createSubscription({ name: target.subscriptionName("grouped"), topic });
  const before = broker.transactions;
  await Promise.all(Array.from({ length: 500 }, (_, index) => publishTexts(target, topic, `message ${index}`)));
  assert.ok(broker.transactions - before < 250, `${broker.transactions - before} transactions for 500 publishes`);
  await target.close();
  await broker.close();
  await rm(data, { recursive: true });
});
