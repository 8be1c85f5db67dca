import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { rm } from "node:fs/promises";
import { after, before, test } from "node:test";
import type { Message } from "@google-cloud/pubsub";
import { failingBroker, startBrokerProcess, stopProcess } from "./broker-process.ts";
import { connect, isEmpty, publishTexts, pullMessages, temporaryFolder } from "./target.ts";

let folder: string;
before(async () => {
  folder = await temporaryFolder();
});
after(() => rm(folder, { recursive: true }));

test("publish() - an acknowledged message survives kill -9", async () => {
  const broker = await startBrokerProcess(folder);
  const target = connect(broker.address);
  const topic = target.topicName("crash");
  const subscription = target.subscriptionName("crash");
  await target.publisher.createTopic({ name: topic });
  await target.subscriber.createSubscription({ name: subscription, topic });
  const acknowledged: string[] = [];
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  const publishUntilItDies = async (): Promise<void> => {
    for (;;) {
      const messages = [{ data: Buffer.alloc(20_000, "payload") }];
      const [{ messageIds }] = await target.publisher.publish({ topic, messages }, { timeout: 2000, maxRetries: 0 });
      acknowledged.push(...(messageIds ?? []));
      if (acknowledged.length > 200) resolve();
    }
  };
  const publishers = Array.from({ length: 8 }, publishUntilItDies);
  await enough;
  assert.equal(await stopProcess(broker, "SIGKILL"), null);
  const outcomes = await Promise.allSettled(publishers);
  assert.ok(outcomes.every(({ status }) => status === "rejected"));
  await target.close();

  const revived = await startBrokerProcess(folder);
  const clients = connect(revived.address);
  const delivered = new Set<string>();
  while (!isSubset(acknowledged, delivered)) {
    for (const { messageId } of await pullMessages(clients, subscription, 1)) delivered.add(messageId);
  }
  await clients.close();
  assert.equal(await stopProcess(revived, "SIGTERM"), 0);
});

function isSubset(expected: string[], delivered: Set<string>): boolean {
  return expected.every((id) => delivered.has(id));
}

test("acknowledge() - an acknowledged acknowledgement survives kill -9, and the rest is delivered again", async () => {
  const broker = await startBrokerProcess(folder);
  const target = connect(broker.address);
  const topic = target.topicName("acks");
  const subscription = target.subscriptionName("acks");
  await target.publisher.createTopic({ name: topic });
  await target.subscriber.createSubscription({ name: subscription, topic });
  await publishTexts(target, topic, ...Array.from({ length: 20 }, (_, index) => `message ${index}`));
  const pulled = await pullMessages(target, subscription, 20);
  const [done, open] = [pulled.slice(0, 12), pulled.slice(12)];
  await target.subscriber.acknowledge({ subscription, ackIds: done.map(({ ackId }) => ackId) });
  await stopProcess(broker, "SIGKILL");
  await target.close();

  const revived = await startBrokerProcess(folder);
  const clients = connect(revived.address);
  const again = await pullMessages(clients, subscription, open.length);
  assert.deepEqual(
    again.map(({ messageId }) => messageId),
    open.map(({ messageId }) => messageId),
  );
  // An ack ID from before the crash still counts: whoever sends it has processed the message.
  await clients.subscriber.acknowledge({ subscription, ackIds: open.map(({ ackId }) => ackId) });
  await stopProcess(revived, "SIGTERM");
  await clients.close();

  const third = await startBrokerProcess(folder);
  const last = connect(third.address);
  assert.ok(await isEmpty(last, subscription));
  await last.close();
  await stopProcess(third, "SIGTERM");
});

test("the high-level client publishes and receives on after kill -9 and a restart on the same port", async () => {
  const broker = await startBrokerProcess(folder);
  const target = connect(broker.address);
  const topic = target.topicName("reconnect");
  await target.publisher.createTopic({ name: topic });
  await target.subscriber.createSubscription({ name: target.subscriptionName("reconnect"), topic });
  const received = new EventEmitter<Record<string, []>>();
  const subscription = target.pubsub.subscription(target.subscriptionName("reconnect"));
  subscription.on("error", () => {});
  subscription.on("message", (message: Message) => {
    message.ack();
    received.emit(message.data.toString());
  });
  const beforeCrash = once(received, "before");
  const publisher = target.pubsub.topic(topic);
  await publisher.publishMessage({ data: Buffer.from("before") });
  await beforeCrash;
  await stopProcess(broker, "SIGKILL");
  const revived = await startBrokerProcess(folder, Number(broker.address.split(":")[1]));
  const afterCrash = once(received, "after");
  await publisher.publishMessage({ data: Buffer.from("after") });
  await afterCrash;
  await subscription.close();
  await target.close();
  await stopProcess(revived, "SIGTERM");
});

test("a second broker on the same folder says what to do, and the first goes on", async () => {
  const broker = await startBrokerProcess(folder);
  const { code, stderr } = await failingBroker("--data", folder, "--port", "0");
  assert.equal(code, 1);
  assert.match(stderr, /Another broker uses .*: stop it, or give --data another folder/);
  const target = connect(broker.address);
  await target.publisher.createTopic({ name: target.topicName("alive") });
  await target.close();
  await stopProcess(broker, "SIGTERM");
});

test("a port that is taken ends the broker with EADDRINUSE", async () => {
  const broker = await startBrokerProcess(folder);
  const other = await temporaryFolder();
  const { code, stderr } = await failingBroker("--data", other, "--port", broker.address.split(":")[1] ?? "");
  assert.equal(code, 1);
  assert.match(stderr, /EADDRINUSE/);
  await stopProcess(broker, "SIGTERM");
  await rm(other, { recursive: true });
});

test("a broker ends when its parent disconnects", async () => {
  const broker = await startBrokerProcess(folder);
  const exited = once(broker.child, "exit");
  broker.child.disconnect();
  const [code] = await exited;
  assert.equal(code, 0);
});
