import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { roleNames, roles } from "@indelible/schemas/rights.ts";
import { resourceOf } from "../../infra/custom-roles.ts";
import { namesOf } from "../../infra/names.ts";
import { identityOf } from "./identity.ts";
import { production, staging } from "./stacks.ts";
import { graphOf } from "../../infra/graph.ts";

const longest = namesOf({ projectId: "p".repeat(30), environment: "e".repeat(10) });
const shortest = namesOf({ projectId: "p".repeat(6), environment: undefined });

describe("names", () => {
  for (const names of [longest, shortest]) {
    it(`fit into what the cloud allows, with ${names.labels.environment} as the environment`, () => {
      for (const role of [...roleNames.filter((name) => roles[name].holder === "account"), "builder" as const])
        assert.match(names.account(role), /^[a-z](?:[-a-z0-9]{4,28}[a-z0-9])$/);
      for (const role of roleNames)
        for (const grant of roles[role].grants)
          assert.match(names.customRole(role, resourceOf(grant)), /^[a-zA-Z0-9_.]{3,64}$/);
      assert.match(names.bucket("checkpoints"), /^[a-z0-9][-a-z0-9]{1,61}[a-z0-9]$/);
      for (const dataset of [names.datasets.raw, names.datasets.views]) assert.match(dataset, /^\w{1,1024}$/);
      assert.match(names.topicPrefix, /^[a-zA-Z][-\w.]{2,100}$/);
      for (const label of Object.values(names.labels)) assert.match(label, /^[a-z0-9_-]{1,63}$/);
    });
  }

  it("of the deny policy fit too", () => {
    assert.match(longest.resource("log"), /^[a-z][-a-z0-9]{1,61}[a-z0-9]$/);
  });
});

describe("two environments in one project", async () => {
  const graphs = [await graphOf(production), await graphOf(staging)] as const;
  // What is on for the whole project, and never turned off: to ask for it twice is to ask for the same.
  const ofTheProject = /:(?:ServiceIdentity|projects\/service:Service)$/;
  const ours = graphs.map(({ nodes }) => nodes.filter(({ type }) => !ofTheProject.test(type)));

  it("share nothing", () => {
    const taken = new Set(ours[0]?.map(identityOf));
    assert.equal(taken.size, ours[0]?.length, "one environment has something twice");
    assert.deepEqual(
      ours[1]?.map(identityOf).filter((identity) => taken.has(identity)),
      [],
    );
  });

  it("have their labels on everything that can have some", () => {
    const labelled = /:(?:Topic|Subscription|Dataset|Table)$/;
    for (const [index, environment] of ["default", "staging"].entries()) {
      const nodes = ours[index]?.filter(({ type }) => labelled.test(type)) ?? [];
      assert.ok(nodes.length > 60);
      for (const { inputs, name } of nodes) assert.deepEqual(inputs["labels"], { app: "indelible", environment }, name);
    }
  });
});
