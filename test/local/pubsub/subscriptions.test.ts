import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { isEmpty, oursOnly, publishTexts, startTarget, type Target } from "./target.ts";

let target: Target;
let topic: string;
before(async () => {
  target = await startTarget();
  topic = target.topicName("source");
  await target.publisher.createTopic({ name: topic });
});
after(() => target.close());

test("createSubscription() - gives defaults to what is not said", async () => {
  const name = target.subscriptionName("defaults");
  const [subscription] = await target.subscriber.createSubscription({ name, topic });
  assert.equal(subscription.name, name);
  assert.equal(subscription.topic, topic);
  assert.equal(subscription.ackDeadlineSeconds, 10);
  assert.equal(subscription.retainAckedMessages, false);
  assert.equal(Number(subscription.messageRetentionDuration?.seconds), 7 * 24 * 3600);
  await assert.rejects(target.subscriber.createSubscription({ name, topic }), { code: status.ALREADY_EXISTS });
});

test("createSubscription() - keeps every option that is said", async () => {
  const name = target.subscriptionName("options");
  const deadLetterTopic = target.topicName("options-dead");
  await target.publisher.createTopic({ name: deadLetterTopic });
  await target.subscriber.createSubscription({
    name,
    topic,
    ackDeadlineSeconds: 77,
    retainAckedMessages: true,
    messageRetentionDuration: { seconds: 1200 },
    labels: { team: "ops" },
    expirationPolicy: {},
    deadLetterPolicy: { deadLetterTopic, maxDeliveryAttempts: 9 },
    retryPolicy: { minimumBackoff: { seconds: 1 }, maximumBackoff: { seconds: 7 } },
  });
  const [subscription] = await target.subscriber.getSubscription({ subscription: name });
  assert.equal(subscription.ackDeadlineSeconds, 77);
  assert.equal(subscription.retainAckedMessages, true);
  assert.equal(Number(subscription.messageRetentionDuration?.seconds), 1200);
  assert.deepEqual(subscription.labels, { team: "ops" });
  assert.equal(subscription.deadLetterPolicy?.deadLetterTopic, deadLetterTopic);
  assert.equal(subscription.deadLetterPolicy?.maxDeliveryAttempts, 9);
  assert.equal(Number(subscription.retryPolicy?.minimumBackoff?.seconds), 1);
  assert.equal(Number(subscription.retryPolicy?.maximumBackoff?.seconds), 7);
});

test("createSubscription() - a topic that does not exist is NOT_FOUND", async () => {
  const name = target.subscriptionName("topicless");
  const create = target.subscriber.createSubscription({ name, topic: target.topicName("missing") });
  await assert.rejects(create, { code: status.NOT_FOUND });
});

const UNCHECKED = "the emulator does not check ranges";

for (const [what, options] of [
  ["an ack deadline of 9 s", { ackDeadlineSeconds: 9 }],
  ["an ack deadline of 601 s", { ackDeadlineSeconds: 601 }],
  ["retention of less than 10 minutes", { messageRetentionDuration: { seconds: 599 } }],
  ["retention of more than 31 days", { messageRetentionDuration: { seconds: 31 * 86_400 + 1 } }],
  ["a backoff of 601 s", { retryPolicy: { maximumBackoff: { seconds: 601 } } }],
  [
    "a minimum backoff above the maximum",
    { retryPolicy: { minimumBackoff: { seconds: 9 }, maximumBackoff: { seconds: 8 } } },
  ],
] as const) {
  test(`createSubscription() - ${what} is INVALID_ARGUMENT`, { skip: oursOnly(UNCHECKED) }, async () => {
    const name = target.subscriptionName("out-of-range");
    const create = target.subscriber.createSubscription({ name, topic, ...options });
    await assert.rejects(create, { code: status.INVALID_ARGUMENT });
  });
}

for (const maxDeliveryAttempts of [4, 101]) {
  test(
    `createSubscription() - dead letters after ${maxDeliveryAttempts} attempts are INVALID_ARGUMENT`,
    { skip: oursOnly(UNCHECKED) },
    async () => {
      const name = target.subscriptionName("out-of-range");
      const deadLetterPolicy = { deadLetterTopic: topic, maxDeliveryAttempts };
      const create = target.subscriber.createSubscription({ name, topic, deadLetterPolicy });
      await assert.rejects(create, { code: status.INVALID_ARGUMENT });
    },
  );
}

test("createSubscription() - a dead-letter topic that does not exist is NOT_FOUND", async () => {
  const name = target.subscriptionName("dead-letterless");
  const deadLetterPolicy = { deadLetterTopic: target.topicName("missing") };
  const create = target.subscriber.createSubscription({ name, topic, deadLetterPolicy });
  await assert.rejects(create, { code: status.NOT_FOUND });
});

for (const [what, options] of [
  ["message ordering", { enableMessageOrdering: true }],
  ["exactly-once delivery", { enableExactlyOnceDelivery: true }],
  ["a filter", { filter: 'attributes.key = "value"' }],
  ["expiry", { expirationPolicy: { ttl: { seconds: 86_400 } } }],
  ["BigQuery", { bigqueryConfig: { table: "project.dataset.table" } }],
  ["a push identity", { pushConfig: { pushEndpoint: "https://host", oidcToken: { serviceAccountEmail: "a@b.c" } } }],
] as const) {
  const skip = oursOnly("the emulator accepts it");
  test(
    `createSubscription() - ${what}, which we do not have, is UNIMPLEMENTED rather than ignored`,
    { skip },
    async () => {
      const name = target.subscriptionName("unsupported");
      const create = target.subscriber.createSubscription({ name, topic, ...options });
      await assert.rejects(create, { code: status.UNIMPLEMENTED, details: /does not support/ });
    },
  );
}

test("snapshots are UNIMPLEMENTED and say so", { skip: oursOnly("the emulator has snapshots") }, async () => {
  const subscription = target.subscriptionName("snapshotless");
  await target.subscriber.createSubscription({ name: subscription, topic });
  const name = `${target.project}/snapshots/snap`;
  const create = target.subscriber.createSnapshot({ name, subscription });
  await assert.rejects(create, { code: status.UNIMPLEMENTED, details: /CreateSnapshot/ });
  await assert.rejects(target.subscriber.seek({ subscription, snapshot: name }), { code: status.UNIMPLEMENTED });
});

test("createSubscription() - sees only what is published afterwards", async () => {
  const name = target.subscriptionName("late");
  await publishTexts(target, topic, "earlier");
  await target.subscriber.createSubscription({ name, topic });
  assert.ok(await isEmpty(target, name));
});

test("updateSubscription() - changes what the mask names and nothing else", async () => {
  const name = target.subscriptionName("updated");
  await target.subscriber.createSubscription({ name, topic, ackDeadlineSeconds: 20, labels: { team: "ops" } });
  const [updated] = await target.subscriber.updateSubscription({
    subscription: { name, ackDeadlineSeconds: 30, retryPolicy: { minimumBackoff: { seconds: 2 } } },
    updateMask: { paths: ["ack_deadline_seconds", "retry_policy"] },
  });
  assert.equal(updated.ackDeadlineSeconds, 30);
  assert.equal(Number(updated.retryPolicy?.minimumBackoff?.seconds), 2);
  assert.deepEqual(updated.labels, { team: "ops" });
});

test("updateSubscription() - the topic cannot be changed", async () => {
  const name = target.subscriptionName("pinned");
  await target.subscriber.createSubscription({ name, topic });
  const update = target.subscriber.updateSubscription({
    subscription: { name, topic },
    updateMask: { paths: ["topic"] },
  });
  await assert.rejects(update, { code: status.INVALID_ARGUMENT });
});

test("listSubscriptions() - pages through the subscriptions of one project", async () => {
  const project = `${target.project}-list`;
  await target.publisher.createTopic({ name: `${project}/topics/listed` });
  const names = ["aaa", "bbb", "ccc"].map((id) => `${project}/subscriptions/${id}`);
  for (const name of names) await target.subscriber.createSubscription({ name, topic: `${project}/topics/listed` });
  const listed: string[] = [];
  for await (const { name } of target.subscriber.listSubscriptionsAsync({ project, pageSize: 2 }))
    listed.push(name ?? "");
  assert.deepEqual(listed.toSorted(), names);
});

test("deleteSubscription() - it is gone, and its name is free", async () => {
  const name = target.subscriptionName("deleted");
  await target.subscriber.createSubscription({ name, topic });
  await publishTexts(target, topic, "for the first");
  await target.subscriber.deleteSubscription({ subscription: name });
  await assert.rejects(target.subscriber.getSubscription({ subscription: name }), { code: status.NOT_FOUND });
  await assert.rejects(target.subscriber.pull({ subscription: name, maxMessages: 1 }), { code: status.NOT_FOUND });
  await target.subscriber.createSubscription({ name, topic });
  assert.ok(await isEmpty(target, name));
});
