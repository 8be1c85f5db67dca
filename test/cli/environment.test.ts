import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { claimDataFolder } from "../../cli/dev/data-folder.ts";
import {
  exportLines,
  findEnvironment,
  namesServices,
  removeEnvironment,
  writeEnvironment,
  type Environment,
} from "../../cli/environment.ts";

const folder = mkdtempSync(join(tmpdir(), "indelible-environment-"));
const before = { ...process.env };
after(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  process.env = { ...before };
});

const environment: Environment = {
  GOOGLE_CLOUD_PROJECT: "indelible-local",
  PUBSUB_EMULATOR_HOST: "127.0.0.1:1",
  CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB: "http://127.0.0.1:4/",
  BIGQUERY_EMULATOR_HOST: "http://127.0.0.1:2",
  BIGQUERY_STORAGE_HOST: "127.0.0.1:3",
};

function clear(): void {
  for (const name of Object.keys(environment)) delete process.env[name];
}

describe("findEnvironment()", () => {
  it("finds the running services by the data folder, until they end", () => {
    clear();
    using claim = claimDataFolder(folder);
    writeEnvironment(folder, environment);
    assert.deepEqual(findEnvironment(claim.path), { project: "indelible-local", local: true });
    assert.equal(process.env["PUBSUB_EMULATOR_HOST"], "127.0.0.1:1");
    removeEnvironment(folder);
    clear();
    assert.deepEqual(findEnvironment(folder), { project: undefined, local: false });
  });

  it("refuses what one that was killed has left behind, rather than to ask Google Cloud", () => {
    clear();
    writeEnvironment(folder, environment);
    assert.throws(() => findEnvironment(folder), { code: "ERR_CONFIG", hint: /^Start `indelible dev` again/ });
    removeEnvironment(folder);
  });

  it("prefers what the shell says", () => {
    clear();
    writeEnvironment(folder, environment);
    process.env["BIGQUERY_EMULATOR_HOST"] = "http://127.0.0.1:9";
    findEnvironment(folder);
    assert.equal(process.env["BIGQUERY_EMULATOR_HOST"], "http://127.0.0.1:9");
  });

  it("takes variables that are empty for unset, and so do all who read them later", () => {
    clear();
    for (const name of Object.keys(environment)) process.env[name] = "";
    assert.equal(namesServices(process.env), false);
    removeEnvironment(folder);
    assert.deepEqual(findEnvironment(folder), { project: undefined, local: false });
    assert.equal(process.env["PUBSUB_EMULATOR_HOST"], undefined);
    using claim = claimDataFolder(folder);
    writeEnvironment(folder, environment);
    process.env["BIGQUERY_EMULATOR_HOST"] = "";
    assert.deepEqual(findEnvironment(claim.path), { project: "indelible-local", local: true });
    assert.equal(process.env["BIGQUERY_EMULATOR_HOST"], "http://127.0.0.1:2");
    removeEnvironment(folder);
  });

  it("refuses a file that is not ours", () => {
    clear();
    for (const text of ["{", "[]", '{"PUBSUB_EMULATOR_HOST": 7}']) {
      writeFileSync(join(folder, "env.json"), text);
      assert.throws(() => findEnvironment(folder), { code: "ERR_CONFIG", message: /env\.json/ });
    }
  });
});

describe("exportLines()", () => {
  it("quotes what a shell would act upon", () => {
    const lines = exportLines({ ...environment, GOOGLE_CLOUD_PROJECT: "p; id\n" });
    assert.match(lines, /^export GOOGLE_CLOUD_PROJECT=\$'p; id\\x0a'$/m);
  });

  it("is what a shell takes", () => {
    assert.equal(
      exportLines(environment),
      "export PUBSUB_EMULATOR_HOST=127.0.0.1:1\nexport CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB=http://127.0.0.1:4/\n" +
        "export BIGQUERY_EMULATOR_HOST=http://127.0.0.1:2\n" +
        "export BIGQUERY_STORAGE_HOST=127.0.0.1:3\nexport GOOGLE_CLOUD_PROJECT=indelible-local\n",
    );
  });
});
