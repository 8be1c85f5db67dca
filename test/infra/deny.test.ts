import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deniedPermissions } from "../../infra/deny.ts";
import { nodesOf } from "./nodes.ts";
import { production, staging } from "./stacks.ts";
import { graphOf, type Graph, type Node } from "../../infra/graph.ts";

interface Rule {
  readonly denyRule: {
    readonly deniedPrincipals: readonly string[];
    readonly exceptionPrincipals: readonly string[];
    readonly deniedPermissions: readonly string[];
    readonly denialCondition: { readonly expression: string };
  };
}

const POLICY = "gcp:iam/denyPolicy:DenyPolicy";
const graph = await graphOf(production);
const second = await graphOf(staging);

const breakGlass = "principalSet://goog/group/break-glass@acme.example";
const account = (id: string): string =>
  `principal://iam.googleapis.com/projects/-/serviceAccounts/${id}@acme-agents.iam.gserviceaccount.com`;

describe("the deny policy", () => {
  const policies = nodesOf(graph, POLICY);

  it("is on the project, and comes after every table and view, which it would not let be made", () => {
    assert.deepEqual(
      policies.map(({ inputs }) => inputs["name"]),
      ["indelible-around-log", "indelible-log"],
    );
    const tables = nodesOf(graph, "gcp:bigquery/table:Table").map(({ type, name }) => `${type} ${name}`);
    for (const { inputs, after } of policies) {
      assert.equal(inputs["parent"], "cloudresourcemanager.googleapis.com%2Fprojects%2Facme-agents");
      assert.deepEqual(
        tables.filter((table) => !after.includes(table)),
        [],
      );
    }
  });

  it("has what is surely refused apart from what may not be deniable, so that the first stands whatever Google says of the second", () => {
    const [around, log] = policies.map((policy) =>
      rulesOf(policy).flatMap(({ denyRule }) => denyRule.deniedPermissions),
    );
    assert.deepEqual(log, [...deniedPermissions.rows, ...deniedPermissions.tables]);
    assert.deepEqual(around, deniedPermissions.around);
  });

  it("keeps everybody from changing rows, but the accounts that append and the break-glass group", () => {
    assert.deepEqual(mayStill(policies, "bigquery.googleapis.com/tables.updateData"), [
      account("indelible-writer"),
      account("indelible-sealer"),
      breakGlass,
    ]);
    assert.deepEqual(mayStill(nodesOf(second, POLICY), "bigquery.googleapis.com/tables.updateData"), [
      account("indelible-writer-staging"),
      account("indelible-worker-staging"),
      account("indelible-sealer-staging"),
      breakGlass,
    ]);
  });

  for (const permission of [
    "tables.delete",
    "tables.update",
    "datasets.delete",
    "datasets.update",
    "rowAccessPolicies.create",
    "datasets.deleteTagBinding",
    "tables.createTagBinding",
  ]) {
    it(`keeps everybody but the break-glass group from ${permission}, those who append too`, () => {
      assert.deepEqual(mayStill(policies, `bigquery.googleapis.com/${permission}`), [breakGlass]);
    });
  }

  it("keeps nobody from reading, and from starting a job", () => {
    const denied = policies.flatMap(rulesOf).flatMap(({ denyRule }) => denyRule.deniedPermissions);
    assert.deepEqual(
      denied.filter((permission) => /get|list|jobs|readsessions/i.test(permission)),
      [],
    );
  });

  it("is about the tables of its own environment, so that the accounts of the other may append to theirs", () => {
    const conditions = [graph, second].map((of) => {
      const [key] = nodesOf(of, "gcp:tags/tagKey:TagKey");
      const [raw, views] = nodesOf(of, "gcp:bigquery/dataset:Dataset");
      assert.deepEqual(raw?.inputs["resourceTags"], {
        [`acme-agents/${String(key?.inputs["shortName"])}`]: "append-only",
      });
      assert.equal(views?.inputs["resourceTags"], undefined);
      const expressions = new Set(
        nodesOf(of, POLICY).flatMap((node) => rulesOf(node).map(({ denyRule }) => denyRule.denialCondition.expression)),
      );
      assert.equal(expressions.size, 1);
      return [...expressions][0];
    });
    assert.match(String(conditions[0]), /^resource\.matchTagId\('tagKeys\/\S+', 'tagValues\/\S+'\)$/);
    assert.notEqual(conditions[0], conditions[1]);
  });

  it("knows people, accounts and members of other clouds by the names that deny policies have for them", async () => {
    const other = "principal://iam.googleapis.com/locations/global/workforcePools/acme/subject/ann";
    const members = ["user:ann@acme.example", "serviceAccount:deploy@acme-agents.iam.gserviceaccount.com", other];
    const named = nodesOf(await graphOf({ ...production, "indelible:breakGlass": JSON.stringify(members) }), POLICY);
    assert.deepEqual(mayStill(named, "bigquery.googleapis.com/tables.delete"), [
      "principal://goog/subject/ann@acme.example",
      account("deploy"),
      other,
    ]);
  });

  it("can be left out, and its tag with it", async () => {
    const without: Graph = await graphOf({ ...production, "indelible:denyPolicy": "false" });
    assert.deepEqual(
      without.nodes.filter(({ type }) => type === POLICY || type.startsWith("gcp:tags/")),
      [],
    );
    for (const { inputs } of nodesOf(without, "gcp:bigquery/dataset:Dataset"))
      assert.equal(inputs["resourceTags"], undefined);
  });
});

/** Whom the policies leave a permission that one of them denies to everybody. */
function mayStill(policies: readonly Node[], permission: string): readonly string[] {
  const rules = policies.flatMap(rulesOf).filter(({ denyRule }) => denyRule.deniedPermissions.includes(permission));
  assert.equal(rules.length, 1, permission);
  return rules.flatMap(({ denyRule }) => {
    assert.deepEqual(denyRule.deniedPrincipals, ["principalSet://goog/public:all"]);
    return denyRule.exceptionPrincipals;
  });
}

function rulesOf({ inputs }: Node): readonly Rule[] {
  return inputs["rules"] as readonly Rule[];
}
