import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { PubSub, type Topic } from "@google-cloud/pubsub";
import { startService, type ServiceProcess } from "../processes.ts";
import { readRow } from "./rows.ts";
import { answers, scriptedWriteApi, type Answer, type ScriptedWriteApi } from "./scripted-write-api.ts";

const projectId = "worker-test";
const event = (n: number): object => ({
  agent_position: "CFO",
  business_id: "acme",
  conversation_id: "c1",
  log_id: `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`,
  started_at: "2026-01-31T09:30:00Z",
});

describe("the worker", () => {
  const data = mkdtempSync(join(tmpdir(), "indelible-worker-"));
  let broker: ServiceProcess;
  let worker: ServiceProcess;
  let writeApi: ScriptedWriteApi;
  let pubsub: PubSub;
  let topic: Topic;
  let answer: Answer = answers.ok;

  const start = (): Promise<ServiceProcess> =>
    startService("subscriber/worker.ts", ["--port", "0", "--table", "conversations"], {
      GOOGLE_CLOUD_PROJECT: projectId,
      PUBSUB_EMULATOR_HOST: `127.0.0.1:${broker.ready.port}`,
      BIGQUERY_STORAGE_HOST: `127.0.0.1:${writeApi.port}`,
    });
  const rows = (): Record<string, unknown>[] => writeApi.committed.map((row) => readRow("conversations", row));
  const publish = (events: readonly object[]): Promise<string> =>
    topic.publishMessage({
      data: Buffer.from(events.map((one) => JSON.stringify(one)).join("\n")),
      attributes: { format: "ndjson" },
    });
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${worker.ready.port}/metrics`)).text();
    return Number(new RegExp(`^indelible_${name} (\\S+)$`, "m").exec(text)?.[1] ?? 0);
  };
  async function until(done: () => Promise<boolean>): Promise<void> {
    while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  before(async () => {
    broker = await startService("local/pubsub/main.ts", ["--data", data, "--port", "0"]);
    writeApi = await scriptedWriteApi((...args) => answer(...args));
    pubsub = new PubSub({
      projectId,
      apiEndpoint: `127.0.0.1:${broker.ready.port}`,
      emulatorMode: true,
      clientOptions: { universeDomain: "googleapis.com" },
    });
    [topic] = await pubsub.createTopic("agent-logs.conversations");
    await pubsub.createTopic("agent-logs.dead-letter");
    await topic.createSubscription("agent-logs.conversations.worker", {
      ackDeadlineSeconds: 10,
      retryPolicy: { minimumBackoff: { seconds: 0 }, maximumBackoff: { seconds: 1 } },
    });
    worker = await start();
  });
  after(async () => {
    await worker?.stop();
    await pubsub?.close();
    writeApi?.close();
    await writeApi?.client.close();
    await broker?.stop();
    rmSync(data, { recursive: true });
  });

  it("is reached from this machine only, unless it is on Cloud Run", () => {
    assert.equal(worker.ready.host, "127.0.0.1");
  });

  it("makes rows of what it pulls, and gives each the time at which Pub/Sub took its message", async () => {
    const before = Date.now();
    const id = await publish([event(1), event(2)]);
    await until(async () => (await metric('messages_total{table="conversations",result="acknowledged"}')) === 1);
    assert.deepEqual(
      rows().map((row) => row["message_id"]),
      [id, id],
    );
    const publishedAt = Number(rows()[0]?.["published_at"]);
    assert.ok(Number.isInteger(publishedAt) && publishedAt / 1000 >= before && publishedAt / 1000 <= Date.now());
  });

  it("gives back what could not be appended, and takes it again", async () => {
    answer = answers.resourceExhausted;
    await publish([event(3)]);
    await until(async () => (await metric('messages_total{table="conversations",result="ERR_APPEND_REFUSED"}')) > 0);
    answer = answers.ok;
    await until(async () => (await metric('events_accepted_total{table="conversations"}')) === 3);
  });

  it("finishes on SIGTERM what it has, so that nothing of it is delivered again", async () => {
    const held: (() => void)[] = [];
    answer = (...args) => void held.push(() => answers.ok(...args));
    await publish([event(4)]);
    await until(async () => held.length === 1);
    const stopped = worker.stop();
    answer = answers.ok;
    // It must be draining before the append ends.
    await until(async () => (await fetch(`http://127.0.0.1:${worker.ready.port}/healthz`)).status === 503);
    held[0]?.();
    await stopped;
    assert.equal(worker.process.exitCode, 0);
    const committed = rows().length;

    worker = await start();
    await publish([event(5)]);
    await until(async () => (await metric('events_accepted_total{table="conversations"}')) === 1);
    assert.deepEqual(
      rows()
        .slice(committed)
        .map((row) => row["log_id"]),
      [(event(5) as { log_id: string }).log_id],
    );
  });

  it("says which subscription is missing, and how it must be, and goes on when it is there", async () => {
    const lonely = await startService("subscriber/worker.ts", ["--port", "0", "--table", "action_logs"], {
      GOOGLE_CLOUD_PROJECT: projectId,
      PUBSUB_EMULATOR_HOST: `127.0.0.1:${broker.ready.port}`,
      BIGQUERY_STORAGE_HOST: `127.0.0.1:${writeApi.port}`,
    });
    try {
      await until(async () => lonely.errors().includes("agent-logs.action_logs.worker"));
      assert.match(lonely.errors(), /must exist as a pull subscription/);
      const [actions] = await pubsub.createTopic("agent-logs.action_logs");
      await actions.createSubscription("agent-logs.action_logs.worker");
      await actions.publishMessage({ json: { ...event(6), action_id: "a1", conversation_id: null } });
      await until(async () => writeApi.requests.some(({ request }) => request.writeStream?.includes("/action_logs/")));
    } finally {
      await lonely.stop();
    }
  });

  it("refuses a table that has no topic", async () => {
    await assert.rejects(
      startService("subscriber/worker.ts", ["--table", "seals"], { GOOGLE_CLOUD_PROJECT: projectId }),
      /--table seals has no topic/,
    );
  });
});
