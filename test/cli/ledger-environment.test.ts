import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { ledgerEnvironment } from "../../cli/ledger-environment.ts";

const folder = mkdtempSync(join(tmpdir(), "indelible-ledger-environment-"));
const before = { ...process.env };
after(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  process.env = { ...before };
});

const shell = {
  INDELIBLE_DATASET: "production_raw",
  INDELIBLE_LEDGER_STORE: "gs://production/log",
  INDELIBLE_LEDGER_WITNESS: "/mnt/auditor/witness",
  INDELIBLE_LEDGER_KEYS: "/etc/production/keys",
};

describe("ledgerEnvironment()", () => {
  it("is the data folder's on one machine, whatever the shell says for the cloud, but for the witness", () => {
    Object.assign(process.env, shell, { BIGQUERY_EMULATOR_HOST: "http://127.0.0.1:1", GOOGLE_CLOUD_PROJECT: "p" });
    const env = ledgerEnvironment(folder, "auditor");
    assert.deepEqual(
      Object.keys(shell).map((name) => env[name]),
      ["agent_logs_raw", join(folder, "ledger", "store"), "/mnt/auditor/witness", join(folder, "ledger", "keys")],
    );
    assert.equal(env["GOOGLE_CLOUD_PROJECT"], "p");
  });

  it("is the shell's in the cloud", () => {
    delete process.env["BIGQUERY_EMULATOR_HOST"];
    Object.assign(process.env, shell);
    const env = ledgerEnvironment(folder, "auditor");
    for (const [name, value] of Object.entries(shell)) assert.equal(env[name], value);
  });

  it("asks for a ledger that nobody names", () => {
    delete process.env["BIGQUERY_EMULATOR_HOST"];
    for (const name of Object.keys(shell)) delete process.env[name];
    assert.throws(() => ledgerEnvironment(folder, "auditor"), { code: "ERR_CONFIG", message: /no ledger is named/ });
  });
});
