import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { graphOf } from "../../infra/graph.ts";
import { identityOf } from "./identity.ts";
import { production, staging } from "./stacks.ts";

const graph = await graphOf(production);
const second = await graphOf(staging);

/** What two stacks may both declare: services that are on, and the account by which Pub/Sub acts. Neither ever takes them away. */
const ofTheProject = /^gcp:projects\/(service:Service|serviceIdentity:ServiceIdentity) /;

describe("the graph of a stack", () => {
  it("has topics that keep messages for 31 days, in the region, and cannot be deleted by accident", () => {
    const topics = graph.nodes.filter(({ type }) => type === "gcp:pubsub/topic:Topic");
    assert.equal(topics.length, 10);
    for (const { inputs, protect } of topics) {
      assert.equal(inputs["messageRetentionDuration"], "2678400s");
      assert.deepEqual(inputs["messageStoragePolicy"], { allowedPersistenceRegions: ["europe-west1"] });
      assert.ok(protect);
    }
  });

  it("of a second environment collides with nothing", () => {
    const taken = new Set(graph.nodes.map(identityOf));
    assert.equal(taken.size, graph.nodes.length, "one environment has something twice");
    assert.deepEqual(
      second.nodes.map(identityOf).filter((identity) => taken.has(identity) && !ofTheProject.test(identity)),
      [],
    );
  });
});
