import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { forbiddenPairs, roleNames, roles, type Permission, type RoleName } from "@indelible/schemas/rights.ts";

const held = (role: RoleName): ReadonlySet<Permission> =>
  new Set(roles[role].grants.flatMap(({ permissions }) => permissions));

describe("who may do what", () => {
  const others = roleNames.filter((role) => roles[role].holder !== "nobody");

  for (const role of others) {
    it(`the ${role} holds no two permissions that together change or delete a row`, () => {
      for (const [one, other] of forbiddenPairs) assert.ok(!(held(role).has(one) && held(role).has(other)));
    });
  }

  it("nobody else holds a permission that is not named here, and none of these gives rights, or changes or deletes what there is", () => {
    assert.deepEqual([...new Set(others.flatMap((role) => [...held(role)]))].toSorted(), [
      "bigquery.datasets.get",
      "bigquery.jobs.create",
      // Of one's own session: to split or end it.
      "bigquery.readsessions.create",
      "bigquery.readsessions.getData",
      "bigquery.readsessions.update",
      "bigquery.tables.get",
      "bigquery.tables.getData",
      "bigquery.tables.list",
      // With a job it would change rows: see above.
      "bigquery.tables.updateData",
      "cloudkms.cryptoKeyVersions.useToSign",
      "cloudkms.cryptoKeyVersions.viewPublicKey",
      "pubsub.subscriptions.consume",
      "pubsub.topics.publish",
      "run.routes.invoke",
      "storage.objects.create",
      "storage.objects.get",
      "storage.objects.list",
    ]);
  });

  it("only the admin may do everything, and no binding makes anybody the admin", () => {
    assert.deepEqual(
      roleNames.filter((role) => held(role).has("bigquery.*")),
      ["admin"],
    );
    assert.equal(roles.admin.holder, "nobody");
  });

  it("agents may publish, and hold nothing at the warehouse", () => {
    assert.deepEqual([...held("agent")], ["pubsub.topics.publish"]);
  });

  it("whoever writes rows may append and publish dead letters, and see nothing", () => {
    const append = ["bigquery.tables.updateData", "pubsub.topics.publish"];
    assert.deepEqual([...held("writer")], append);
    assert.deepEqual([...held("worker")], [...append, "pubsub.subscriptions.consume"]);
  });

  it("the sealer starts no job and cannot overwrite a checkpoint", () => {
    assert.ok(!held("sealer").has("bigquery.jobs.create"));
    assert.ok(!held("sealer").has("storage.objects.delete"), "overwriting needs it");
  });

  it("only the log sink publishes to the topic of BigQuery's audit log", () => {
    for (const role of others)
      for (const grant of roles[role].grants)
        if (grant.on === "topic") assert.ok(!grant.topics.includes("bigquery-audit"), role);
  });
});
