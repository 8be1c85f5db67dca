import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { declaredTopics } from "@indelible/schemas/topics.ts";
import { nodesOf } from "./nodes.ts";
import { production, staging } from "./stacks.ts";
import { graphOf } from "../../infra/graph.ts";

const SUBSCRIPTION = "gcp:pubsub/subscription:Subscription";
const BINDING = "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember";

const push = await graphOf(production);
const pull = await graphOf(staging);
const torndown = await graphOf({ ...production, "indelible:deletionProtection": "false" });

const subscriptionsOf = (graph: typeof push): ReadonlyMap<unknown, (typeof push)["nodes"][number]> =>
  new Map(nodesOf(graph, SUBSCRIPTION).map((node) => [node.inputs["name"], node]));

describe("subscriptions", () => {
  it("are the declared ones of either the function or the worker, and the kept ones", () => {
    const expected = (prefix: string, which: "pushSubscription" | "pullSubscription"): readonly string[] =>
      declaredTopics(prefix).flatMap(({ delivery, kept }) => [delivery[which], ...kept.map(({ id }) => id)]);
    assert.deepEqual(
      [...subscriptionsOf(push).keys()].toSorted(),
      expected("agent-logs", "pushSubscription").toSorted(),
    );
    assert.deepEqual(
      [...subscriptionsOf(pull).keys()].toSorted(),
      expected("agent-logs-staging", "pullSubscription").toSorted(),
    );
  });

  it("are two of the dead-letter topic, and one of each other", () => {
    for (const [graph, prefix] of [
      [push, "agent-logs"],
      [pull, "agent-logs-staging"],
    ] as const)
      for (const { id } of declaredTopics(prefix)) {
        const on = nodesOf(graph, SUBSCRIPTION).filter(
          ({ inputs }) => inputs["topic"] === `projects/acme-agents/topics/${id}`,
        );
        assert.equal(on.length, id.endsWith(".dead-letter") ? 2 : 1, id);
      }
  });

  it("never expire, and keep what is not acknowledged as long as the topic", () => {
    for (const graph of [push, pull])
      for (const { inputs } of nodesOf(graph, SUBSCRIPTION)) {
        assert.deepEqual(inputs["expirationPolicy"], { ttl: "" });
        assert.equal(inputs["messageRetentionDuration"], "2678400s");
        assert.equal(inputs["ackDeadlineSeconds"], 60);
      }
  });

  it("of the function push to the path of their table, with a token for the function by the pusher's account", () => {
    const configs = declaredTopics().map(({ delivery }) => [
      delivery.path,
      subscriptionsOf(push).get(delivery.pushSubscription)?.inputs["pushConfig"],
    ]);
    const uri = /"audience":"(https:\/\/indelible-function[^"/]*)"/.exec(JSON.stringify(configs))?.[1];
    assert.ok(uri !== undefined);
    for (const [path, config] of configs)
      assert.deepEqual(config, {
        pushEndpoint: `${uri}/${String(path)}`,
        oidcToken: {
          serviceAccountEmail: "indelible-pusher@acme-agents.iam.gserviceaccount.com",
          audience: uri,
        },
      });
  });

  it("of the worker, and the safety net, are pulled", () => {
    for (const { inputs } of nodesOf(pull, SUBSCRIPTION)) assert.equal(inputs["pushConfig"], undefined);
    assert.equal(subscriptionsOf(push).get("agent-logs.dead-letter.safety-net")?.inputs["pushConfig"], undefined);
  });

  for (const [name, graph, prefix] of [
    ["push", push, "agent-logs"],
    ["pull", pull, "agent-logs-staging"],
  ] as const) {
    it(`deliver again after 1 to 600 s, and give up to the dead-letter topic (${name})`, () => {
      for (const { delivery } of declaredTopics(prefix)) {
        const node = subscriptionsOf(graph).get(
          name === "push" ? delivery.pushSubscription : delivery.pullSubscription,
        );
        assert.deepEqual(node?.inputs["retryPolicy"], { minimumBackoff: "1s", maximumBackoff: "600s" });
        assert.deepEqual(
          node.inputs["deadLetterPolicy"],
          delivery.lastResort === undefined
            ? undefined
            : { deadLetterTopic: `projects/acme-agents/topics/${prefix}.dead-letter`, maxDeliveryAttempts: 100 },
        );
      }
    });

    it(`that forward are there after the dead-letter topic has its net and its publisher (${name})`, () => {
      const forwarding = nodesOf(graph, SUBSCRIPTION).filter(({ inputs }) => inputs["deadLetterPolicy"] !== undefined);
      assert.equal(forwarding.length, 9);
      for (const { after } of forwarding) {
        assert.ok(after.includes(`${SUBSCRIPTION} ${prefix}.dead-letter.safety-net`));
        assert.ok(after.includes("gcp:pubsub/topicIAMMember:TopicIAMMember forwarding"));
      }
    });
  }

  it("are there before anybody may publish", () => {
    const publishers = nodesOf(push, "gcp:pubsub/topicIAMMember:TopicIAMMember").filter(
      ({ name }) => name !== "forwarding",
    );
    assert.ok(publishers.length > 10);
    for (const { name, inputs, after } of publishers) {
      const topic = String(inputs["topic"]).split("/").at(-1);
      assert.ok(after.includes(`${SUBSCRIPTION} ${topic}.function`), name);
    }
  });

  it("stay in the cloud when the other form takes over, with their rights: only they have what is not acknowledged", () => {
    const delivering = nodesOf(push, SUBSCRIPTION).filter(({ name }) => !name.endsWith(".safety-net"));
    for (const { name, retained } of delivering) assert.ok(retained, name);
    const forwarding = nodesOf(push, BINDING).filter(({ name }) => name.startsWith("forwarding "));
    assert.equal(forwarding.length, 9);
    for (const { name, retained } of forwarding) assert.ok(retained, name);
    const { protect } = subscriptionsOf(push).get("agent-logs.dead-letter.safety-net") ?? {};
    assert.ok(protect);
  });

  it("go with a stack that is to be torn down", () => {
    for (const { protect, retained } of nodesOf(torndown, SUBSCRIPTION))
      assert.deepEqual([protect, retained], [false, false]);
  });
});
