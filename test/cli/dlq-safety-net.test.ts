import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { deadLetterMessages } from "@indelible/subscriber/dead-letter-message.ts";
import { pubSubClient } from "../../cli/clients.ts";
import { askNoMetadataServer } from "../../cli/environment.ts";
import { compare, isRestorable, reasonOf, restore, type Held, type SafetyNet } from "../../cli/dlq/safety-net.ts";
import { withSafetyNet } from "../../cli/dlq/safety-net-client.ts";
import { comparisonOf, comparisonText, exitCodeOf } from "../../cli/dlq/safety-net-run.ts";
import { startBrokerProcess, stopProcess } from "../local/pubsub/broker-process.ts";
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

/** Gives these, and then none; undefined is no answer. */
function netOf(...pulls: readonly (readonly Held[] | undefined)[]): SafetyNet & { released: number } {
  const left = [...pulls];
  return {
    released: 0,
    pull: () => Promise.resolve(left.length === 0 ? [] : left.shift()),
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

const few = { limit: 10, withData: true };
const kept = (held: Held): object => ({ ...held, bytes: held.data.length });

describe("compare()", () => {
  it("finds what has no row, each once however often it is pulled, and hands all of it back", async () => {
    const [there = assert.fail()] = heldOf("1");
    const [lost = assert.fail()] = heldOf("2");
    const net = netOf([there, lost], [lost, there]);
    const { looked, ending, missing } = await compare(net, worldWith(there), few);
    assert.deepEqual([looked, ending, missing, net.released], [2, "all", [kept(lost)], 1]);
  });

  it("knows parts of a large dead letter one by one", async () => {
    const parts = heldOf("1", "x".repeat(1_500_000));
    assert.equal(parts.length, 2);
    const [first = assert.fail(), second = assert.fail()] = parts;
    assert.deepEqual((await compare(netOf(parts), worldWith(first), few)).missing, [kept(second)]);
  });

  it("says when it did not look at all of it", async () => {
    const net = netOf([...heldOf("1"), ...heldOf("2")], heldOf("3"));
    const { looked, ending } = await compare(net, worldWith(), { ...few, limit: 2 });
    assert.deepEqual([looked, ending], [2, "limit"]);
  });

  it("hands back what it has pulled when the warehouse cannot be asked", async () => {
    const world = worldWith();
    world.present = () => Promise.reject(new Error("away"));
    const net = netOf(heldOf("1"));
    await assert.rejects(compare(net, world, few), /away/);
    assert.equal(net.released, 1);
  });
});

describe("what ends compare()", () => {
  const [one = assert.fail(), two = assert.fail(), three = assert.fail()] = ["1", "2", "3"].flatMap((id) => heldOf(id));

  it("is that there are none, said twice, and not that some come again", async () => {
    const net = netOf([one, two], [one, two], [], [two], [three]);
    const { looked, ending } = await compare(net, worldWith(), few);
    assert.deepEqual([looked, ending, exitCodeOf({ ending }, 0), exitCodeOf({ ending }, 3)], [3, "all", 0, 1]);
  });

  it("is no answer: then nobody knows whether those were all, and that is said", async () => {
    for (const [net, looked] of [
      [netOf(undefined), 0],
      [netOf([one], [], undefined), 1],
    ] as const) {
      const comparison = await compare(net, worldWith(one), few);
      assert.deepEqual([comparison.looked, comparison.ending, net.released], [looked, "silence", 1]);
      assert.match(comparisonText(comparison, { data: "data" }), /did not answer, so nobody knows whether/);
      assert.deepEqual(comparisonOf(comparison), { looked, complete: false, ending: "silence", missing: [] });
      assert.equal(exitCodeOf(comparison, 0), 1);
    }
  });

  it("is that the same ones come again without an end", async () => {
    const net = { ...netOf(), pull: () => Promise.resolve([one]) };
    assert.equal((await compare(net, worldWith(one), few)).ending, "repetition");
  });

  it("is that no more fit into memory, where data is kept because it is to be published", async () => {
    const large = ["4", "5", "6"].flatMap((id) => heldOf(id, "x".repeat(10_000)));
    const options = { limit: 10, maxBytes: 15_000 };
    const { ending, missing } = await compare(netOf(large), worldWith(), { ...options, withData: true });
    assert.deepEqual([ending, missing.length], ["memory", 2]);
    const lean = await compare(netOf(large), worldWith(), { ...options, withData: false });
    assert.deepEqual(
      [lean.ending, lean.missing.map(({ data, bytes }) => [data, bytes])],
      ["all", large.map(({ data }) => [undefined, data.length])],
    );
  });
});

describe("restore()", () => {
  it("publishes the same number each time while the function cannot write: what it has published lands in the safety net too", async () => {
    const world = worldWith();
    world.delivers = false;
    const forwarded = { CloudPubSubDeadLetterSourceSubscription: "s" };
    const nobodys = ["8", "9"].map((messageId) => ({
      ...(heldOf("7")[0] ?? assert.fail()),
      messageId,
      attributes: forwarded,
    }));
    const inNet = [...heldOf("1"), ...heldOf("2", "x".repeat(1_500_000)), ...nobodys];
    for (let run = 1; run <= 3; run += 1) {
      const { missing } = await compare(netOf(inNet), world, { limit: 100, withData: true });
      assert.equal(missing.length, 5, "those that nobody explained are each their own");
      await restore(world.desk, missing.filter(isRestorable));
      assert.equal(world.stored.length, run * 3);
      const published = world.stored.slice(-3).map(({ message }) => message);
      inNet.push(...published.map((message, n) => ({ ...message, messageId: `again-${run}-${n}`, publishedAt: "" })));
    }
  });
});

describe("withSafetyNet()", () => {
  const variable = "PUBSUB_EMULATOR_HOST";
  const before = process.env[variable];
  askNoMetadataServer();
  afterEach(() => {
    if (before === undefined) delete process.env[variable];
    else process.env[variable] = before;
  });

  async function ask(): Promise<[number, string]> {
    const times = { idleMs: 200, answerMs: 2000 };
    const { looked, ending } = await withSafetyNet("p", "agent-logs", (net) => compare(net, worldWith(), few), times);
    return [looked, ending];
  }

  it("hears nothing of a broker that takes connections and never answers", async () => {
    const sockets = new Set<Socket>();
    const mute = createServer((socket) => void sockets.add(socket)).listen(0, "127.0.0.1");
    await once(mute, "listening");
    const address = mute.address();
    assert.ok(address !== null && typeof address === "object");
    process.env[variable] = `127.0.0.1:${address.port}`;
    assert.deepEqual(await ask(), [0, "silence"]);
    for (const socket of sockets) socket.destroy();
    mute.close();
  });

  it("hears of an empty one that it is empty, and of one with a message all that it has, each time", async () => {
    const folder = mkdtempSync(join(tmpdir(), "indelible-safety-net-"));
    const broker = await startBrokerProcess(folder);
    process.env[variable] = broker.address;
    const pubsub = pubSubClient("p");
    try {
      const [topic] = await pubsub.createTopic("agent-logs.dead-letter");
      await topic.createSubscription("agent-logs.dead-letter.safety-net");
      assert.deepEqual(await ask(), [0, "all"]);
      await topic.publishMessage({ data: Buffer.from("x"), attributes: heldOf("1")[0]?.attributes ?? {} });
      for (let again = 0; again < 2; again += 1) assert.deepEqual(await ask(), [1, "all"]);
    } finally {
      await pubsub.close();
      await stopProcess(broker, "SIGTERM");
      rmSync(folder, { recursive: true });
    }
  });
});

describe("isRestorable()", () => {
  it("is what explains itself: what Pub/Sub has forwarded would be another dead letter", () => {
    const [explained = assert.fail()] = heldOf("1");
    const forwarded = { ...explained, attributes: { CloudPubSubDeadLetterSourceSubscription: "s" } };
    const forged = { ...explained, attributes: { ...explained.attributes, "indelible.reason": "ERR_OF_MINE" } };
    assert.deepEqual([explained, forwarded, forged].map(isRestorable), [true, false, false]);
    assert.equal(reasonOf(forwarded).reason, "ERR_DELIVERY_ATTEMPTS");
    assert.equal(reasonOf(explained).reason, "ERR_NOT_JSON");
  });
});
