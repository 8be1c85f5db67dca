import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parsePolicy } from "../../../../local/bigquery/access/policy.ts";
import { temporaryFolder } from "../clients.ts";
import { spawnWarehouse } from "../warehouse-process.ts";

const token = "a-token-of-more-than-16";
const roles = {
  reader: {
    project: ["bigquery.jobs.create"],
    datasets: [{ dataset: "views", permissions: ["bigquery.tables.getData"] }],
  },
  clerk: {
    project: [],
    datasets: [{ dataset: "raw", tables: ["seals"], permissions: ["bigquery.tables.updateData"] }],
  },
  admin: { project: ["bigquery.*"], datasets: [] },
};
const policy = {
  anonymous: "reader",
  callers: [
    { token, principal: "clerk@x", role: "clerk" },
    { token: `${token}-of-the-admin`, principal: "admin@x", role: "admin" },
  ],
  roles,
  authorizedDatasets: { raw: ["views"] },
};

describe("parsePolicy()", () => {
  it("knows a caller by his token, takes nobody for an unknown one, and whoever has none for the anonymous", () => {
    const { callerOf } = parsePolicy(policy);
    assert.equal(callerOf(token)?.principal, "clerk@x");
    assert.equal(callerOf(`${token} `), undefined);
    assert.equal(callerOf(""), undefined);
    assert.equal(callerOf(undefined)?.principal, "anonymous@localhost");
    assert.equal(parsePolicy({ ...policy, anonymous: undefined }).callerOf(undefined), undefined);
  });

  it("gives what is held on the project everywhere, on a dataset to its tables, and on a table to it alone", () => {
    const { callerOf } = parsePolicy(policy);
    const reader = callerOf(undefined);
    assert.equal(reader?.allows("bigquery.jobs.create"), true);
    assert.equal(reader?.allows("bigquery.jobs.create", { datasetId: "raw" }), true);
    assert.equal(reader?.allows("bigquery.tables.getData"), false);
    assert.equal(reader?.allows("bigquery.tables.getData", { datasetId: "views", tableId: "any" }), true);
    assert.equal(reader?.allows("bigquery.tables.getData", { datasetId: "raw", tableId: "any" }), false);
    assert.equal(reader?.allows("bigquery.*"), false);
    const clerk = callerOf(token);
    assert.equal(clerk?.allows("bigquery.tables.updateData", { datasetId: "raw", tableId: "seals" }), true);
    assert.equal(clerk?.allows("bigquery.tables.updateData", { datasetId: "raw", tableId: "Seals" }), false);
    assert.equal(clerk?.allows("bigquery.tables.updateData", { datasetId: "raw" }), false);
    const admin = callerOf(`${token}-of-the-admin`);
    assert.equal(admin?.allows("bigquery.tables.delete", { datasetId: "raw", tableId: "seals" }), true);
    assert.equal(admin?.allows("bigquery.*"), true);
  });

  it("authorizes the views of a dataset for another, and not the other way round", () => {
    const { authorizes } = parsePolicy(policy);
    assert.deepEqual(
      [authorizes("views", "raw"), authorizes("raw", "views"), authorizes("x", "raw")],
      [true, false, false],
    );
  });

  const wrong: readonly (readonly [policy: unknown, message: RegExp])[] = [
    [[], /the policy is not an object/],
    [{ roles: undefined }, /roles is not an object/],
    [{ ...policy, owner: "x" }, /the policy has owner: it may have anonymous, callers/],
    [{ ...policy, anonymous: "Reader" }, /anonymous is "Reader": roles has reader, clerk, admin/],
    [{ ...policy, callers: [{ token: "short", principal: "x", role: "admin" }] }, /callers\[0\]\.token is no token/],
    [{ ...policy, callers: [{ token, principal: "", role: "admin" }] }, /callers\[0\]\.principal is not a text/],
    [{ ...policy, callers: [{ token, principal: "x", role: "toString" }] }, /callers\[0\]\.role is "toString"/],
    [{ ...policy, callers: [...policy.callers, { token, principal: "y", role: "admin" }] }, /a token twice/],
    [
      { ...policy, roles: { reader: { project: ["tables.getData"], datasets: [] } } },
      /roles\.reader\.project has "tables\.getData"/,
    ],
    [
      { ...policy, roles: { reader: { project: [], datasets: [{ dataset: "x", table: [], permissions: [] }] } } },
      /datasets\[0\] has table/,
    ],
    [{ ...policy, authorizedDatasets: { raw: "views" } }, /authorizedDatasets\.raw is not a list/],
  ];
  for (const [value, message] of wrong) {
    it(`says what is wrong: ${message.source}`, () => {
      assert.throws(
        () => parsePolicy(value),
        (error: Error) => {
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, new RegExp(token));
          return true;
        },
      );
    });
  }
});

describe("--access", () => {
  it("of a file that is not there, is no JSON or is no policy ends the process, without a word of what is in it", async (t) => {
    const folder = await temporaryFolder();
    const path = join(folder, "access.json");
    await assert.rejects(
      spawnWarehouse(t, folder, "--access", path),
      /exit 1: .*access\.json cannot be read \(ENOENT\)/s,
    );
    await writeFile(path, `{"callers": ${token}`);
    const spoilt = spawnWarehouse(t, folder, "--access", path);
    await assert.rejects(
      spoilt,
      (error: Error) => /it is not JSON/.test(error.message) && !error.message.includes(token),
    );
    await writeFile(path, "{}");
    await assert.rejects(spawnWarehouse(t, folder, "--access", path), /exit 1: .*roles is not an object/s);
  });
});
