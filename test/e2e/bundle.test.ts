/** What is deployed is not what runs in the repository: one file of JavaScript a program, and packages by its lock file. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
import { openBundle } from "../../infra/bundle.ts";
import { writeDeployable } from "../../subscriber/deployable.ts";
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

class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "indelible-build-"));
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
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

  it("is the same to the byte when it is built again, elsewhere, by somebody who has told npm other things", async () => {
    using home = new Folder();
    writeFileSync(join(home.path, ".npmrc"), "lockfile-version=2\ninstall-strategy=nested\n");
    const told = { npm_config_dry_run: "true", NPM_CONFIG_PACKAGE_LOCK: "false", npm_config_userconfig: undefined };
    using again = await Deployables.build(["ledger/bundle.ts"], { ...process.env, ...told, HOME: home.path });
    for (const file of again.files("sealer")) {
      assert.ok(again.read("sealer", file) === deployables.read("sealer", file), file);
    }
  });

  it("is what a deployment takes", () => {
    for (const name of functions) assert.match(openBundle(deployables.folder(name)).sha256, /^[0-9a-f]{64}$/);
  });

  /** npm as it is to be found. */
  const npms: { readonly [what: string]: readonly [script: string | undefined, said: RegExp] } = {
    "npm fails": [
      "echo 'npm error code ENOTCACHED' >&2; exit 1",
      /^npm made no lock file .*\n(?:.*\n)*npm error code ENOTCACHED\n/,
    ],
    "npm writes nothing": ["exit 0", /^npm made no lock file of indelible-sealer/],
    "npm writes a lock file of another version": [
      `echo '{"name":"indelible-sealer","lockfileVersion":2}' >package-lock.json`,
      /^npm made no lock file of indelible-sealer/,
    ],
    "there is no npm": [undefined, /^npm cannot be run/],
  };
  for (const [what, [script, said]] of Object.entries(npms)) {
    it(`stays as it was when ${what}, and a line or two say so`, async () => {
      using folder = new Folder();
      mkdirSync(join(folder.path, "bin"));
      if (script !== undefined) writeFileSync(join(folder.path, "bin/npm"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      mkdirSync(join(folder.path, "dist/sealer"), { recursive: true });
      writeFileSync(join(folder.path, "dist/sealer/index.js"), "the last good one");
      const env = { ...process.env, PATH: join(folder.path, "bin") };
      await assert.rejects(
        run(process.execPath, [`${root}ledger/bundle.ts`, join(folder.path, "dist")], { env }),
        ({ code, stderr }: { code: number; stderr: string }) => {
          assert.equal(code, 1);
          assert.match(stderr, said);
          assert.doesNotMatch(stderr, /^ +at |node:internal/m);
          assert.match(stderr, /\S\n$/);
          return true;
        },
      );
      assert.deepEqual(readdirSync(join(folder.path, "dist"), { recursive: true }).toSorted(), [
        "sealer",
        "sealer/index.js",
      ]);
      assert.equal(readFileSync(join(folder.path, "dist/sealer/index.js"), "utf8"), "the last good one");
    });
  }

  it("stays as it was when a source cannot be bundled", async () => {
    using folder = new Folder();
    const broken = { name: "broken", program: "subscriber/none.ts", installed: [], start: "node index.js" };
    await assert.rejects(writeDeployable(join(folder.path, "broken"), broken), {
      code: "ERR_CONFIG",
      message: "subscriber/none.ts cannot be bundled",
    });
    assert.deepEqual(readdirSync(folder.path), []);
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
