import assert from "node:assert/strict";
import { sign } from "node:crypto";
import { describe, it } from "node:test";
import { verifies } from "@indelible/ledger/ed25519.ts";
import { keysAt, parseKeyList } from "@indelible/ledger/key-list.ts";
import { graphOf } from "../../infra/graph.ts";
import { signingKeyOf } from "../../infra/mock-cloud.ts";
import { inputOf, nodeOf } from "./nodes.ts";
import { production, staging } from "./stacks.ts";

const DAY = 86_400;
const graph = await graphOf(production);

describe("the signing key", () => {
  it("is an Ed25519 key that can be had again for 120 days after somebody destroyed it, and is protected", () => {
    const key = nodeOf(graph, "CryptoKey", "checkpoints");
    assert.equal(inputOf(key, "purpose"), "ASYMMETRIC_SIGN");
    assert.deepEqual(inputOf(key, "versionTemplate"), { algorithm: "EC_SIGN_ED25519", protectionLevel: "SOFTWARE" });
    assert.equal(inputOf(key, "destroyScheduledDuration"), `${120 * DAY}s`);
    assert.ok(key.protect);
    assert.ok(nodeOf(graph, "KeyRing", "ledger").protect);
  });
});

describe("the bucket of checkpoints", () => {
  const bucket = nodeOf(graph, "Bucket", "checkpoints");

  it("keeps what is in it, for ever locked, unless the stack says otherwise", async () => {
    assert.deepEqual(inputOf(bucket, "retentionPolicy"), { retentionPeriod: String(2557 * DAY), isLocked: true });
    const settings = { "indelible:lockCheckpoints": "false", "indelible:checkpointRetentionDays": "30" };
    const open = nodeOf(await graphOf({ ...production, ...settings }), "Bucket", "checkpoints");
    assert.deepEqual(inputOf(open, "retentionPolicy"), { retentionPeriod: String(30 * DAY), isLocked: false });
  });

  it("is open to no public, in the region, and protected until deletion protection is off", async () => {
    assert.equal(inputOf(bucket, "publicAccessPrevention"), "enforced");
    assert.equal(inputOf(bucket, "uniformBucketLevelAccess"), true);
    assert.equal(inputOf(bucket, "location"), "europe-west1");
    assert.equal(inputOf(bucket, "versioning.enabled"), false);
    assert.equal(inputOf(bucket, "forceDestroy"), false);
    assert.ok(bucket.protect);
    const torn = await graphOf({ ...production, "indelible:deletionProtection": "false" });
    assert.ok(!nodeOf(torn, "Bucket", "checkpoints").protect);
  });
});

describe("the list of keys", () => {
  it("has the public key of each version with its time, under the origin that the sealer takes", async () => {
    const rotated = await graphOf({
      ...staging,
      "indelible:signingKeys": JSON.stringify([
        { version: 1, from: "2026-01-01T00:00:00Z", until: "2026-12-02T00:00:00Z" },
        { version: 2, from: "2026-12-01T00:00:00Z" },
      ]),
    });
    const list = parseKeyList(String(rotated.outputs["verifierKeys"]));
    assert.equal(list.origin, "indelible/acme-agents/agent_logs_staging_raw");
    assert.equal(list.keys.length, 2);
    const text = Buffer.from("a checkpoint");
    for (const [index, { key }] of list.keys.entries())
      assert.ok(verifies(key.publicKey, text, sign(null, text, signingKeyOf(index + 1))));
    const at = (time: string): number => keysAt(list, BigInt(Date.parse(time)) * 1000n).length;
    assert.deepEqual([at("2026-11-30T00:00:00Z"), at("2026-12-01T12:00:00Z"), at("2026-12-03T00:00:00Z")], [1, 2, 1]);
    const keys = inputOf(
      nodeOf(rotated, "Function", "sealer"),
      "serviceConfig.environmentVariables.INDELIBLE_LEDGER_KMS_KEYS",
    );
    assert.match(String(keys), /cryptoKeyVersions\/1,\S+\/cryptoKeyVersions\/2$/);
  });

  it("keeps the public key of a version that signs no more, without asking Cloud KMS, where it may be destroyed", async () => {
    const keys = (old: object) =>
      JSON.stringify([
        { version: 1, from: "2026-01-01T00:00:00Z", until: "2026-12-02T00:00:00Z", ...old },
        { version: 2, from: "2026-12-01T00:00:00Z" },
      ]);
    const listOf = async (signingKeys: string) => graphOf({ ...production, "indelible:signingKeys": signingKeys });
    const before = await listOf(keys({}));
    const { keys: listed } = JSON.parse(String(before.outputs["verifierKeys"])) as { keys: { vkey: string }[] };
    const after = await listOf(keys({ vkey: listed[0]?.vkey }));
    assert.equal(after.outputs["verifierKeys"], before.outputs["verifierKeys"]);
    const signing = "serviceConfig.environmentVariables.INDELIBLE_LEDGER_KMS_KEYS";
    assert.match(String(inputOf(nodeOf(after, "Function", "sealer"), signing)), /^[^,]+\/cryptoKeyVersions\/2$/);
  });

  it("is where it can be changed when a key is replaced, and the sealer may read that object and no other", () => {
    const object = nodeOf(graph, "BucketObject", "key-list");
    assert.equal(inputOf(object, "bucket"), "acme-agents-indelible-deployment");
    assert.equal(inputOf(object, "content.value"), graph.outputs["verifierKeys"]);
    const grant = nodeOf(graph, "BucketIAMMember", "sealer-key-list");
    assert.match(String(grant.inputs["member"]), /^serviceAccount:indelible-sealer@/);
    assert.equal(
      inputOf(grant, "condition.expression"),
      'resource.name == "projects/_/buckets/acme-agents-indelible-deployment/objects/keys.json"',
    );
  });
});
