import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { pullMessages, publishTexts, startTarget, type Target } from "./target.ts";

let target: Target;
before(async () => {
  target = await startTarget();
});
after(() => target.close());

test("createTopic() - returns the topic, and again says ALREADY_EXISTS", async () => {
  const name = target.topicName("created");
  const [topic] = await target.publisher.createTopic({ name, labels: { team: "ops" } });
  assert.equal(topic.name, name);
  assert.deepEqual(topic.labels, { team: "ops" });
  await assert.rejects(target.publisher.createTopic({ name }), { code: status.ALREADY_EXISTS });
});

test("createTopic() - a name that breaks the pattern is INVALID_ARGUMENT", async () => {
  for (const id of ["ab", "1abc", "goog-topic", "has space", "a".repeat(256)]) {
    const name = target.topicName(id);
    await assert.rejects(target.publisher.createTopic({ name }), { code: status.INVALID_ARGUMENT }, id);
  }
});

test("getTopic() - a topic that does not exist is NOT_FOUND", async () => {
  const topic = target.topicName("missing");
  await assert.rejects(target.publisher.getTopic({ topic }), { code: status.NOT_FOUND });
  await assert.rejects(target.publisher.deleteTopic({ topic }), { code: status.NOT_FOUND });
  await assert.rejects(publishTexts(target, topic, "lost"), { code: status.NOT_FOUND });
});

test("updateTopic() - changes what the mask names and nothing else", async () => {
  const name = target.topicName("updated");
  await target.publisher.createTopic({ name, labels: { team: "ops" } });
  const [updated] = await target.publisher.updateTopic({
    topic: { name, messageRetentionDuration: { seconds: 3600 } },
    updateMask: { paths: ["message_retention_duration"] },
  });
  assert.equal(Number(updated.messageRetentionDuration?.seconds), 3600);
  const [topic] = await target.publisher.getTopic({ topic: name });
  assert.equal(Number(topic.messageRetentionDuration?.seconds), 3600);
  assert.deepEqual(topic.labels, { team: "ops" });
});

test("updateTopic() - an empty mask is INVALID_ARGUMENT", async () => {
  const name = target.topicName("maskless");
  await target.publisher.createTopic({ name });
  const update = target.publisher.updateTopic({ topic: { name }, updateMask: { paths: [] } });
  await assert.rejects(update, { code: status.INVALID_ARGUMENT });
});

test("listTopics() - pages through the topics of one project", async () => {
  const project = `${target.project}-list`;
  const names = ["aaa", "bbb", "ccc"].map((id) => `${project}/topics/${id}`);
  for (const name of names) await target.publisher.createTopic({ name });
  const listed: string[] = [];
  for await (const topic of target.publisher.listTopicsAsync({ project, pageSize: 2 })) listed.push(topic.name ?? "");
  assert.deepEqual(listed.toSorted(), names);
});

test("listTopicSubscriptions() - names the subscriptions of the topic", async () => {
  const topic = target.topicName("with-subscriptions");
  await target.publisher.createTopic({ name: topic });
  const names = ["sub-a", "sub-b"].map((id) => target.subscriptionName(id));
  for (const name of names) await target.subscriber.createSubscription({ name, topic });
  const [listed] = await target.publisher.listTopicSubscriptions({ topic });
  assert.deepEqual(listed.toSorted(), names);
});

test("deleteTopic() - its subscriptions live on and deliver what they have", async () => {
  const topic = target.topicName("deleted");
  const subscription = target.subscriptionName("orphan");
  await target.publisher.createTopic({ name: topic });
  await target.subscriber.createSubscription({ name: subscription, topic });
  await publishTexts(target, topic, "kept");
  await target.publisher.deleteTopic({ topic });
  const [orphan] = await target.subscriber.getSubscription({ subscription });
  assert.equal(orphan.topic, "_deleted-topic_");
  const [message] = await pullMessages(target, subscription, 1);
  assert.equal(message?.data, "kept");
  await assert.rejects(publishTexts(target, topic, "late"), { code: status.NOT_FOUND });
});

test("a topic of the same name as a deleted one is another topic", async () => {
  const topic = target.topicName("reborn");
  const [before, afterwards] = [target.subscriptionName("before-rebirth"), target.subscriptionName("after-rebirth")];
  await target.publisher.createTopic({ name: topic });
  await target.subscriber.createSubscription({ name: before, topic });
  await target.publisher.deleteTopic({ topic });
  await target.publisher.createTopic({ name: topic });
  await target.subscriber.createSubscription({ name: afterwards, topic });
  await publishTexts(target, topic, "new");
  const [message] = await pullMessages(target, afterwards, 1);
  assert.equal(message?.data, "new");
  const [orphan] = await target.subscriber.getSubscription({ subscription: before });
  assert.equal(orphan.topic, "_deleted-topic_");
});
