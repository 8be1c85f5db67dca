import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, before, test } from "node:test";
import { createPublisher, type Publisher } from "@indelible/publisher";
import { createPubSubTransport } from "@indelible/publisher/pubsub-transport.ts";
import { IndelibleError, type ErrorCode } from "@indelible/schemas/errors.ts";
import { startBroker } from "../../local/pubsub/broker.ts";
import { pullMessages, startTarget, temporaryFolder, type Target } from "../local/pubsub/target.ts";
import { runHost } from "./host.ts";

let target: Target;
let project: string;

before(async () => {
  target = await startTarget();
  process.env["PUBSUB_EMULATOR_HOST"] = target.address;
  project = target.project.slice("projects/".length);
});

after(() => target.close());

const agent = { businessId: "acme", agentPosition: "CFO" };

/** Creates the topic of `table` under `prefix`, with a subscription of the same name. */
async function createTopic(prefix: string, table: string): Promise<string> {
  const id = `${prefix}.${table}`;
  await target.publisher.createTopic({ name: target.topicName(id) });
  const subscription = target.subscriptionName(id);
  await target.subscriber.createSubscription({ name: subscription, topic: target.topicName(id) });
  return subscription;
}

test("flush() - what it calls acknowledged can be pulled, as it was logged", async () => {
  const subscription = await createTopic("pulled", "action_logs");
  const log = createPublisher({ ...agent, projectId: project, topicPrefix: "pulled", maxBatchEvents: 2 });
  const logIds = ["zwölf", "€ 5", "😀"].map((action_target) => log.action({ action_target }));
  assert.deepEqual(await log.flush(), { acknowledged: 3, spooled: 0, outstanding: 0 });
  await log.close();
  const messages = await pullMessages(target, subscription, 2);
  const events = messages
    .flatMap(({ data }) => data.split("\n"))
    .map((line) => JSON.parse(line) as { log_id: string; seq: number; action_target: string })
    .toSorted((a, b) => a.seq - b.seq);
  assert.deepEqual(
    events.map(({ log_id, action_target }) => [log_id, action_target]),
    [
      [logIds[0], "zwölf"],
      [logIds[1], "€ 5"],
      [logIds[2], "😀"],
    ],
  );
  assert.deepEqual(messages.map(({ attributes }) => attributes["format"] ?? "json").toSorted(), ["json", "ndjson"]);
});

test("flush() - a message of the largest size is taken", async () => {
  const subscription = await createTopic("large", "thinking_logs");
  const log = createPublisher({ ...agent, projectId: project, topicPrefix: "large", compression: "none" });
  const thinking_content = "x".repeat(9_499_000);
  log.thinking({ conversation_id: "c", thinking_content });
  assert.deepEqual(await log.close(), { acknowledged: 1, spooled: 0, outstanding: 0 });
  const [message] = await pullMessages(target, subscription, 1);
  assert.ok(message!.data.includes(thinking_content));
});

test("publish() - events for a topic that is created later wait for it, and onError has the command that creates it", async () => {
  const errors: IndelibleError[] = [];
  const reported = Promise.withResolvers<void>();
  const log = createPublisher({
    ...agent,
    projectId: project,
    topicPrefix: "later",
    onError: (error) => {
      errors.push(error);
      reported.resolve();
    },
  });
  log.action({});
  await reported.promise;
  assert.equal(errors[0]!.hint, `Run: gcloud pubsub topics create later.action_logs --project=${project}`);
  assert.equal(log.stats().queued + log.stats().inFlight, 1);
  await createTopic("later", "action_logs");
  assert.deepEqual(await log.close(), { acknowledged: 1, spooled: 0, outstanding: 0 });
});

test("createPubSubTransport() - what can never be taken is not retryable, everything else is", async () => {
  const transport = createPubSubTransport({ projectId: project });
  const codeOf = async (topic: string): Promise<[ErrorCode, boolean]> => {
    const error: unknown = await transport
      .publish(topic, Buffer.from("{}"), {}, 5_000)
      .catch((cause: unknown) => cause);
    assert.ok(IndelibleError.is(error));
    return [error.code, error.retryable];
  };
  assert.deepEqual(await codeOf("no-such-topic"), ["ERR_PUBLISH", true]);
  assert.deepEqual(await codeOf("goog/invalid topic"), ["ERR_MESSAGE_REFUSED", false]);
  await transport.close();
});

test("transport - publishers share one, and closing one of them leaves it to the others", async () => {
  const subscription = await createTopic("sharing", "action_logs");
  const transport = createPubSubTransport({ projectId: project });
  const open = (agentPosition: string): Publisher =>
    createPublisher({ ...agent, agentPosition, topicPrefix: "sharing", transport });
  const [first, second] = [open("CEO"), open("CMO")];
  first.action({});
  await first.close();
  second.action({});
  assert.deepEqual(await second.close(), { acknowledged: 1, spooled: 0, outstanding: 0 });
  await transport.close();
  assert.equal((await pullMessages(target, subscription, 2)).length, 2);
});

test("exit - a process whose publisher has sent everything and was not closed ends by itself", async () => {
  const subscription = await createTopic("agent-logs", "action_logs");
  const printed = await runHost(
    `log.action({}); console.log(JSON.stringify(await log.flush()));`,
    { PUBSUB_EMULATOR_HOST: target.address },
    { project },
  );
  assert.equal(printed, '{"acknowledged":1,"spooled":0,"outstanding":0}');
  assert.equal((await pullMessages(target, subscription, 1)).length, 1);
});

test("publish() - a broker that goes away and comes back gets everything that was logged meanwhile", async () => {
  const dataDirectory = await temporaryFolder();
  const silence = (): void => {};
  let broker = await startBroker({ dataDirectory, port: 0, log: silence });
  const { port } = broker;
  const before = process.env["PUBSUB_EMULATOR_HOST"];
  process.env["PUBSUB_EMULATOR_HOST"] = `127.0.0.1:${port}`;
  const log = createPublisher({ ...agent, projectId: "restart", maxBatchEvents: 10, onError: silence });
  try {
    const { PubSub } = await import("@google-cloud/pubsub");
    const pubsub = new PubSub({ projectId: "restart" });
    await pubsub.createTopic("agent-logs.action_logs");
    await pubsub.close();
    log.action({});
    assert.equal((await log.flush()).acknowledged, 1);
    await broker.close();
    for (let index = 0; index < 100; index += 1) log.action({});
    assert.deepEqual(await log.flush({ deadlineMs: 200 }), { acknowledged: 1, spooled: 0, outstanding: 100 });
    broker = await startBroker({ dataDirectory, port, log: silence });
    assert.deepEqual(await log.close({ deadlineMs: 20_000 }), { acknowledged: 101, spooled: 0, outstanding: 0 });
  } finally {
    process.env["PUBSUB_EMULATOR_HOST"] = before;
    await log.close({ deadlineMs: 0 });
    await broker.close();
    await rm(dataDirectory, { recursive: true });
  }
});
