/** What is deployed is not what runs in the repository: one file of JavaScript a program, and packages by its lock file. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { pullSubscriptionOf, pushSubscriptionOf, topicOf } from "@indelible/schemas/names.ts";
import type { PubSub } from "@google-cloud/pubsub";
import { bigQueryClient, pubSubClient } from "../../cli/clients.ts";
import { deliver } from "../../cli/delivery.ts";
import { provisionTopics } from "../../cli/dev/provision.ts";
import { sampleDay } from "../../cli/sample/day.ts";
import { Deployables, LocalServices, Program, startFunction } from "./deployed.ts";
import { assertSampleDay } from "./sample-day.ts";

const indelible = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

describe("what is deployed, started as the cloud would", () => {
  let deployables: Deployables;
  let services: LocalServices;
  let pubsub: PubSub;
  const running: Program[] = [];

  before(async () => {
    [deployables, services] = await Promise.all([Deployables.build(), LocalServices.start()]);
    deployables.install();
    pubsub = pubSubClient(services.project);
  });
  after(async () => {
    await Promise.all(running.map((program) => program.stop()));
    await pubsub?.close();
    await services?.close();
    deployables?.[Symbol.dispose]();
  });

  async function start(name: string, target: string, role: "writer" | "sealer"): Promise<string> {
    const { program, origin } = await startFunction(deployables.folder(name), target, services.variables(role));
    running.push(program);
    return origin;
  }

  it("function/ - takes the sample day that the broker pushes: rows, a dead letter, and a duplicate once", async () => {
    await provisionTopics(pubsub, await start("function", "ingest", "writer"));
    const report = await deliver(sampleDay("2026-01-31"), {
      project: services.project,
      local: true,
      alone: true,
      signal: new AbortController().signal,
    });
    assertSampleDay(report);
  });

  it("sealer/ - seals those rows, and `indelible verify` accepts them", async () => {
    const origin = await start("sealer", "seal", "sealer");
    const response = await fetch(`${origin}/seal`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    const sealed = (await response.json()) as { rows: number; witness: string };
    assert.equal(response.status, 200, running.at(-1)?.errors);
    assert.ok(sealed.rows > 100, `${sealed.rows} rows`);
    assert.equal(sealed.witness, "ok");
    const verified = await promisify(execFile)(process.execPath, [indelible, "verify", "--data", services.data]);
    assert.match(verified.stdout, /^Verified: /m);
  });

  it("worker/ - takes what it pulls, where the port is the cloud's, and finishes on SIGTERM", async () => {
    const topic = pubsub.topic(topicOf("action_logs"));
    await topic.subscription(pushSubscriptionOf(topicOf("action_logs"))).delete();
    await topic.createSubscription(pullSubscriptionOf(topicOf("action_logs")), { ackDeadlineSeconds: 10 });
    const worker = new Program(deployables.folder("worker"), ["index.js", "--table", "action_logs"], {
      ...services.variables("writer"),
      CLOUD_RUN_WORKER_POOL: "worker",
      PORT: "0",
    });
    running.push(worker);
    const event = {
      action_id: "pulled",
      business_id: "acme",
      agent_position: "CFO",
      started_at: "2026-01-31T09:30:00Z",
    };
    await topic.publishMessage({ json: event });
    const bigquery = bigQueryClient(services.project, true);
    const query = "SELECT COUNT(*) AS n FROM agent_logs.action_logs_history WHERE action_id = 'pulled'";
    const count = async (): Promise<number> => ((await bigquery.query(query))[0] as { n: number }[])[0]?.n ?? 0;
    assert.equal(await worker.until(async () => (await count()) || undefined), 1);

    const { host, port } = JSON.parse(worker.out) as { host: string; port: number };
    assert.equal(host, "0.0.0.0");
    assert.notEqual(port, 8081);
    assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
    await worker.stop();
    assert.equal(worker.process.exitCode, 0, worker.errors);
  });
});
