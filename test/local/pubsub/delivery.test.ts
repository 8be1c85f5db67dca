import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, beforeEach, test } from "node:test";
import { status } from "@grpc/grpc-js";
import type { Message } from "@google-cloud/pubsub";
import { isEmpty, oursOnly, publishTexts, pullMessages, startTarget, type Target } from "./target.ts";

let target: Target;
let topic: string;
let subscription: string;
let count = 0;
before(async () => {
  target = await startTarget();
});
beforeEach(async () => {
  topic = target.topicName(`topic-${++count}`);
  subscription = target.subscriptionName(`subscription-${count}`);
  await target.publisher.createTopic({ name: topic });
});
after(() => target.close());

async function subscribe(options: object = {}): Promise<void> {
  await target.subscriber.createSubscription({ name: subscription, topic, ...options });
}

test("pull() - gives data, attributes, ID and publish time as they were published", async () => {
  await subscribe();
  const attributes = { key: "value", snowman: "☃" };
  const messages = [{ data: Buffer.from([0, 255, 128]), attributes, orderingKey: "" }];
  const [{ messageIds }] = await target.publisher.publish({ topic, messages });
  const [{ receivedMessages }] = await target.subscriber.pull({ subscription, maxMessages: 1 });
  const message = receivedMessages?.[0]?.message;
  assert.deepEqual(Buffer.from(message?.data as Uint8Array), Buffer.from([0, 255, 128]));
  assert.deepEqual(message?.attributes, attributes);
  assert.deepEqual([message?.messageId], messageIds);
  assert.ok(Math.abs(Number(message?.publishTime?.seconds) - Date.now() / 1000) < 60);
});

test("pull() - returnImmediately answers an empty subscription with nothing", async () => {
  await subscribe();
  assert.ok(await isEmpty(target, subscription));
});

test("pull() - waits for a message that is published later", async () => {
  await subscribe();
  const pulled = pullMessages(target, subscription, 1);
  await publishTexts(target, topic, "later");
  assert.equal((await pulled)[0]?.data, "later");
});

test("pull() - max_messages must be positive", async () => {
  await subscribe();
  const pull = target.subscriber.pull({ subscription, maxMessages: 0 });
  await assert.rejects(pull, { code: status.INVALID_ARGUMENT });
});

test("publish() - gives IDs in order, and each subscription its own copy", async () => {
  await subscribe();
  const other = `${subscription}-other`;
  await target.subscriber.createSubscription({ name: other, topic });
  const ids = await publishTexts(target, topic, "one", "two", "three");
  assert.equal(new Set(ids).size, 3);
  const first = await pullMessages(target, subscription, 3);
  await target.subscriber.acknowledge({ subscription, ackIds: first.map(({ ackId }) => ackId) });
  const second = await pullMessages(target, other, 3);
  assert.deepEqual(second.map(({ messageId }) => messageId).toSorted(), ids.toSorted());
});

test("acknowledge() - the message does not come again", async () => {
  await subscribe();
  await publishTexts(target, topic, "once");
  const [message] = await pullMessages(target, subscription, 1);
  const ackIds = [message?.ackId ?? ""];
  await target.subscriber.modifyAckDeadline({ subscription, ackIds, ackDeadlineSeconds: 1 });
  await target.subscriber.acknowledge({ subscription, ackIds });
  await target.subscriber.acknowledge({ subscription, ackIds });
  await publishTexts(target, topic, "marker");
  assert.equal((await pullMessages(target, subscription, 1))[0]?.data, "marker");
  assert.ok(await isEmpty(target, subscription));
});

test("acknowledge() - an ack ID that nobody gave out is INVALID_ARGUMENT", async () => {
  await subscribe();
  const acknowledge = target.subscriber.acknowledge({ subscription, ackIds: ["no such thing"] });
  await assert.rejects(acknowledge, { code: status.INVALID_ARGUMENT });
});

test("modifyAckDeadline() - 0 makes the message available at once", async () => {
  await subscribe();
  const [id] = await publishTexts(target, topic, "again");
  const [first] = await pullMessages(target, subscription, 1);
  await target.subscriber.modifyAckDeadline({ subscription, ackIds: [first?.ackId ?? ""], ackDeadlineSeconds: 0 });
  const [second] = await pullMessages(target, subscription, 1);
  assert.equal(second?.messageId, id);
});

test("modifyAckDeadline() - a deadline that passes makes the message available again", async () => {
  await subscribe();
  const [id] = await publishTexts(target, topic, "again");
  const [first] = await pullMessages(target, subscription, 1);
  await target.subscriber.modifyAckDeadline({ subscription, ackIds: [first?.ackId ?? ""], ackDeadlineSeconds: 1 });
  assert.ok(await isEmpty(target, subscription));
  const [second] = await pullMessages(target, subscription, 1);
  assert.equal(second?.messageId, id);
  await target.subscriber.acknowledge({ subscription, ackIds: [second?.ackId ?? ""] });
});

test(
  "modifyAckDeadline() - more than 600 seconds is INVALID_ARGUMENT",
  { skip: oursOnly("the emulator accepts any deadline") },
  async () => {
    await subscribe();
    await publishTexts(target, topic, "held");
    const [message] = await pullMessages(target, subscription, 1);
    const ackIds = [message?.ackId ?? ""];
    const modify = target.subscriber.modifyAckDeadline({ subscription, ackIds, ackDeadlineSeconds: 601 });
    await assert.rejects(modify, { code: status.INVALID_ARGUMENT });
  },
);

test(
  "a retry policy delays a failed message, and not the others",
  { skip: oursOnly("the emulator ignores retry policies") },
  async () => {
    await subscribe({ retryPolicy: { minimumBackoff: { seconds: 1 }, maximumBackoff: { seconds: 2 } } });
    const [id] = await publishTexts(target, topic, "failing");
    const [first] = await pullMessages(target, subscription, 1);
    await target.subscriber.modifyAckDeadline({ subscription, ackIds: [first?.ackId ?? ""], ackDeadlineSeconds: 0 });
    await publishTexts(target, topic, "healthy");
    const [next, retried] = await pullMessages(target, subscription, 2);
    assert.equal(next?.data, "healthy");
    assert.equal(retried?.messageId, id);
  },
);

test("a dead-letter policy counts deliveries and forwards the message after the last, with its source", async () => {
  const deadLetterTopic = `${topic}-dead`;
  const deadSubscription = `${subscription}-dead`;
  await target.publisher.createTopic({ name: deadLetterTopic });
  await target.subscriber.createSubscription({ name: deadSubscription, topic: deadLetterTopic });
  await subscribe({ deadLetterPolicy: { deadLetterTopic, maxDeliveryAttempts: 5 } });
  await target.publisher.publish({ topic, messages: [{ data: Buffer.from("poison"), attributes: { own: "kept" } }] });
  for (const attempt of [1, 2, 3, 4, 5]) {
    const [message] = await pullMessages(target, subscription, 1);
    assert.equal(message?.attempt, attempt);
    await target.subscriber.modifyAckDeadline({ subscription, ackIds: [message?.ackId ?? ""], ackDeadlineSeconds: 0 });
  }
  // Google's emulator forwards when it is asked for the next delivery, ours at the last failure.
  assert.ok(await isEmpty(target, subscription));
  const [dead] = await pullMessages(target, deadSubscription, 1);
  assert.equal(dead?.data, "poison");
  assert.equal(dead?.attributes["own"], "kept");
  assert.equal(dead?.attributes["CloudPubSubDeadLetterSourceDeliveryCount"], "5");
  assert.equal(dead?.attributes["CloudPubSubDeadLetterSourceSubscription"], subscription.split("/").at(-1));
  assert.equal(dead?.attributes["CloudPubSubDeadLetterSourceSubscriptionProject"], target.project.split("/").at(-1));
  assert.ok(!Number.isNaN(Date.parse(dead?.attributes["CloudPubSubDeadLetterSourceTopicPublishTime"] ?? "")));
});

test(
  "a message whose dead-letter topic nobody subscribes to stays until somebody does",
  { skip: oursOnly("Google loses it") },
  async () => {
    const deadLetterTopic = `${topic}-dead`;
    const deadSubscription = `${subscription}-dead`;
    await target.publisher.createTopic({ name: deadLetterTopic });
    await subscribe({ deadLetterPolicy: { deadLetterTopic, maxDeliveryAttempts: 5 } });
    await publishTexts(target, topic, "kept");
    for (const attempt of [1, 2, 3, 4, 5, 6]) {
      const [message] = await pullMessages(target, subscription, 1);
      assert.equal(message?.attempt, attempt);
      if (attempt === 6) await target.subscriber.createSubscription({ name: deadSubscription, topic: deadLetterTopic });
      await target.subscriber.modifyAckDeadline({
        subscription,
        ackIds: [message?.ackId ?? ""],
        ackDeadlineSeconds: 0,
      });
    }
    assert.equal((await pullMessages(target, deadSubscription, 1))[0]?.data, "kept");
  },
);

test("streamingPull() - the high-level client gets each message and its acks hold", async () => {
  await subscribe();
  const texts = Array.from({ length: 500 }, (_, index) => `message ${index}`);
  await publishTexts(target, topic, ...texts);
  const client = target.pubsub.subscription(subscription);
  const received = new Set<string>();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  client.on("error", reject);
  client.on("message", (message: Message) => {
    received.add(message.data.toString());
    message.ack();
    if (received.size === texts.length) resolve();
  });
  await promise;
  await client.close();
  assert.deepEqual(received, new Set(texts));
  assert.ok(await isEmpty(target, subscription));
});

test("streamingPull() - a message that the high-level client nacks comes again", async () => {
  await subscribe();
  const [id] = await publishTexts(target, topic, "twice");
  const client = target.pubsub.subscription(subscription);
  const ids: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  client.on("error", reject);
  client.on("message", (message: Message) => {
    ids.push(message.id);
    if (ids.length === 1) {
      message.nack();
      return;
    }
    message.ack();
    resolve();
  });
  await promise;
  await client.close();
  assert.deepEqual(ids, [id, id]);
});

test(
  "streamingPull() - no more messages are out than flow control allows",
  { skip: oursOnly("the emulator ignores flow control") },
  async () => {
    await subscribe();
    await publishTexts(target, topic, "one", "two", "three", "four", "five");
    const stream = target.subscriber.streamingPull();
    stream.write({ subscription, streamAckDeadlineSeconds: 60, maxOutstandingMessages: 2 });
    const onStream: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    stream.on("data", (response) => {
      for (const { ackId } of response.receivedMessages) onStream.push(ackId);
      if (onStream.length >= 2) resolve();
    });
    await promise;
    const others = await pullMessages(target, subscription, 3);
    assert.equal(onStream.length, 2);
    assert.equal(others.length, 3);
    const freed = once(stream, "data");
    await target.subscriber.modifyAckDeadline({
      subscription,
      ackIds: others.map(({ ackId }) => ackId),
      ackDeadlineSeconds: 0,
    });
    stream.write({ ackIds: onStream.slice(0, 2) });
    await freed;
    stream.end();
    await once(stream, "end");
  },
);

test("streamingPull() - acks and nacks travel on the stream", async () => {
  await subscribe();
  const [acked, nacked] = await publishTexts(target, topic, "acked", "nacked");
  const stream = target.subscriber.streamingPull();
  stream.write({ subscription, streamAckDeadlineSeconds: 60 });
  const seen: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.on("data", (response) => {
    for (const { ackId, message } of response.receivedMessages) {
      const again = seen.includes(message.messageId);
      seen.push(message.messageId);
      if (message.messageId === acked || again) stream.write({ ackIds: [ackId] });
      else stream.write({ modifyDeadlineAckIds: [ackId], modifyDeadlineSeconds: [0] });
      if (again) resolve();
    }
  });
  await promise;
  stream.end();
  await once(stream, "end");
  assert.deepEqual(seen.toSorted(), [acked, nacked, nacked].toSorted());
});

test("streamingPull() - a half-close by the client ends the stream with OK", async () => {
  await subscribe();
  const stream = target.subscriber.streamingPull();
  stream.on("data", () => {});
  stream.write({ subscription, streamAckDeadlineSeconds: 10 });
  stream.end();
  const [{ code }] = await once(stream, "status");
  assert.equal(code, status.OK);
});

test("streamingPull() - a first request that is wrong ends the stream with the reason", async () => {
  await subscribe();
  for (const [first, code] of [
    [{ subscription: `${subscription}-missing`, streamAckDeadlineSeconds: 10 }, status.NOT_FOUND],
    [{ subscription, streamAckDeadlineSeconds: 9 }, status.INVALID_ARGUMENT],
    [{ subscription, streamAckDeadlineSeconds: 601 }, status.INVALID_ARGUMENT],
  ] as const) {
    const stream = target.subscriber.streamingPull();
    stream.on("data", () => {});
    stream.write(first);
    const [error] = await once(stream, "error");
    assert.equal(error.code, code);
  }
});

test("streamingPull() - deleting the subscription ends the stream with NOT_FOUND", async () => {
  await subscribe();
  await publishTexts(target, topic, "connected");
  const stream = target.subscriber.streamingPull();
  stream.write({ subscription, streamAckDeadlineSeconds: 10 });
  await once(stream, "data");
  const failed = once(stream, "error");
  await target.subscriber.deleteSubscription({ subscription });
  const [error] = await failed;
  assert.equal(error.code, status.NOT_FOUND);
});
