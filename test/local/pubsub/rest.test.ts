import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { request } from "node:http";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { startBroker, type Broker } from "../../../local/pubsub/broker.ts";
import { temporaryFolder } from "./target.ts";

let folder: string;
let broker: Broker;
let base: string;
before(async () => {
  folder = await temporaryFolder();
  broker = await startBroker({ dataDirectory: folder, port: 0, restPort: 0, log: () => {} });
  base = `http://${broker.host}:${broker.restPort}/v1/projects/rest`;
});
after(async () => {
  await broker.close();
  await rm(folder, { recursive: true });
});

/** What the tests look at in any answer. */
interface Body {
  messageRetentionDuration: string;
  labels: Record<string, string>;
  retryPolicy: { minimumBackoff: string };
  messageIds: string[];
  receivedMessages: [
    {
      ackId: string;
      message: { data: string; attributes: Record<string, string>; messageId: string; publishTime: string };
    },
  ];
  topics: { name: string }[];
  error: { code: number; status: string };
}

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: Body }> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const response = await fetch(`${base}/${path}`, init);
  return { status: response.status, body: (await response.json()) as Body };
}

test("REST - carries a message from publish to acknowledge in Google's JSON", async () => {
  const topic = await call("PUT", "topics/rest-topic", { messageRetentionDuration: "1200s", labels: { data: "x" } });
  assert.equal(topic.body.messageRetentionDuration, "1200s");
  assert.deepEqual(topic.body.labels, { data: "x" });
  await call("PUT", "subscriptions/rest-sub", {
    topic: "projects/rest/topics/rest-topic",
    retryPolicy: { minimumBackoff: "1.5s" },
  });
  const subscription = await call("GET", "subscriptions/rest-sub");
  assert.equal(subscription.body.retryPolicy.minimumBackoff, "1.5s");
  const data = Buffer.from("héllo").toString("base64");
  const published = await call("POST", "topics/rest-topic:publish", {
    messages: [{ data, attributes: { ttl: "kept" } }],
  });
  const pulled = await call("POST", "subscriptions/rest-sub:pull", { maxMessages: 5 });
  const [{ ackId, message }] = pulled.body.receivedMessages;
  assert.equal(message.data, data);
  assert.deepEqual(message.attributes, { ttl: "kept" });
  assert.equal(message.messageId, published.body.messageIds[0]);
  assert.ok(Math.abs(Date.parse(message.publishTime) - Date.now()) < 60_000);
  const acknowledged = await call("POST", "subscriptions/rest-sub:acknowledge", { ackIds: [ackId] });
  assert.deepEqual([acknowledged.status, acknowledged.body], [200, {}]);
  const listed = await call("GET", "topics?pageSize=1");
  assert.deepEqual(
    listed.body.topics.map(({ name }) => name),
    ["projects/rest/topics/rest-topic"],
  );
});

test("REST - errors have Google's shape", async () => {
  for (const [method, path, body, status, name] of [
    ["GET", "topics/missing", undefined, 404, "NOT_FOUND"],
    ["PUT", "topics/x", {}, 400, "INVALID_ARGUMENT"],
    ["POST", "topics/missing:publish", { messages: [{ data: 7 }] }, 400, "INVALID_ARGUMENT"],
    ["POST", "topics/missing:publish", { messages: [{ attributes: { key: 7 } }] }, 400, "INVALID_ARGUMENT"],
    ["PUT", "topics/malformed", { messageRetentionDuration: "soon" }, 400, "INVALID_ARGUMENT"],
    ["PATCH", "topics/missing", {}, 501, "UNIMPLEMENTED"],
    ["GET", "snapshots", undefined, 501, "UNIMPLEMENTED"],
  ] as const) {
    const answer = await call(method, path, body);
    assert.deepEqual([answer.status, answer.body.error.status], [status, name], `${method} ${path}`);
    assert.equal(answer.body.error.code, status);
  }
});

test("REST - a Host that is not this machine is refused", async () => {
  const url = new URL(`${base}/topics`);
  const sent = request(url, { headers: { host: "evil.example" } });
  sent.end();
  const [response] = await once(sent, "response");
  response.resume();
  assert.equal(response.statusCode, 403);
});

const noGcloud = spawnSync("gcloud", ["--version"]).status === 0 ? false : "gcloud is not installed";

test("REST - gcloud creates, publishes, pulls and deletes", { skip: noGcloud }, async () => {
  const gcloud = async (...command: string[]): Promise<string> => {
    const env = {
      ...process.env,
      CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB: `http://${broker.host}:${broker.restPort}/`,
      CLOUDSDK_AUTH_DISABLE_CREDENTIALS: "true",
      CLOUDSDK_CORE_PROJECT: "gcloud",
      CLOUDSDK_CONFIG: folder,
      CLOUDSDK_CORE_DISABLE_PROMPTS: "1",
    };
    const { stdout } = await promisify(execFile)("gcloud", ["pubsub", ...command, "--format=json"], { env });
    return stdout;
  };
  await gcloud("topics", "create", "gcloud-topic");
  await gcloud("subscriptions", "create", "gcloud-sub", "--topic=gcloud-topic");
  await gcloud("topics", "publish", "gcloud-topic", "--message=from gcloud", "--attribute=key=value");
  const [pulled] = JSON.parse(
    await gcloud("subscriptions", "pull", "gcloud-sub", "--auto-ack"),
  ) as Body["receivedMessages"];
  assert.equal(Buffer.from(pulled.message.data, "base64").toString(), "from gcloud");
  assert.deepEqual(pulled.message.attributes, { key: "value" });
  await gcloud("topics", "delete", "gcloud-topic");
  assert.deepEqual(JSON.parse(await gcloud("topics", "list")), []);
});
