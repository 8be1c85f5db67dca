import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { startEndpoint, type Endpoint } from "./endpoint.ts";
import { oursOnly, publishTexts, pullMessages, startTarget, type Target } from "./target.ts";

let target: Target;
let endpoint: Endpoint;
let topic: string;
let subscription: string;
let count = 0;
before(async () => {
  target = await startTarget();
});
beforeEach(async () => {
  endpoint = await startEndpoint();
  topic = target.topicName(`topic-${++count}`);
  subscription = target.subscriptionName(`subscription-${count}`);
  await target.publisher.createTopic({ name: topic });
});
afterEach(async () => {
  await target.subscriber.deleteSubscription({ subscription });
  endpoint.close();
});
after(() => target.close());

async function subscribe(options: object = {}): Promise<void> {
  const pushConfig = { pushEndpoint: endpoint.url };
  await target.subscriber.createSubscription({ name: subscription, topic, pushConfig, ...options });
}

function textOf({ message }: { message: Record<string, unknown> }): string {
  return Buffer.from(String(message["data"]), "base64").toString();
}

test("push - posts Google's wrapped JSON, byte for byte what was published", async () => {
  await subscribe();
  const data = Buffer.from(Array.from({ length: 257 }, (_, index) => index % 256));
  const attributes = { plain: "value", quoted: '"\\\n', emoji: "☃😀" };
  const [{ messageIds }] = await target.publisher.publish({ topic, messages: [{ data, attributes }] });
  const { headers, body, respond } = await endpoint.next();
  respond(204);
  assert.equal(headers["content-type"], "application/json");
  assert.equal(body.subscription, subscription);
  assert.equal(body.deliveryAttempt, undefined);
  assert.deepEqual(Buffer.from(String(body.message["data"]), "base64"), data);
  assert.deepEqual(body.message["attributes"], attributes);
  assert.equal(body.message["messageId"], messageIds?.[0]);
  assert.equal(body.message["message_id"], messageIds?.[0]);
  assert.equal(body.message["publishTime"], body.message["publish_time"]);
  assert.ok(Math.abs(Date.parse(String(body.message["publishTime"])) - Date.now()) < 60_000);
});

test("push - attributes alone make a body without data", async () => {
  await subscribe();
  await target.publisher.publish({ topic, messages: [{ attributes: { only: "this" } }] });
  const { body, respond } = await endpoint.next();
  respond(200);
  assert.deepEqual(body.message["attributes"], { only: "this" });
  assert.ok(!body.message["data"]);
});

for (const code of [200, 201, 202, 204]) {
  test(`push - status ${code} acknowledges the message`, async () => {
    await subscribe();
    await publishTexts(target, topic, "first");
    (await endpoint.next()).respond(code);
    await publishTexts(target, topic, "second");
    const next = await endpoint.next();
    next.respond(200);
    assert.equal(textOf(next.body), "second");
  });
}

for (const code of [301, 400, 404, 429, 500, 503]) {
  test(`push - status ${code} brings the message again`, async () => {
    await subscribe();
    const [id] = await publishTexts(target, topic, "again");
    const first = await endpoint.next();
    first.respond(code);
    const second = await endpoint.next();
    second.respond(200);
    assert.deepEqual([first.body.message["messageId"], second.body.message["messageId"]], [id, id]);
  });
}

test(
  "push - counts deliveries under a dead-letter policy and then forwards",
  { skip: oursOnly("the emulator leaves deliveryAttempt out") },
  async () => {
    const deadLetterTopic = `${topic}-dead`;
    const deadSubscription = `${subscription}-dead`;
    await target.publisher.createTopic({ name: deadLetterTopic });
    await target.subscriber.createSubscription({ name: deadSubscription, topic: deadLetterTopic });
    await subscribe({ deadLetterPolicy: { deadLetterTopic, maxDeliveryAttempts: 5 } });
    await publishTexts(target, topic, "poison");
    for (const attempt of [1, 2, 3, 4, 5]) {
      const { body, respond } = await endpoint.next();
      respond(500);
      assert.equal(body.deliveryAttempt, attempt);
    }
    const [dead] = await pullMessages(target, deadSubscription, 1);
    assert.equal(dead?.data, "poison");
    assert.equal(dead?.attributes["CloudPubSubDeadLetterSourceDeliveryCount"], "5");
  },
);

test("push - a failure pauses the whole subscription, and delivers everything afterwards", async () => {
  await subscribe();
  await publishTexts(target, topic, "failing");
  (await endpoint.next()).respond(500);
  const texts = Array.from({ length: 50 }, (_, index) => `after ${index}`);
  await publishTexts(target, topic, ...texts);
  const received = new Set<string>();
  while (received.size < 51) {
    const { body, respond } = await endpoint.next();
    respond(204);
    received.add(textOf(body));
  }
  assert.deepEqual(received, new Set(["failing", ...texts]));
});

test(
  "push - several requests are in flight before the first is answered",
  { skip: oursOnly("one at a time there") },
  async () => {
    await subscribe();
    await publishTexts(target, topic, "one", "two", "three");
    const requests = [await endpoint.next(), await endpoint.next(), await endpoint.next()];
    for (const { respond } of requests) respond(204);
    assert.deepEqual(requests.map(({ body }) => textOf(body)).toSorted(), ["one", "three", "two"]);
  },
);

test("push - an endpoint that is down gets its messages when it is back", async () => {
  await subscribe();
  endpoint.close();
  const [id] = await publishTexts(target, topic, "patient");
  endpoint = await startEndpoint();
  await target.subscriber.modifyPushConfig({ subscription, pushConfig: { pushEndpoint: endpoint.url } });
  const { body, respond } = await endpoint.next();
  respond(204);
  assert.equal(body.message["messageId"], id);
});

test("push - a request that outlasts the ack deadline is cut, and the message comes again", async () => {
  await subscribe({ ackDeadlineSeconds: 10 });
  const [id] = await publishTexts(target, topic, "slow");
  const unanswered = await endpoint.next();
  const again = await endpoint.next();
  again.respond(204);
  assert.deepEqual([unanswered.body.message["messageId"], again.body.message["messageId"]], [id, id]);
});

test("modifyPushConfig() - an empty endpoint makes it a pull subscription, and back", async () => {
  await subscribe();
  await target.subscriber.modifyPushConfig({ subscription, pushConfig: {} });
  await publishTexts(target, topic, "pulled");
  const [pulled] = await pullMessages(target, subscription, 1);
  assert.equal(pulled?.data, "pulled");
  await target.subscriber.acknowledge({ subscription, ackIds: [pulled?.ackId ?? ""] });
  await target.subscriber.modifyPushConfig({ subscription, pushConfig: { pushEndpoint: endpoint.url } });
  await publishTexts(target, topic, "pushed");
  const pushed = await endpoint.next();
  pushed.respond(204);
  assert.equal(textOf(pushed.body), "pushed");
});

test(
  "pull() - on a push subscription is FAILED_PRECONDITION",
  { skip: oursOnly("the emulator allows it") },
  async () => {
    await subscribe();
    const pull = target.subscriber.pull({ subscription, maxMessages: 1 });
    await assert.rejects(pull, { code: status.FAILED_PRECONDITION });
  },
);
