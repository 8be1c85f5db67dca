import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { formatVerifierKey, verifierKeyOf } from "@indelible/ledger/verifier-key.ts";
import { rawPublicKey } from "@indelible/ledger/ed25519.ts";
import { signingKeyOf } from "../../infra/mock-cloud.ts";
import { settingsOf } from "../../infra/settings.ts";
import { readStackFile } from "../../infra/stack-file.ts";
import { production, staging } from "./stacks.ts";

const publicKey = rawPublicKey(createPublicKey(signingKeyOf(1))) ?? Buffer.alloc(0);
const vkeyOf = (name: string): string => formatVerifierKey(verifierKeyOf({ name, publicKey }));
const vkey = vkeyOf("indelible/acme-agents/agent_logs_raw");

/** Versions of the signing key that are in order, but for what is changed in the first. */
const keys = (first: object, second: object = {}): string =>
  JSON.stringify([
    { version: 1, from: "2026-12-01T00:00:00Z", until: "2026-12-03T00:00:00Z", ...first },
    { version: 2, from: "2026-12-02T00:00:00Z", ...second },
  ]);

describe("the settings of a stack", () => {
  const least = { "gcp:project": "acme-agents", "gcp:region": "europe-west1" };

  it("need a project, a region and who is exempt from the deny policy, or none, and are safe by default", () => {
    assert.throws(() => settingsOf(least), {
      code: "ERR_CONFIG",
      message: /indelible:breakGlass names nobody/,
      hint: /indelible:breakGlass\[0\].*indelible:denyPolicy false/,
    });
    assert.deepEqual(settingsOf({ ...least, "indelible:denyPolicy": "false" }).breakGlass, []);
    const settings = settingsOf({ ...least, "indelible:breakGlass": '["group:b@c.d"]' });
    assert.equal(settings.environment, undefined);
    assert.equal(settings.dataLocation, "europe-west1");
    assert.deepEqual([settings.agents, settings.readers, settings.auditors, settings.ops], [[], [], [], []]);
    assert.deepEqual(
      [settings.lockCheckpoints, settings.denyPolicy, settings.deletionProtection, settings.worker],
      [true, true, true, undefined],
    );
    assert.deepEqual(settings.signingKeys, [
      { version: 1, from: "1970-01-01T00:00:00Z", until: undefined, vkey: undefined },
    ]);
  });

  it("give an agent every table that agents write, or those that are named", () => {
    const [all, some] = settingsOf(production).agents;
    assert.ok(all?.tables.includes("mcp_usage_logs"));
    assert.ok(!all?.tables.includes("log_access_audit"));
    assert.deepEqual(some?.tables, ["conversations", "thinking_logs"]);
  });

  it("turn the worker on by its image", () => {
    assert.deepEqual(settingsOf(staging).worker, { image: staging["indelible:workerImage"], instances: 1 });
  });

  it("take keys of Pulumi and of its provider, and a version that signs no more by its public key", () => {
    const settings = settingsOf({
      ...production,
      "pulumi:tags": "{}",
      "gcp:credentials": '{"secure":"v1:abc"}',
      "indelible:signingKeys": keys({ vkey }),
    });
    assert.equal(settings.signingKeys[0]?.vkey, vkey);
  });

  it("take whoever is named twice, in capitals or not, for one, except where capitals matter", () => {
    const other = "principal://iam.googleapis.com/locations/global/workforcePools/acme/subject/";
    const list = JSON.stringify(["group:a@b.c", "group:A@b.c", "user:a@b.c", `${other}ann`, `${other}Ann`]);
    const names = ["readers", "auditors", "ops", "breakGlass"] as const;
    const settings = settingsOf({
      ...production,
      ...Object.fromEntries(names.map((name) => [`indelible:${name}`, list])),
      "indelible:alertEmails": '["ops@b.c","Ops@B.c"]',
      "indelible:agents": '["serviceAccount:Desk@b.c"]',
    });
    for (const name of names)
      assert.deepEqual(settings[name], ["group:a@b.c", "user:a@b.c", `${other}ann`, `${other}Ann`], name);
    assert.deepEqual(settings.alertEmails, ["ops@b.c"]);
    assert.equal(settings.agents[0]?.member, "serviceAccount:desk@b.c");
  });

  const refused: readonly (readonly [what: string, key: string, value: string, message: RegExp])[] = [
    ["a key that is not known", "indelible:auditor", "[]", /indelible:auditor is not known/],
    ["no region", "gcp:region", "", /gcp:region is not set/],
    ["a region that is none", "gcp:region", "EU", /gcp:region is "EU"/],
    ["an environment that does not fit into names", "indelible:environment", "Staging-1", /indelible:environment is/],
    [
      "the environment raw, whose views would be the tables of another",
      "indelible:environment",
      "raw",
      /environment is "raw"/,
    ],
    ["a member that is none", "indelible:readers", '["finance@acme.example"]', /indelible:readers\[0\] is/],
    ["everybody as a reader", "indelible:readers", '["allUsers"]', /indelible:readers\[0\] is "allUsers"/],
    ["members that are no list", "indelible:ops", "group:ops@acme.example", /indelible:ops is/],
    [
      "an agent of a table that agents do not write",
      "indelible:agents",
      '[{"member":"group:a@b.c","tables":["seals"]}]',
      /names "seals"/,
    ],
    ["a key that has no namespace", "readers", "[]", /^readers has no namespace$/],
    ["a key of a namespace that nobody reads", "indellible:ops", "[]", /^indellible:ops is read by nobody$/],
    ["what is encrypted", "indelible:witness", '{"secure":"v1:abc"}', /^indelible:witness is encrypted/],
    ["a member that is encrypted", "indelible:ops", '[{"secure":"v1:abc"}]', /^indelible:ops is encrypted/],
    ["a flag that is neither", "indelible:lockCheckpoints", "yes", /indelible:lockCheckpoints is "yes"/],
    ["instances of a worker that has no image", "indelible:workerInstances", "2", /without workerImage/],
    ...["soon", "2026-12-01T00:00", "2026-02-31T00:00:00Z", 5].map(
      (from) => [`a key's time that is ${from}`, "indelible:signingKeys", keys({ from }), /no time/] as const,
    ),
    ["a key's end that is no time", "indelible:signingKeys", keys({ until: "2026-12-03" }), /no time/],
    [
      "a key that ends before it begins",
      "indelible:signingKeys",
      keys({ until: "2026-12-01T01:00:00+01:00" }),
      /signingKeys\[0\] ends before it begins/,
    ],
    ["a version twice", "indelible:signingKeys", keys({}, { version: 1 }), /signingKeys names version 1 twice/],
    [
      "a public key that is none",
      "indelible:signingKeys",
      keys({ vkey: vkey.replace("acme", "acne") }),
      /signingKeys\[0\] has a vkey that is none: .*key ID/,
    ],
    [
      "a public key that is no text",
      "indelible:signingKeys",
      keys({ vkey: 5 }),
      /signingKeys\[0\] has a vkey that is no/,
    ],
    [
      "a public key of another log",
      "indelible:signingKeys",
      keys({ vkey: vkeyOf("indelible/acme-agents/other_raw") }),
      /has a vkey of \S+other_raw, not of \S+agent_logs_raw/,
    ],
    [
      "a key that no longer signs, and has no end",
      "indelible:signingKeys",
      keys({ vkey, until: undefined }),
      /vkey without an end/,
    ],
    [
      "keys none of which signs",
      "indelible:signingKeys",
      JSON.stringify([{ version: 1, from: "2026-12-01T00:00:00Z", until: "2026-12-02T00:00:00Z", vkey }]),
      /no version that signs/,
    ],
    ["too many instances", "indelible:maxInstances", "1000000", /indelible:maxInstances is "1000000"/],
  ];
  for (const [what, key, value, message] of refused) {
    it(`are refused with ${what}`, () => {
      assert.throws(() => settingsOf({ ...production, [key]: value }), { code: "ERR_CONFIG", message });
    });
  }
});

describe("readStackFile()", () => {
  const folder = mkdtempSync(join(tmpdir(), "indelible-stack-"));
  after(() => rmSync(folder, { recursive: true }));
  const read = (config: string): ReturnType<typeof readStackFile> => {
    const path = join(folder, "Pulumi.test.yaml");
    writeFileSync(path, `config:\n  gcp:project: acme-agents\n  gcp:region: europe-west1\n${config}`);
    return readStackFile(path);
  };

  it("reads what settings are made of", () => {
    const { breakGlass, lockCheckpoints } = settingsOf(
      read("  indelible:breakGlass: [group:b@c.d]\n  indelible:lockCheckpoints: false\n"),
    );
    assert.deepEqual([breakGlass, lockCheckpoints], [["group:b@c.d"], false]);
  });

  it("hands on what is encrypted and what lacks its namespace, so that it is refused by name", () => {
    const refusal = (key: string): object => ({ code: "ERR_CONFIG", message: new RegExp(`^${key} `) });
    assert.throws(() => settingsOf(read("  indelible:witness:\n    secure: v1:abc\n")), refusal("indelible:witness"));
    assert.throws(() => settingsOf(read("  readers: [group:a@b.c]\n")), refusal("readers"));
  });
});
