import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { graphOf } from "../../infra/graph.ts";
import { production } from "./stacks.ts";

const graph = await graphOf(production);

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
});
