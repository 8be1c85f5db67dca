/** The transport in its thread: each host is a process of its own, and its events go to a real broker. */
import assert from "node:assert/strict";
import { createServer, type AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { pullMessages, startTarget, type Target } from "../../local/pubsub/target.ts";
import { runHost, type HostEnvironment } from "../host.ts";

let target: Target;
let project: string;

before(async () => {
  target = await startTarget();
  project = target.project.slice("projects/".length);
});

after(() => target.close());

/** Creates the topic of action_logs under `prefix`, with a subscription. */
async function createTopic(prefix: string): Promise<string> {
  const id = `${prefix}.action_logs`;
  await target.publisher.createTopic({ name: target.topicName(id) });
  const subscription = target.subscriptionName(id);
  await target.subscriber.createSubscription({ name: subscription, topic: target.topicName(id) });
  return subscription;
}

/** Runs `body` with `logger`, whose transport publishes under `prefix`, and `event`, which makes what is to be logged. */
function runLogger(prefix: string, body: string, environment: HostEnvironment, options = ""): Promise<string> {
  return runHost(
    `import pino from "pino";
     const publisher = { businessId: "acme", agentPosition: "CFO", projectId: "${project}", topicPrefix: "${prefix}" };
     const transport = pino.transport({
       target: "@indelible/publisher/pino",
       caller: process.cwd() + "/host.js",
       options: { ...publisher, publishDeadlineMs: 1_000, ${options} },
     });
     const logger = pino({}, transport);
     const event = (action_target) => ({ indelible: { table: "action_logs", action_target } });
     ${body}`,
    environment,
    { project },
  );
}

async function targetsOf(subscription: string, count: number): Promise<unknown[]> {
  const messages = await pullMessages(target, subscription, 1);
  const targets = messages
    .flatMap(({ data }) => data.split("\n"))
    .map((line) => (JSON.parse(line) as { action_target: unknown }).action_target);
  assert.equal(targets.length, count);
  return targets;
}

const onReady = 'transport.on("ready", logThree);';

const ends: readonly (readonly [title: string, prefix: string, body: string])[] = [
  ["ends by itself", "by-itself", onReady],
  ["calls process.exit()", "by-exit", `${onReady} transport.on("ready", () => process.exit(0));`],
  ["is over before the thread has begun", "at-once", "logThree(); process.exit(0);"],
  [
    "has an uncaught exception",
    "by-throw",
    `${onReady}
     transport.on("ready", () => { throw new Error("host"); });
     process.on("exit", () => { process.exitCode = 0; });`,
  ],
];

for (const [title, prefix, body] of ends) {
  test(`pino.transport() - what was logged is acknowledged when its host ${title}`, async () => {
    const subscription = await createTopic(prefix);
    const source = `const logThree = () => {
       for (const action_target of ["a", "b", "c"]) logger.info(event(action_target), "text");
       logger.info("no event");
     };
     ${body}`;
    await runLogger(prefix, source, { PUBSUB_EMULATOR_HOST: target.address });
    assert.deepEqual(await targetsOf(subscription, 3), ["a", "b", "c"]);
  });
}

test("pino.transport() - logger.flush() waits for the thread's acknowledgements", async () => {
  const subscription = await createTopic("flushed");
  const printed = await runLogger(
    "flushed",
    `logger.info(event("a"));
     logger.flush((error) => { console.log("flushed", error); process.kill(process.pid, "SIGKILL"); });`,
    { PUBSUB_EMULATOR_HOST: target.address },
  ).catch((error: { stdout: string }) => error.stdout.trim());
  assert.equal(printed, "flushed undefined");
  assert.deepEqual(await targetsOf(subscription, 1), ["a"]);
});

test("pino.transport() - works as one of several targets", async () => {
  const subscription = await createTopic("several");
  const printed = await runHost(
    `import pino from "pino";
     const publisher = { businessId: "acme", agentPosition: "CFO", projectId: "${project}", topicPrefix: "several" };
     const logger = pino({ base: null, timestamp: false }, pino.transport({
       caller: process.cwd() + "/host.js",
       targets: [
         { target: "@indelible/publisher/pino", level: "info", options: publisher },
         { target: "pino/file", level: "warn" },
       ],
     }));
     logger.debug({ indelible: { table: "action_logs", action_target: "below" } });
     logger.info({ indelible: { table: "action_logs", action_target: "a" } });
     logger.warn("printed");`,
    { PUBSUB_EMULATOR_HOST: target.address },
    { project },
  );
  assert.deepEqual(JSON.parse(printed), { level: 40, msg: "printed" });
  assert.deepEqual(await targetsOf(subscription, 1), ["a"]);
});

test("pino.transport() - a service that never answers holds up the host's end no longer than the deadline", async () => {
  const sockets = new Set<{ destroy(): void }>();
  const silent = createServer((socket) => sockets.add(socket.on("error", () => {})));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const source = 'logger.info(event("a")); console.log("end");';
  const printed = await runLogger("silent", source, { PUBSUB_EMULATOR_HOST: address }, "closeDeadlineMs: 100,");
  assert.equal(printed, "end");
  for (const socket of sockets) socket.destroy();
  silent.close();
});

test("pino.transport() - options that cannot be used are the transport's error", async () => {
  // Between threads an error keeps its message and loses its code.
  const printed = await runLogger(
    "bad",
    'transport.on("error", (error) => { console.log(error.message); });',
    {},
    'agentPosition: "",',
  );
  assert.match(printed, /agentPosition must be a text/);
});
