import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import { openLocalKeys } from "@indelible/ledger/local-keys.ts";
import type { Finding } from "../../cli/doctor/check.ts";
import { findingsOfSeals } from "../../cli/doctor/seals.ts";

describe("findingsOfSeals() where no seal is found", () => {
  const root = mkdtempSync(join(tmpdir(), "indelible-doctor-seals-"));
  const before = { ...process.env };
  let data = "";
  after(() => rmSync(root, { recursive: true }));
  beforeEach(() => {
    data = mkdtempSync(join(root, "data-"));
    process.env["BIGQUERY_EMULATOR_HOST"] = "http://127.0.0.1:9";
    process.env["GOOGLE_CLOUD_PROJECT"] = "p";
  });
  afterEach(() => {
    process.env = { ...before };
  });

  async function look(rows: number): Promise<Finding | undefined> {
    const asked: string[] = [];
    const query = (statement: string): Promise<[unknown[]]> => {
      asked.push(statement);
      return Promise.resolve([[{ n: rows }]]);
    };
    const [finding, ...others] = await findingsOfSeals({ data, auditor: { query } });
    assert.deepEqual(others, []);
    assert.deepEqual(asked, ["SELECT COUNT(*) AS n FROM `agent_logs_raw.seals`"]);
    return finding;
  }

  it("says that nothing is sealed yet only when table seals agrees", async () => {
    const finding = await look(0);
    assert.equal(finding?.status, "warning");
    assert.match(finding.finding, /^Nothing is sealed yet/);
    assert.equal(finding.fix, `indelible seal --data ${data}`);
  });

  it("has a lost list of keys looked into, and nothing sealed over it", async () => {
    const finding = await look(3);
    assert.equal(finding?.status, "problem");
    assert.match(finding.finding, /no list of keys .*keys\.json, and table seals has rows/);
    assert.equal(finding.fix, `indelible verify --data ${data}`);
  });

  it("has a lost store looked into, and nothing sealed over it", async () => {
    const keys = join(data, "ledger", "keys");
    mkdirSync(keys, { recursive: true });
    await openLocalKeys(keys, "indelible/p/agent_logs_raw", BigInt(Date.now()) * 1000n);
    assert.match((await look(0))?.finding ?? "", /^Nothing is sealed yet/);
    const finding = await look(3);
    assert.equal(finding?.status, "problem");
    assert.match(finding.finding, /no commit in .*store, and table seals has rows/);
    assert.equal(finding.fix, `indelible verify --data ${data}`);
  });

  it("leaves what is not set up to whoever says what to set", async () => {
    delete process.env["BIGQUERY_EMULATOR_HOST"];
    process.env["PUBSUB_EMULATOR_HOST"] = "127.0.0.1:9";
    process.env["INDELIBLE_LEDGER_STORE"] = join(data, "store");
    const auditor = { query: () => Promise.reject(new Error("is not to be asked")) };
    await assert.rejects(findingsOfSeals({ data, auditor }), {
      code: "ERR_CONFIG",
      hint: /INDELIBLE_LEDGER_KEY_LIST/,
    });
  });
});
