import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { graphOf } from "../../infra/graph.ts";
import { nodesOf } from "./nodes.ts";
import { staging } from "./stacks.ts";

const graph = await graphOf(staging);
const custom = new Set(
  nodesOf(graph, "IAMCustomRole").map(({ inputs }) => `projects/acme-agents/roles/${String(inputs["roleId"])}`),
);

describe("what is bound beside the table of rights", () => {
  it("is what the builder, the sink, Pub/Sub and the sealer's list of keys need, and nothing else", () => {
    const beside = graph.nodes
      .filter(({ type }) => /iam_?(member|binding|policy)$/i.test(type))
      .filter(({ inputs }) => !custom.has(String(inputs["role"])))
      .map(({ inputs }) => `${String(inputs["role"])} ${String(inputs["member"]).replace(/@.*/, "")}`);
    assert.deepEqual([...new Set(beside)].toSorted(), [
      "roles/artifactregistry.writer serviceAccount:indelible-builder-staging",
      "roles/iam.serviceAccountOpenIdTokenCreator serviceAccount:service-123456789012",
      "roles/logging.logWriter serviceAccount:indelible-builder-staging",
      "roles/pubsub.publisher serviceAccount:service-123456789012",
      "roles/pubsub.subscriber serviceAccount:service-123456789012",
      "roles/storage.objectViewer serviceAccount:indelible-builder-staging",
      "roles/storage.objectViewer serviceAccount:indelible-sealer-staging",
    ]);
  });

  it("lets Google's roles see no bucket as a whole: each is for one object, or for those of Cloud Functions", () => {
    const viewers = graph.nodes.filter(({ inputs }) => inputs["role"] === "roles/storage.objectViewer");
    assert.equal(viewers.length, 2);
    for (const { inputs, name } of viewers) assert.ok(inputs["condition"] !== undefined, name);
  });

  it("gives no owner, editor or admin of anything", () => {
    for (const { inputs, name } of graph.nodes)
      assert.doesNotMatch(String(inputs["role"]), /^roles\/(owner|editor|viewer|.*[aA]dmin)$/, name);
  });
});
