import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { describe, test, type TestContext } from "node:test";
import { status } from "@grpc/grpc-js";
import { Faults } from "../../../local/faults.ts";
import { startBroker } from "../../../local/pubsub/broker.ts";
import { brokerFaultPoints } from "../../../local/pubsub/broker-faults.ts";
import { failingBroker } from "./broker-process.ts";
import { startEndpoint, type Endpoint, type PushRequest } from "./endpoint.ts";
import { connect, isEmpty, publishTexts, pullMessages, temporaryFolder, type Target } from "./target.ts";

interface Failing {
  readonly target: Target;
  readonly topic: string;
  readonly subscription: string;
}

/** A broker with these faults, a topic and a subscription to it. */
async function failing(t: TestContext, settings: object, endpoint?: Endpoint): Promise<Failing> {
  const dataDirectory = await temporaryFolder();
  const faults = new Faults(settings, brokerFaultPoints);
  const broker = await startBroker({ dataDirectory, port: 0, log: () => {}, faults });
  const target = connect(`${broker.host}:${broker.port}`, async () => {
    await broker.close();
    await rm(dataDirectory, { recursive: true });
  });
  t.after(() => target.close());
  const topic = target.topicName("topic");
  const subscription = target.subscriptionName("subscription");
  await target.publisher.createTopic({ name: topic });
  const push = endpoint === undefined ? {} : { pushConfig: { pushEndpoint: endpoint.url } };
  await target.subscriber.createSubscription({ name: subscription, topic, ...push });
  return { target, topic, subscription };
}

async function failingPush(t: TestContext, settings: object): Promise<Failing & { endpoint: Endpoint }> {
  const endpoint = await startEndpoint();
  t.after(() => endpoint.close());
  return { ...(await failing(t, settings, endpoint)), endpoint };
}

const textOf = ({ body }: PushRequest): string => Buffer.from(String(body.message["data"]), "base64").toString();

/** The official client's own retries would hide the fault. */
async function publishOnce({ target, topic }: Failing, text: string): Promise<void> {
  await target.publisher.publish({ topic, messages: [{ data: Buffer.from(text) }] }, { retry: null });
}

describe("a fault at publish", () => {
  test("refuse - the caller is told and nothing is stored", async (t) => {
    const broker = await failing(t, { publish: { refuse: { at: [0] } } });
    await assert.rejects(publishOnce(broker, "a"), { code: status.UNAVAILABLE });
    assert.ok(await isEmpty(broker.target, broker.subscription));
  });

  test("cut-after - the caller is told that it failed, and the message is delivered", async (t) => {
    const broker = await failing(t, { publish: { "cut-after": { at: [0] } } });
    await assert.rejects(publishOnce(broker, "a"), { code: status.UNAVAILABLE });
    await publishOnce(broker, "a");
    const pulled = await pullMessages(broker.target, broker.subscription, 2);
    assert.deepEqual(
      pulled.map(({ data }) => data),
      ["a", "a"],
    );
    assert.notEqual(pulled[0]?.messageId, pulled[1]?.messageId);
  });

  test("delay - the message is stored all the same", async (t) => {
    const broker = await failing(t, { publish: { delay: { at: [0], maxDelayMs: 20 } } });
    await Promise.all([publishOnce(broker, "late"), publishOnce(broker, "b")]);
    const pulled = await pullMessages(broker.target, broker.subscription, 2);
    assert.deepEqual(pulled.map(({ data }) => data).toSorted(), ["b", "late"]);
  });
});

describe("a fault at push", () => {
  test("cut-before - the endpoint gets half a request, then the message again", async (t) => {
    const { target, topic, endpoint } = await failingPush(t, { push: { "cut-before": { at: [0] } } });
    await publishTexts(target, topic, "a");
    const whole = await endpoint.next();
    whole.respond(204);
    assert.equal(textOf(whole), "a");
    assert.equal(endpoint.cutOff, 1);
  });

  test("cut-after - the endpoint acknowledged, and gets the message again", async (t) => {
    const { target, topic, endpoint } = await failingPush(t, { push: { "cut-after": { at: [0] } } });
    await publishTexts(target, topic, "a");
    (await endpoint.next()).respond(204);
    const again = await endpoint.next();
    again.respond(204);
    assert.equal(textOf(again), "a");
  });
});

describe("a fault at lease", () => {
  test("reorder - a message leaves after those behind it", async (t) => {
    const { target, topic, subscription } = await failing(t, { lease: { reorder: { at: [0] } } });
    await publishTexts(target, topic, "a", "b", "c");
    const pulled = await pullMessages(target, subscription, 3);
    assert.deepEqual(
      pulled.map(({ data }) => data),
      ["b", "c", "a"],
    );
  });
});

describe("a fault at ack", () => {
  test("redeliver - a push that was acknowledged comes again", async (t) => {
    const { target, topic, endpoint } = await failingPush(t, { ack: { redeliver: { at: [0] } } });
    const [id] = await publishTexts(target, topic, "a");
    const first = await endpoint.next();
    first.respond(204);
    const again = await endpoint.next();
    again.respond(204);
    assert.deepEqual([first.body.message["messageId"], again.body.message["messageId"]], [id, id]);
    await publishTexts(target, topic, "b");
    assert.equal(textOf(await endpoint.next()), "b", "the second acknowledgement counts");
  });

  test("redeliver - of a pull that was acknowledged one message comes again and the other does not", async (t) => {
    const { target, topic, subscription } = await failing(t, { ack: { redeliver: { at: [1] } } });
    await publishTexts(target, topic, "a", "b");
    const pulled = await pullMessages(target, subscription, 2);
    await target.subscriber.acknowledge({ subscription, ackIds: pulled.map(({ ackId }) => ackId) });
    const [again] = await pullMessages(target, subscription, 1);
    assert.equal(again?.messageId, pulled[1]?.messageId);
    await target.subscriber.acknowledge({ subscription, ackIds: [again?.ackId ?? ""] });
    assert.ok(await isEmpty(target, subscription));
  });
});

describe("a fault at acknowledge", () => {
  test("cut-after - the caller is told that it failed, and the message is acknowledged", async (t) => {
    const { target, topic, subscription } = await failing(t, { acknowledge: { "cut-after": { at: [0] } } });
    await publishTexts(target, topic, "a");
    const ackIds = (await pullMessages(target, subscription, 1)).map(({ ackId }) => ackId);
    await assert.rejects(target.subscriber.acknowledge({ subscription, ackIds }, { retry: null }), {
      code: status.UNAVAILABLE,
    });
    await target.subscriber.modifyAckDeadline({ subscription, ackIds, ackDeadlineSeconds: 0 });
    assert.ok(await isEmpty(target, subscription));
  });
});

test("--faults - an unknown point is refused with the list of those that there are", async () => {
  const { code, stderr } = await failingBroker("--data", "unused", "--faults", '{"disk":{"full":1}}');
  assert.equal(code, 1);
  assert.match(stderr, /no fault point .*disk.*publish \(refuse, cut-after, delay\)/);
});
