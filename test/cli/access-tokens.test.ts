import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { warehouseRoleNames } from "@indelible/schemas/rights.ts";
import { provideAccess } from "../../cli/dev/access.ts";
import { roleToken } from "../../cli/role-token.ts";
import { parsePolicy } from "../../local/bigquery/access/policy.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "indelible-access-"));
  path = join(folder, "access.json");
  delete process.env["INDELIBLE_WAREHOUSE_TOKEN"];
});
afterEach(() => {
  delete process.env["INDELIBLE_WAREHOUSE_TOKEN"];
  rmSync(folder, { recursive: true });
});

const policyIn = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"));

describe("provideAccess()", () => {
  it("makes a policy that the warehouse takes, with a token of 32 random bytes for each role, for its owner only", () => {
    const access = provideAccess(folder);
    assert.equal(access.path, path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const { callerOf, authorizes } = parsePolicy(policyIn(path));
    for (const role of warehouseRoleNames) {
      assert.equal(Buffer.from(access.token(role), "base64url").length, 32);
      assert.equal(callerOf(access.token(role))?.principal, `${role}@indelible.local`);
    }
    assert.equal(new Set(warehouseRoleNames.map((role) => access.token(role))).size, warehouseRoleNames.length);
    assert.equal(callerOf(undefined)?.allows("bigquery.tables.getData", { datasetId: "agent_logs" }), true);
    assert.equal(callerOf(undefined)?.allows("bigquery.tables.getData", { datasetId: "agent_logs_raw" }), false);
    assert.equal(authorizes("agent_logs", "agent_logs_raw"), true);
  });

  it("keeps the tokens that there are, gives one to a role that has none, and renews what the roles may", () => {
    const first = provideAccess(folder);
    const policy = policyIn(path) as { callers: { role: string }[]; roles: unknown };
    policy.callers = policy.callers.filter(({ role }) => role !== "sealer");
    policy.roles = {};
    writeFileSync(path, JSON.stringify(policy));
    const second = provideAccess(folder);
    assert.equal(second.token("writer"), first.token("writer"));
    assert.notEqual(second.token("sealer"), first.token("sealer"));
    assert.equal(parsePolicy(policyIn(path)).callerOf(second.token("admin"))?.allows("bigquery.*"), true);
  });

  it("refuses a file that others may read, and says how to mend it", () => {
    provideAccess(folder);
    for (const mode of [0o640, 0o604, 0o660]) {
      chmodSync(path, mode);
      const refusal = { code: "ERR_CONFIG", message: /others may read it/, hint: /chmod 600/ };
      assert.throws(() => provideAccess(folder), refusal);
      assert.throws(() => roleToken(folder, "auditor"), refusal);
    }
  });

  it("writes a file for its owner only, even over what was left behind for everybody", () => {
    writeFileSync(`${path}.new`, "", { mode: 0o666 });
    provideAccess(folder);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  for (const text of ["{", "[]", '{"callers":[{"role":"writer","token":"short"}]}', '{"callers":[{"role":"owner"}]}']) {
    it(`refuses ${text}, without a word of what is in it`, () => {
      writeFileSync(path, text, { mode: 0o600 });
      assert.throws(() => provideAccess(folder), { code: "ERR_CONFIG", hint: /^Delete the file/ });
    });
  }
});

describe("roleToken()", () => {
  it("is what the user has set, else that of the data folder, else none", () => {
    assert.equal(roleToken(folder, "auditor"), undefined);
    const access = provideAccess(folder);
    assert.equal(roleToken(folder, "auditor"), access.token("auditor"));
    process.env["INDELIBLE_WAREHOUSE_TOKEN"] = "";
    assert.equal(roleToken(folder, "sealer"), access.token("sealer"));
    process.env["INDELIBLE_WAREHOUSE_TOKEN"] = "mine";
    assert.equal(roleToken(folder, "auditor"), "mine");
  });
});
