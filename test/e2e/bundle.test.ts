/** What is deployed is not what runs in the repository: one file of JavaScript a program, and packages by its lock file. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { PubSub } from "@google-cloud/pubsub";
import {
  DEFAULT_TOPIC_PREFIX,
  defaultDatasets,
  pullSubscriptionOf,
  pushSubscriptionOf,
  topicOf,
} from "@indelible/schemas/names.ts";
import { bigQueryClient, pubSubClient } from "../../cli/clients.ts";
import { deliver } from "../../cli/delivery.ts";
import { provisionTopics } from "../../cli/dev/provision.ts";
import { sampleDay } from "../../cli/sample/day.ts";
import { FakeGcs } from "../ledger/fake-gcs.ts";
import { Deployables, type LockedPackage } from "./deployables.ts";
import { LocalServices } from "./local-services.ts";
import { Program, startFunction } from "./program.ts";
import { assertSampleDay } from "./sample-day.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const framework = "@google-cloud/functions-framework";
const functions = ["function", "sealer"];

interface Manifest {
  readonly main: string;
  readonly scripts: object;
  readonly dependencies: { readonly [name: string]: string };
}

describe("what is deployed", () => {
  let deployables: Deployables;
  let services: LocalServices;
  let pubsub: PubSub;
  const bucket = new FakeGcs("witness");
  const running: Program[] = [];

  before(async () => {
    process.env["STORAGE_EMULATOR_HOST"] = await bucket.start();
    // The other half of what a sealer does with Cloud Storage in the cloud.
    process.env["INDELIBLE_LEDGER_WITNESS"] = "gs://witness/log";
    [deployables, services] = await Promise.all([Deployables.build(), LocalServices.start()]);
    pubsub = pubSubClient(services.project);
  });
  after(async () => {
    await Promise.all(running.map((program) => program.stop()));
    await pubsub?.close();
    await services?.close();
    await bucket.stop();
    deployables?.[Symbol.dispose]();
  });

  for (const name of ["function", "sealer", "worker"]) {
    it(`${name}/ - is five files, in which nothing names the machine that made them`, () => {
      const names = ["THIRD-PARTY-LICENSES.txt", "index.js", "index.js.map", "package-lock.json", "package.json"];
      assert.deepEqual(deployables.files(name), names);
      for (const file of names) {
        const text = deployables.read(name, file);
        assert.ok(!text.includes(root) && !text.includes(deployables.path), file);
      }
      assert.match(deployables.read(name, "index.js"), /\n\/\/# sourceMappingURL=index\.js\.map\n$/);
      const { sources } = JSON.parse(deployables.read(name, "index.js.map")) as { sources: string[] };
      assert.deepEqual(
        sources.filter((source) => !/^(schemas|publisher|subscriber|ledger|node_modules)\//.test(source)),
        [],
      );
      const { main, scripts } = JSON.parse(deployables.read(name, "package.json")) as Manifest;
      assert.equal(main, "index.js");
      assert.deepEqual(Object.keys(scripts), ["start"], "whatever else there is, a buildpack may run");
      const licences = deployables.read(name, "THIRD-PARTY-LICENSES.txt");
      assert.match(licences, /^ajv 8\.20\.0$/m);
      assert.match(licences, /Permission is hereby granted, free of charge/);
    });
  }

  it("installs what was tested: each package of a lock file is that of the repository's, and has no registry in it", () => {
    const { packages } = JSON.parse(readFileSync(`${root}package-lock.json`, "utf8")) as {
      packages: { [path: string]: LockedPackage };
    };
    const workspaces = { function: "subscriber", sealer: "ledger" };
    for (const [name, workspace] of Object.entries(workspaces)) {
      const { dependencies } = JSON.parse(readFileSync(`${root}${workspace}/package.json`, "utf8")) as Manifest;
      const deployed = JSON.parse(deployables.read(name, "package.json")) as Manifest;
      assert.deepEqual(deployed.dependencies, { [framework]: dependencies[framework] });
      assert.equal(deployables.locked(name).get(`node_modules/${framework}`)?.version, dependencies[framework]);
      for (const [path, { version, integrity, resolved }] of deployables.locked(name)) {
        assert.deepEqual(
          [version, integrity, resolved],
          [packages[path]?.version, packages[path]?.integrity, undefined],
          path,
        );
        assert.match(integrity, /^sha512-/, path);
      }
    }
    assert.deepEqual([...deployables.locked("worker")], []);
    const [first, second] = functions.map((name) => deployables.locked(name));
    assert.deepEqual(first, second, "install() relies on it");
  });

  it("is the same to the byte when it is built again, elsewhere", async () => {
    using again = await Deployables.build(["ledger/bundle.ts"]);
    for (const file of again.files("sealer")) {
      assert.ok(again.read("sealer", file) === deployables.read("sealer", file), file);
    }
  });

  it("names the TypeScript and its line in a stack trace", async () => {
    const broken = new Program(deployables.folder("worker"), ["--enable-source-maps", "index.js"], {});
    await broken.ended();
    const [, line] = /at projectOf \(.*\/subscriber\/config\.ts:(\d+):\d+\)/.exec(broken.errors) ?? [];
    const source = readFileSync(`${root}subscriber/config.ts`, "utf8").split("\n");
    assert.match(source[Number(line) - 1] ?? "", /throw new IndelibleError\("ERR_CONFIG"/, broken.errors);
  });

  type Variables = { readonly [name: string]: string };
  async function start(name: string, target: string, role: "writer" | "sealer", more: Variables = {}): Promise<string> {
    const env = { ...services.variables(role), ...more };
    const { program, origin } = await startFunction(deployables.folder(name), target, env);
    running.push(program);
    return origin;
  }
  const seal = (origin: string): Promise<Response> =>
    fetch(`${origin}/seal`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });

  it("function/ - takes, where only the packages of its lock file are, the sample day that the broker pushes: rows, a dead letter, and a duplicate once", async () => {
    deployables.install();
    await provisionTopics(pubsub, await start("function", "ingest", "writer"));
    const report = await deliver(sampleDay("2026-01-31"), {
      project: services.project,
      local: true,
      datasets: defaultDatasets,
      topicPrefix: DEFAULT_TOPIC_PREFIX,
      alone: true,
      signal: new AbortController().signal,
    });
    assertSampleDay(report);
  });

  it("sealer/ - seals those rows, shows them to a witness in a bucket, and `indelible verify` accepts them", async () => {
    const { STORAGE_EMULATOR_HOST = "" } = process.env;
    const response = await seal(await start("sealer", "seal", "sealer", { STORAGE_EMULATOR_HOST }));
    const sealed = (await response.json()) as { rows: number; witness: string };
    assert.equal(response.status, 200, running.at(-1)?.errors);
    assert.ok(sealed.rows > 100, `${sealed.rows} rows`);
    assert.equal(sealed.witness, "ok");
    assert.ok(bucket.objects.size > 0, "the witness has seen it");
    const verified = await run(process.execPath, [`${root}cli/main.ts`, "verify", "--data", services.data]);
    assert.match(verified.stdout, /^Verified: /m);
  });

  it("sealer/ - has the client of Cloud KMS in it, which says what it lacks here", async () => {
    const key = "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";
    const response = await seal(
      await start("sealer", "seal", "sealer", {
        INDELIBLE_LEDGER_KEYS: "",
        INDELIBLE_LEDGER_KMS_KEYS: key,
        INDELIBLE_LEDGER_KEY_LIST: "none.json",
        // A name that no server has.
        GOOGLE_CLOUD_UNIVERSE_DOMAIN: "invalid",
        METADATA_SERVER_DETECTION: "none",
      }),
    );
    assert.ok(response.status >= 500, `${response.status}`);
    const { errors = "" } = running.at(-1) ?? {};
    assert.match(errors, /cryptoKeyVersions\/1/);
    assert.doesNotMatch(errors, /Cannot find module|ENOENT|is not a function|is not a constructor/);
  });

  it("worker/ - takes what it pulls, at the cloud's port, without the shared dedup that it was told of, and ends on SIGTERM", async () => {
    const topic = pubsub.topic(topicOf("action_logs"));
    await topic.subscription(pushSubscriptionOf(topicOf("action_logs"))).delete();
    await topic.createSubscription(pullSubscriptionOf(topicOf("action_logs")), { ackDeadlineSeconds: 10 });
    const worker = new Program(deployables.folder("worker"), ["index.js", "--table", "action_logs"], {
      ...services.variables("writer"),
      CLOUD_RUN_WORKER_POOL: "worker",
      PORT: "0",
      INDELIBLE_DEDUP_REDIS_URL: "redis://127.0.0.1:1",
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

    assert.match(worker.errors, /the shared dedup store fails.*ECONNREFUSED/);
    const { host, port } = JSON.parse(worker.out) as { host: string; port: number };
    assert.equal(host, "0.0.0.0");
    assert.notEqual(port, 8081);
    assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
    await worker.stop();
    assert.equal(worker.process.exitCode, 0, worker.errors);
  });
});
