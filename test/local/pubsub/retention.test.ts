import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { afterEach, beforeEach, test } from "node:test";
import { startBroker, type Broker } from "../../../local/pubsub/broker.ts";
import { openDatabase } from "../../../local/pubsub/database.ts";
import { connect, isEmpty, publishTexts, pullMessages, temporaryFolder, type Target } from "./target.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let folder: string;
let broker: Broker;
let target: Target;
let topic: string;
let subscription: string;
let aheadMs = 0;

async function start(): Promise<void> {
  broker = await startBroker({ dataDirectory: folder, port: 0, log: () => {}, now: () => Date.now() + aheadMs });
  target = connect(`${broker.host}:${broker.port}`);
}

async function stop(): Promise<void> {
  await target.close();
  await broker.close();
}

beforeEach(async () => {
  aheadMs = 0;
  folder = await temporaryFolder();
  await start();
  topic = target.topicName("retained");
  subscription = target.subscriptionName("retained");
});
afterEach(async () => {
  await stop();
  await rm(folder, { recursive: true });
});

async function create(topicOptions: object, subscriptionOptions: object): Promise<void> {
  await target.publisher.createTopic({ name: topic, ...topicOptions });
  await target.subscriber.createSubscription({ name: subscription, topic, ...subscriptionOptions });
}

/** Publishes `texts` and acknowledges them. */
async function consume(...texts: string[]): Promise<void> {
  await publishTexts(target, topic, ...texts);
  await acknowledgeAll(texts.length);
}

async function acknowledgeAll(count: number): Promise<string[]> {
  const pulled = await pullMessages(target, subscription, count);
  await target.subscriber.acknowledge({ subscription, ackIds: pulled.map(({ ackId }) => ackId) });
  return pulled.map(({ data }) => data);
}

async function seekTo(ms: number): Promise<void> {
  await target.subscriber.seek({ subscription, time: { seconds: Math.floor(ms / 1000) } });
}

test("seek() - delivers again what the subscription retained, acknowledged or not", async () => {
  await create({}, { retainAckedMessages: true });
  await consume("one", "two");
  await publishTexts(target, topic, "open");
  await seekTo(Date.now() - HOUR_MS);
  assert.deepEqual(await acknowledgeAll(3), ["one", "two", "open"]);
  assert.ok(await isEmpty(target, subscription));
});

test("seek() - delivers again from the time on, and nothing from before", async () => {
  await create({}, { retainAckedMessages: true });
  await consume("early");
  aheadMs = HOUR_MS;
  await consume("late");
  await seekTo(Date.now() + HOUR_MS / 2);
  assert.deepEqual(await acknowledgeAll(1), ["late"]);
  assert.ok(await isEmpty(target, subscription));
});

test("seek() - into the future acknowledges everything", async () => {
  await create({}, {});
  await publishTexts(target, topic, "skipped");
  await seekTo(Date.now() + HOUR_MS);
  assert.ok(await isEmpty(target, subscription));
  await publishTexts(target, topic, "next");
  assert.deepEqual(await acknowledgeAll(1), ["next"]);
});

test("seek() - retention by the topic reaches back before the subscription", async () => {
  await target.publisher.createTopic({ name: topic, messageRetentionDuration: { seconds: 86_400 } });
  await publishTexts(target, topic, "from before");
  await target.subscriber.createSubscription({ name: subscription, topic });
  assert.ok(await isEmpty(target, subscription));
  await seekTo(Date.now() - HOUR_MS);
  assert.deepEqual(await acknowledgeAll(1), ["from before"]);
});

test("seek() - without any retention brings nothing back", async () => {
  await create({}, {});
  await consume("gone");
  await seekTo(Date.now() - HOUR_MS);
  assert.ok(await isEmpty(target, subscription));
});

test("seek() - an acknowledgement of a delivery before it does not undo it", async () => {
  await create({}, { retainAckedMessages: true });
  await publishTexts(target, topic, "replayed");
  const [before] = await pullMessages(target, subscription, 1);
  await seekTo(Date.now() - HOUR_MS);
  await target.subscriber.acknowledge({ subscription, ackIds: [before?.ackId ?? ""] });
  assert.deepEqual(await acknowledgeAll(1), ["replayed"]);
});

test("seek() - survives a restart", async () => {
  await create({}, { retainAckedMessages: true });
  await consume("replayed");
  await seekTo(Date.now() - HOUR_MS);
  await stop();
  await start();
  assert.deepEqual(await acknowledgeAll(1), ["replayed"]);
});

test("sweep() - deletes what retention no longer covers and keeps the rest", async () => {
  await create({ messageRetentionDuration: { seconds: 86_400 } }, {});
  await consume("old");
  aheadMs = DAY_MS - HOUR_MS;
  await consume("young");
  await broker.sweep();
  await seekTo(Date.now() - HOUR_MS);
  assert.deepEqual(await acknowledgeAll(2), ["old", "young"]);
  aheadMs = DAY_MS + HOUR_MS;
  await broker.sweep();
  await seekTo(Date.now() - HOUR_MS);
  assert.deepEqual(await acknowledgeAll(1), ["young"]);
  assert.ok(await isEmpty(target, subscription));
});

test("sweep() - an unacknowledged message expires with its subscription's retention", async () => {
  await create({}, { messageRetentionDuration: { seconds: 3600 } });
  const patient = target.subscriptionName("patient");
  await target.subscriber.createSubscription({ name: patient, topic });
  await publishTexts(target, topic, "expiring");
  aheadMs = 2 * HOUR_MS;
  await broker.sweep();
  assert.ok(await isEmpty(target, subscription));
  const [kept] = await pullMessages(target, patient, 1);
  assert.equal(kept?.data, "expiring");
});

/** The rows of `messages` on disk; the broker is stopped for the look. */
async function storedMessages(): Promise<number> {
  await stop();
  const database = openDatabase(folder);
  const stored = Number(database.prepare("SELECT count(*) AS stored FROM messages").get()?.["stored"]);
  database.close();
  await start();
  return stored;
}

test("acknowledge() - the last one takes the message off the disk", async () => {
  await create({}, {});
  const other = target.subscriptionName("other");
  await target.subscriber.createSubscription({ name: other, topic });
  await publishTexts(target, topic, "shared");
  await acknowledgeAll(1);
  assert.equal(await storedMessages(), 1);
  subscription = other;
  await acknowledgeAll(1);
  assert.equal(await storedMessages(), 0);
});

test("sweep() - what a deleted subscription or a seek left behind leaves the disk", async () => {
  await create({}, {});
  const doomed = target.subscriptionName("doomed");
  await target.subscriber.createSubscription({ name: doomed, topic });
  await publishTexts(target, topic, "one", "two");
  await target.subscriber.deleteSubscription({ subscription: doomed });
  await broker.sweep();
  assert.equal(await storedMessages(), 2);
  await seekTo(Date.now() + HOUR_MS);
  await broker.sweep();
  assert.equal(await storedMessages(), 0);
});

test("message IDs and publish times only grow, even when the clock is set back", async () => {
  await create({}, {});
  aheadMs = HOUR_MS;
  const [first] = await publishTexts(target, topic, "ahead");
  await stop();
  aheadMs = 0;
  await start();
  const [second] = await publishTexts(target, topic, "back");
  assert.ok(Number(second) > Number(first));
});
