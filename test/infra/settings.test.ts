import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { settingsOf } from "../../infra/settings.ts";
import { production, staging } from "./stacks.ts";

describe("the settings of a stack", () => {
  it("need a project and a region, and are safe by default", () => {
    const settings = settingsOf({ "gcp:project": "acme-agents", "gcp:region": "europe-west1" });
    assert.equal(settings.environment, undefined);
    assert.equal(settings.dataLocation, "europe-west1");
    assert.deepEqual([settings.agents, settings.readers, settings.breakGlass], [[], [], []]);
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
    ["a flag that is neither", "indelible:lockCheckpoints", "yes", /indelible:lockCheckpoints is "yes"/],
    ["instances of a worker that has no image", "indelible:workerInstances", "2", /without workerImage/],
    ["a key's time that is none", "indelible:signingKeys", '[{"version":1,"from":"soon"}]', /no time/],
    [
      "a key that no longer signs, and has no end",
      "indelible:signingKeys",
      '[{"version":1,"from":"2026-12-01T00:00:00Z","vkey":"a+00000000+AQ=="}]',
      /vkey without an end/,
    ],
    [
      "keys none of which signs",
      "indelible:signingKeys",
      '[{"version":1,"from":"2026-12-01T00:00:00Z","until":"2026-12-02T00:00:00Z","vkey":"a+00000000+AQ=="}]',
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
