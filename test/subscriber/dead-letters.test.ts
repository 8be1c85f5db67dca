import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ErrorCode } from "@indelible/schemas/errors.ts";
import { assertEvent } from "@indelible/schemas/validator.ts";
import { deadLetterEntry, pubsubDeadLetters } from "@indelible/subscriber/dead-letters.ts";
import type { Fault } from "@indelible/subscriber/decode.ts";
import type { Message } from "@indelible/subscriber/message.ts";
import type { PubSub } from "@google-cloud/pubsub";
import fc from "fast-check";

const source: Message = {
  id: "17",
  publishedAt: 1_780_000_000_123_456,
  data: Buffer.from("irrelevant"),
  attributes: { format: "ndjson", team: "finance" },
};
const fault = (data: string | Buffer, index: number | undefined = 3, code: ErrorCode = "ERR_INVALID_EVENT"): Fault => ({
  index,
  data: Buffer.from(data as string),
  code,
  detail: "the event lacks started_at",
});

type Published = { data: Buffer; attributes: { [name: string]: string } };

/** Publishes through a topic that only records, and gives the messages as the dead-letter topic would deliver them. */
async function publish(message: Message, faults: readonly Fault[], fails = false): Promise<Message[]> {
  const published: Published[] = [];
  const topic = {
    async publishMessage(one: Published) {
      if (fails && published.length === 1) throw new Error("no topic");
      published.push(one);
      return "1";
    },
  };
  const pubsub = { topic: () => topic } as unknown as PubSub;
  await pubsubDeadLetters(pubsub, "agent-logs.dead-letter").publish("conversations", message, faults);
  return published.map((one, index) => ({ id: `dl-${index}`, publishedAt: 1_780_000_001_000_000, ...one }));
}

async function rowOf(message: Message, one: Fault): Promise<ReturnType<typeof deadLetterEntry>["event"]> {
  const [deadLetter] = await publish(message, [one]);
  return deadLetterEntry(deadLetter as Message).event;
}

describe("a dead letter", () => {
  it("becomes a row with the reason, the source and the original bytes", async () => {
    const data = '{"conversation_id":"c1","log_id":"00000000-0000-7000-8000-000000000001"}';
    const row = await rowOf(source, fault(data));
    assert.deepEqual(row, {
      log_id: row["log_id"],
      dead_letter_id: row["log_id"],
      reason: "ERR_INVALID_EVENT",
      reason_detail: "the event lacks started_at",
      source_table: "conversations",
      source_message_id: "17",
      source_published_at: "2026-05-28T20:26:40.123456Z",
      source_index: 3,
      source_log_id: "00000000-0000-7000-8000-000000000001",
      source_attributes: { format: "ndjson", team: "finance" },
      data,
      data_bytes: data.length,
    });
  });

  it("is the same row when the source message is delivered and dead-lettered again", async () => {
    const twice = [...(await publish(source, [fault("x")])), ...(await publish(source, [fault("x")]))].map(
      (message, index) => deadLetterEntry({ ...message, id: `other-${index}` }),
    );
    assert.equal(twice[0]?.entryHash, twice[1]?.entryHash);
    const others = await Promise.all(
      [fault("x", 4), { ...fault("x"), index: undefined }].map((one) => rowOf(source, one)),
    );
    assert.equal(new Set([twice[0]?.logId, ...others.map((row) => row["log_id"])]).size, 3);
  });

  it("keeps bytes that are not UTF-8 in base64", async () => {
    const bytes = Buffer.from([0, 0xff, 0xfe]);
    const row = await rowOf(source, fault(bytes));
    assert.equal(row["data"], undefined);
    assert.deepEqual(Buffer.from(row["data_base64"] as string, "base64"), bytes);
  });

  it("says how large data was that is too large for a row", async () => {
    const row = await rowOf(source, fault(Buffer.alloc(3 * 1024 * 1024, 0x20)));
    assert.deepEqual([row["data"], row["data_base64"], row["data_bytes"]], [undefined, undefined, 3 * 1024 * 1024]);
  });

  it("stays within Pub/Sub's limits whatever the source brought and the reason says", async () => {
    const attributes = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`a${n}`, "é".repeat(512)]));
    const [message] = await publish({ ...source, attributes }, [{ ...fault("{}"), detail: "ü".repeat(5000) }]);
    assert.ok(message !== undefined);
    assert.ok(Object.keys(message.attributes).length <= 100);
    for (const value of Object.values(message.attributes)) assert.ok(Buffer.byteLength(value) <= 1024);
    assertEvent("dead_letters", deadLetterEntry(message).event);
  });

  it("is not acknowledged when one of several could not be published", async () => {
    await assert.rejects(publish(source, [fault("a", 0), fault("b", 1)], true), {
      code: "ERR_PUBLISH",
      retryable: true,
    });
  });
});

describe("deadLetterEntry()", () => {
  it("says so when Pub/Sub itself forwarded a message after its last delivery attempt", () => {
    const attributes = {
      CloudPubSubDeadLetterSourceSubscription: "agent-logs.conversations.function",
      format: "ndjson",
    };
    const { event } = deadLetterEntry({ ...source, attributes });
    assert.equal(event["reason"], "ERR_DELIVERY_ATTEMPTS");
    assert.deepEqual(event["source_attributes"], attributes);
    assert.equal(event["data"], "irrelevant");
  });

  it("makes a valid row of any message, also of one whose attributes are forged", () => {
    const names = ["reason", "detail", "table", "message_id", "published_at", "index", "log_id"].map(
      (name) => `indelible.${name}`,
    );
    const value = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.constantFrom("1", "ERR_NOT_JSON", "2026-01-31T09:30:00Z"),
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), value),
        fc.uint8Array(),
        (attributes, data) => {
          const entry = deadLetterEntry({ ...source, attributes, data: Buffer.from(data) });
          assertEvent("dead_letters", entry.event);
          assert.match(entry.logId, /^[0-9a-f-]{36}$/);
          assert.equal(entry.event["data_bytes"], data.length);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("takes no reason that docs/errors.md does not have", async () => {
    const [message] = await publish(source, [fault("x")]);
    const forge = (reason: string): unknown =>
      deadLetterEntry({ ...(message as Message), attributes: { ...message?.attributes, "indelible.reason": reason } })
        .event["reason"];
    assert.equal(forge("ERR_NOT_JSON"), "ERR_NOT_JSON");
    assert.equal(forge("toString"), "ERR_UNEXPLAINED");
    assert.equal(forge("ERR_MADE_UP"), "ERR_UNEXPLAINED");
  });
});
