import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { roleNames, roles } from "@indelible/schemas/rights.ts";
import { resourceOf } from "../../infra/custom-roles.ts";
import { namesOf } from "../../infra/names.ts";
import { identityOf } from "./identity.ts";
import { production, staging } from "./stacks.ts";
import { graphOf, type Graph } from "../../infra/graph.ts";

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

  /** Of the project, as far as they are an environment's own. */
  const identitiesIn = ({ nodes }: Graph): readonly string[] =>
    nodes.filter(({ type }) => !ofTheProject.test(type)).map(identityOf);
  const unnamed = identitiesIn(await graphOf({ ...staging, "indelible:environment": "" }));
  // Stands in every name for the environment, which changes nothing else: one graph tells of all environments.
  const template = identitiesIn(await graphOf({ ...staging, "indelible:environment": "zqxj" }));
  const identitiesOf = (environment: string | undefined): readonly string[] =>
    environment === undefined ? unnamed : template.map((identity) => identity.replaceAll("zqxj", environment));

  it("have in each name their own as a part", () => {
    assert.deepEqual(identitiesOf("staging").toSorted(), identitiesIn(graphs[1]).toSorted());
  });

  it("share nothing, whatever they are called", () => {
    // What names consist of is what could be taken for an environment.
    const parts = [...new Set(unnamed.join(" ").match(/(?<![a-z0-9])[a-z][a-z0-9]{0,9}(?![a-z0-9])/g))];
    const environment = fc.oneof(
      fc.constantFrom(undefined, ...parts.filter((part) => part !== "raw")),
      fc.stringMatching(/^[a-z][a-z0-9]{0,9}$/).filter((name) => name !== "raw"),
    );
    const assertApart = (one: string | undefined, other: string | undefined): void => {
      const taken = new Set(identitiesOf(one));
      assert.equal(taken.size, identitiesOf(one).length, `${one} has something twice`);
      assert.deepEqual(
        identitiesOf(other).filter((identity) => taken.has(identity)),
        [],
        `${one} and ${other}`,
      );
    };
    for (const part of parts) if (part !== "raw") assertApart(undefined, part);
    fc.assert(
      fc.property(environment, environment, (one, other) => {
        fc.pre(one !== other);
        assertApart(one, other);
      }),
    );
  });

  it("have their labels on everything that can have some", () => {
    const labelled =
      /:(?:Topic|Subscription|Dataset|Table|Function|WorkerPool|Bucket|CryptoKey|Repository|AlertPolicy|NotificationChannel)$/;
    for (const [index, environment] of ["default", "staging"].entries()) {
      const nodes = ours[index]?.filter(({ type }) => labelled.test(type)) ?? [];
      assert.ok(new Set(nodes.map(({ type }) => type)).size >= 10);
      for (const { inputs, name } of nodes) {
        // Monitoring has its own name for them.
        const labels = (inputs["userLabels"] ?? inputs["labels"]) as { readonly [label: string]: unknown } | undefined;
        assert.deepEqual([labels?.["app"], labels?.["environment"]], ["indelible", environment], name);
      }
    }
  });
});
