import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deadLetterMessages } from "@indelible/subscriber/dead-letter-message.ts";
import { compare, isRestorable, reasonOf, type Held, type SafetyNet } from "../../cli/dlq/safety-net.ts";
import { DeadLetterWorld } from "./dlq-world.ts";

/** What the subscriber publishes of an event that is no JSON, or of a part of a large one. */
function heldOf(messageId: string, text = "x"): Held[] {
  const message = { id: messageId, publishedAt: 0, data: Buffer.from(text), attributes: {} };
  const fault = { code: "ERR_NOT_JSON", detail: "the event is not JSON", index: 0, data: message.data } as const;
  return deadLetterMessages("conversations", message, fault).map(({ data, attributes }, part) => ({
    messageId: `${messageId}-${part}`,
    publishedAt: "2026-01-31T09:30:00Z",
    data,
    attributes,
  }));
}

function netOf(...pulls: readonly (readonly Held[])[]): SafetyNet & { released: number } {
  const left = [...pulls];
  return {
    released: 0,
    pull: () => Promise.resolve(left.shift() ?? []),
    release() {
      this.released += 1;
      return Promise.resolve();
    },
  };
}

/** A world with these messages as rows. */
function worldWith(...messages: readonly Held[]): DeadLetterWorld {
  const world = new DeadLetterWorld();
  for (const { data, attributes } of messages) world.bury(data, attributes);
  return world;
}

describe("compare()", () => {
  it("finds what has no row, each once however often it is pulled, and hands all of it back", async () => {
    const [there = assert.fail()] = heldOf("1");
    const [lost = assert.fail()] = heldOf("2");
    const net = netOf([there, lost], [lost, there]);
    const { looked, complete, missing } = await compare(net, worldWith(there), 10);
    assert.deepEqual([looked, complete, missing, net.released], [2, true, [lost], 1]);
  });

  it("knows parts of a large dead letter one by one", async () => {
    const parts = heldOf("1", "x".repeat(1_500_000));
    assert.equal(parts.length, 2);
    const [first = assert.fail(), second = assert.fail()] = parts;
    assert.deepEqual((await compare(netOf(parts), worldWith(first), 10)).missing, [second]);
  });

  it("says when it did not look at all of it", async () => {
    const net = netOf([...heldOf("1"), ...heldOf("2")], heldOf("3"));
    const { looked, complete } = await compare(net, worldWith(), 2);
    assert.deepEqual([looked, complete], [2, false]);
  });

  it("hands back what it has pulled when the warehouse cannot be asked", async () => {
    const world = worldWith();
    world.present = () => Promise.reject(new Error("away"));
    const net = netOf(heldOf("1"));
    await assert.rejects(compare(net, world, 10), /away/);
    assert.equal(net.released, 1);
  });
});

describe("isRestorable()", () => {
  it("is what explains itself: what Pub/Sub has forwarded would be another dead letter", () => {
    const [explained = assert.fail()] = heldOf("1");
    const forwarded = { ...explained, attributes: { CloudPubSubDeadLetterSourceSubscription: "s" } };
    assert.deepEqual([isRestorable(explained), isRestorable(forwarded)], [true, false]);
    assert.equal(reasonOf(forwarded).reason, "ERR_DELIVERY_ATTEMPTS");
    assert.equal(reasonOf(explained).reason, "ERR_NOT_JSON");
  });
});
