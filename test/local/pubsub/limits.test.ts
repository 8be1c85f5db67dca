import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { oursOnly, startTarget, type Target } from "./target.ts";

let target: Target;
let topic: string;
let subscription: string;
let count = 0;
before(async () => {
  target = await startTarget();
});
beforeEach(async () => {
  topic = target.topicName(`limits-${++count}`);
  subscription = target.subscriptionName(`limits-${count}`);
  await target.publisher.createTopic({ name: topic });
  await target.subscriber.createSubscription({ name: subscription, topic });
});
after(() => target.close());

const data = Buffer.from("x");
const attributesOf = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, "value"]));

const UNLIMITED = "the emulator does not limit what is published";

for (const [what, messages, skip] of [
  ["no message at all", [], false],
  ["a message without data and attributes", [{}], false],
  ["1,001 messages", Array.from({ length: 1001 }, () => ({ data })), false],
  ["101 attributes", [{ data, attributes: attributesOf(101) }], oursOnly(UNLIMITED)],
  ["an attribute key of 257 bytes", [{ data, attributes: { ["k".repeat(257)]: "v" } }], oursOnly(UNLIMITED)],
  ["an attribute value of 1,025 bytes", [{ data, attributes: { key: "v".repeat(1025) } }], oursOnly(UNLIMITED)],
  ["an empty attribute key", [{ data, attributes: { "": "v" } }], oursOnly(UNLIMITED)],
  ["more than 10 MB", [{ data: Buffer.alloc(10_000_001) }], oursOnly(UNLIMITED)],
] as const) {
  test(`publish() - ${what} is INVALID_ARGUMENT`, { skip }, async () => {
    await assert.rejects(target.publisher.publish({ topic, messages: [...messages] }), {
      code: status.INVALID_ARGUMENT,
    });
  });
}

test("publish() - a message at every limit passes through whole", async () => {
  const attributes = { ...attributesOf(99), ["k".repeat(256)]: "v".repeat(1024) };
  await target.publisher.publish({ topic, messages: [{ data, attributes }] });
  const [{ receivedMessages }] = await target.subscriber.pull({ subscription, maxMessages: 1 });
  assert.deepEqual(receivedMessages?.[0]?.message?.attributes, attributes);
});

test("publish() - attributes alone make a message", async () => {
  await target.publisher.publish({ topic, messages: [{ attributes: { only: "this" } }] });
  const [{ receivedMessages }] = await target.subscriber.pull({ subscription, maxMessages: 1 });
  assert.deepEqual(receivedMessages?.[0]?.message?.attributes, { only: "this" });
});

test("publish() - 9.9 MB pass through whole", async () => {
  const large = Buffer.alloc(9_900_000, "large");
  await target.publisher.publish({ topic, messages: [{ data: large }] });
  const [{ receivedMessages }] = await target.subscriber.pull({ subscription, maxMessages: 1 });
  assert.ok(Buffer.from(receivedMessages?.[0]?.message?.data as Uint8Array).equals(large));
});
