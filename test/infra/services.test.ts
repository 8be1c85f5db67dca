import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tableNames } from "@indelible/schemas/tables.ts";
import { declaredTopics } from "@indelible/schemas/topics.ts";
import { graphOf } from "../../infra/graph.ts";
import { inputOf, nodeOf, nodesOf } from "./nodes.ts";
import { production, staging } from "./stacks.ts";

const graph = await graphOf(production);
const second = await graphOf(staging);
const ingest = nodeOf(graph, "Function", "function");
const sealer = nodeOf(graph, "Function", "sealer");

describe("the function", () => {
  it("runs on Node 24, as the account that may append, and takes 80 requests at once", () => {
    assert.equal(inputOf(ingest, "buildConfig.runtime"), "nodejs24");
    assert.equal(inputOf(ingest, "buildConfig.entryPoint"), "ingest");
    assert.deepEqual(inputOf(ingest, "serviceConfig"), {
      availableCpu: "1",
      availableMemory: "2Gi",
      maxInstanceRequestConcurrency: 80,
      minInstanceCount: 1,
      maxInstanceCount: 100,
      timeoutSeconds: 60,
      ingressSettings: "ALLOW_INTERNAL_ONLY",
      allTrafficOnLatestRevision: true,
      serviceAccountEmail: "indelible-writer@acme-agents.iam.gserviceaccount.com",
      environmentVariables: {
        GOOGLE_CLOUD_PROJECT: "acme-agents",
        INDELIBLE_DATASET: "agent_logs_raw",
        INDELIBLE_TOPIC_PREFIX: "agent-logs",
      },
    });
  });

  it("may take as long as Pub/Sub waits for its answer", () => {
    for (const { delivery } of declaredTopics())
      assert.equal(inputOf(ingest, "serviceConfig.timeoutSeconds"), delivery.ackDeadlineSeconds);
  });

  it("has the instances, topics and dataset of its environment", async () => {
    const config = { ...staging, "indelible:minInstances": "0", "indelible:maxInstances": "7" };
    const node = nodeOf(await graphOf(config), "Function", "function");
    assert.deepEqual(
      [inputOf(node, "serviceConfig.minInstanceCount"), inputOf(node, "serviceConfig.maxInstanceCount")],
      [0, 7],
    );
    assert.deepEqual(inputOf(node, "serviceConfig.environmentVariables"), {
      GOOGLE_CLOUD_PROJECT: "acme-agents",
      INDELIBLE_DATASET: "agent_logs_staging_raw",
      INDELIBLE_TOPIC_PREFIX: "agent-logs-staging",
    });
  });

  it("is changed after the tables, as sealer and worker are: whoever knows a column that its table has not cannot append a row", () => {
    const tables = tableNames.map((name) => `gcp:bigquery/table:Table raw.${name}`);
    for (const node of [ingest, sealer, nodeOf(second, "Function", "function"), nodeOf(second, "WorkerPool", "worker")])
      assert.deepEqual(
        tables.filter((table) => !node.after.includes(table)),
        [],
        node.name,
      );
  });

  it("is given out by its run.app address, the only one that is reached from within", () => {
    assert.match(String(graph.outputs["functionUri"]), /^https:\/\/indelible-function-[a-z0-9-]+\.a\.run\.app$/);
    assert.match(String(graph.outputs["sealerUri"]), /^https:\/\/indelible-sealer-[a-z0-9-]+\.a\.run\.app$/);
  });
});

describe("a bundle", () => {
  const bundles = (sha256: string): Parameters<typeof graphOf>[2] => ({
    function: { folder: "dist/function", sha256 },
    sealer: { folder: "dist/sealer", sha256: "b".repeat(64) },
  });
  const sourceIn = (of: typeof graph, name: string): unknown =>
    inputOf(nodeOf(of, "Function", name), "buildConfig.source.storageSource.object");

  it("is deployed again when its content changes, and then alone", async () => {
    const before = await graphOf(production, undefined, bundles("a".repeat(64)));
    const after = await graphOf(production, undefined, bundles("c".repeat(64)));
    assert.equal(sourceIn(before, "function"), `bundles/function-${"a".repeat(16)}.zip`);
    assert.equal(sourceIn(after, "function"), `bundles/function-${"c".repeat(16)}.zip`);
    assert.equal(sourceIn(after, "sealer"), sourceIn(before, "sealer"));
  });

  it("is what the function is built of, by an account that can do nothing else", () => {
    for (const name of ["function", "sealer"]) {
      const object = nodeOf(graph, "BucketObject", name);
      assert.equal(inputOf(object, "name"), sourceIn(graph, name));
      assert.equal(inputOf(object, "bucket"), "acme-agents-indelible-deployment");
      const build = inputOf(nodeOf(graph, "Function", name), "buildConfig.serviceAccount");
      assert.match(String(build), /\/serviceAccounts\/indelible-builder@/);
    }
    const builder = graph.nodes.filter(({ inputs }) => String(inputs["member"]).includes("indelible-builder@"));
    assert.deepEqual(builder.map(({ inputs }) => inputs["role"]).toSorted(), [
      "roles/artifactregistry.writer",
      "roles/logging.logWriter",
      "roles/storage.objectViewer",
    ]);
  });
});

describe("the sealer", () => {
  it("is one instance at most, with the time of a long run and an account of its own", () => {
    assert.equal(inputOf(sealer, "buildConfig.entryPoint"), "seal");
    for (const [setting, value] of [
      ["minInstanceCount", 0],
      ["maxInstanceCount", 1],
      ["timeoutSeconds", 1800],
      ["ingressSettings", "ALLOW_INTERNAL_ONLY"],
      ["serviceAccountEmail", "indelible-sealer@acme-agents.iam.gserviceaccount.com"],
    ] as const) {
      assert.equal(inputOf(sealer, `serviceConfig.${setting}`), value, setting);
    }
  });

  it("knows the bucket of checkpoints, the versions of the key and the list of keys, and the witness where there is one", () => {
    const version = "projects/acme-agents/locations/europe-west1/keyRings/indelible-ledger/cryptoKeys/checkpoints";
    assert.deepEqual(inputOf(sealer, "serviceConfig.environmentVariables"), {
      GOOGLE_CLOUD_PROJECT: "acme-agents",
      INDELIBLE_DATASET: "agent_logs_raw",
      INDELIBLE_LEDGER_STORE: "gs://acme-agents-indelible-checkpoints",
      INDELIBLE_LEDGER_KMS_KEYS: `${version}/cryptoKeyVersions/1`,
      INDELIBLE_LEDGER_KEY_LIST: "gs://acme-agents-indelible-deployment/keys.json",
    });
    const environment = inputOf(nodeOf(second, "Function", "sealer"), "serviceConfig.environmentVariables");
    assert.equal(
      (environment as { INDELIBLE_LEDGER_WITNESS?: string }).INDELIBLE_LEDGER_WITNESS,
      "gs://auditor-witness/acme",
    );
  });

  it("is called every minute, as JSON, by the account that may", () => {
    const job = nodeOf(graph, "Job", "seal");
    assert.equal(inputOf(job, "schedule"), "* * * * *");
    assert.equal(inputOf(job, "attemptDeadline"), `${String(inputOf(sealer, "serviceConfig.timeoutSeconds"))}s`);
    assert.equal(inputOf(job, "retryConfig.retryCount"), 0);
    const uri = graph.outputs["sealerUri"];
    assert.deepEqual(inputOf(job, "httpTarget"), {
      httpMethod: "POST",
      uri: `${String(uri)}/seal`,
      headers: { "Content-Type": "application/json" },
      body: Buffer.from("{}").toString("base64"),
      oidcToken: { serviceAccountEmail: "indelible-scheduler@acme-agents.iam.gserviceaccount.com", audience: uri },
    });
  });
});

describe("the worker", () => {
  it("is there when the settings ask for it, with the image, the instances and an account of its own", () => {
    assert.deepEqual(nodesOf(graph, "WorkerPool"), []);
    const worker = nodeOf(second, "WorkerPool", "worker");
    assert.equal(inputOf(worker, "name"), "indelible-worker-staging");
    assert.equal(inputOf(worker, "scaling.manualInstanceCount"), 1);
    assert.equal(
      inputOf(worker, "template.serviceAccount"),
      "indelible-worker-staging@acme-agents.iam.gserviceaccount.com",
    );
    assert.equal(inputOf(worker, "template.containers.0.image"), staging["indelible:workerImage"]);
    assert.deepEqual(inputOf(worker, "template.containers.0.envs"), [
      { name: "GOOGLE_CLOUD_PROJECT", value: "acme-agents" },
      { name: "INDELIBLE_TOPIC_PREFIX", value: "agent-logs-staging" },
      { name: "INDELIBLE_DATASET", value: "agent_logs_staging_raw" },
    ]);
  });
});

describe("labels", () => {
  it("are on everything of ours that can have them", () => {
    const labelled = ["Function", "WorkerPool", "Bucket", "CryptoKey", "Repository", "Topic"];
    for (const [of, environment] of [
      [graph, "default"],
      [second, "staging"],
    ] as const) {
      for (const type of labelled)
        for (const node of nodesOf(of, type))
          assert.deepEqual(node.inputs["labels"], { app: "indelible", environment }, `${type} ${node.name}`);
      for (const type of ["AlertPolicy", "NotificationChannel"])
        for (const node of nodesOf(of, type))
          assert.deepEqual(node.inputs["userLabels"], { app: "indelible", environment }, `${type} ${node.name}`);
    }
  });
});
