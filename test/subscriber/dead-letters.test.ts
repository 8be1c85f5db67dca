import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BatchTransport, TransportMessage } from "@indelible/publisher/transport.ts";
import { logIdOfMessage } from "@indelible/schemas/entry.ts";
import type { ErrorCode } from "@indelible/schemas/errors.ts";
import { rowEncoderOf } from "@indelible/schemas/protobuf.ts";
import { tables, type Event } from "@indelible/schemas/tables.ts";
import { assertEvent } from "@indelible/schemas/validator.ts";
import { splitBytes } from "@indelible/subscriber/byte-parts.ts";
import { deadLetterEntries } from "@indelible/subscriber/dead-letter-entry.ts";
import { MAX_PART_BYTES } from "@indelible/subscriber/dead-letter-message.ts";
import { pubsubDeadLetters } from "@indelible/subscriber/dead-letters.ts";
import type { Fault } from "@indelible/subscriber/decode.ts";
import type { Message } from "@indelible/subscriber/message.ts";
import fc from "fast-check";
import { checkMessages } from "../../local/pubsub/limits.ts";

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
const replay = {
  "indelible.replay_of": "00000000-0000-5000-8000-000000000001",
  "indelible.message_id": "9",
  "indelible.index": "5",
};

/** A transport that keeps requests, checked as the broker does, until one fails. */
class Requests implements Pick<BatchTransport, "publishAll"> {
  readonly published: TransportMessage[][] = [];
  inFlight = 0;
  maxInFlight = 0;
  readonly #failing: ReadonlySet<number>;
  #attempts = 0;

  constructor(...failing: readonly number[]) {
    this.#failing = new Set(failing);
  }

  async publishAll(_topic: string, messages: readonly TransportMessage[]): Promise<readonly string[]> {
    this.#attempts += 1;
    const attempt = this.#attempts;
    checkMessages(messages);
    this.maxInFlight = Math.max(this.maxInFlight, (this.inFlight += 1));
    await Promise.resolve();
    this.inFlight -= 1;
    if (this.#failing.has(attempt)) throw new Error("no topic");
    this.published.push([...messages]);
    return messages.map(String);
  }
}

/** Publishes, and gives the messages as the dead-letter topic would deliver them. */
async function publish(message: Message, faults: readonly Fault[], requests = new Requests()): Promise<Message[]> {
  await pubsubDeadLetters(requests, "agent-logs.dead-letter").publish("conversations", message, faults);
  return requests.published
    .flat()
    .map((one, index) => ({ id: `dl-${index}`, publishedAt: 1_780_000_001_000_000, ...one }));
}

async function rowsOf(message: Message, one: Fault): Promise<Event[]> {
  const deadLetters = await publish(message, [one]);
  return deadLetters.flatMap((deadLetter) => deadLetterEntries(deadLetter).map(({ event }) => event));
}

async function rowOf(message: Message, one: Fault): Promise<Event> {
  const rows = await rowsOf(message, one);
  assert.equal(rows.length, 1);
  return rows[0] as Event;
}

function bytesOf(rows: readonly Event[]): Buffer {
  return Buffer.concat(
    rows.map((row) =>
      typeof row["data_base64"] === "string"
        ? Buffer.from(row["data_base64"], "base64")
        : Buffer.from((row["data"] as string | undefined) ?? ""),
    ),
  );
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
      reason_pattern: "the event lacks started_at",
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
    const twice = [...(await publish(source, [fault("x")])), ...(await publish(source, [fault("x")]))].flatMap(
      (message, index) => deadLetterEntries({ ...message, id: `other-${index}` }),
    );
    assert.equal(twice[0]?.entryHash, twice[1]?.entryHash);
    const others = await Promise.all(
      [fault("x", 4), { ...fault("x"), index: undefined }].map((one) => rowOf(source, one)),
    );
    assert.equal(new Set([twice[0]?.logId, ...others.map((row) => row["log_id"])]).size, 3);
  });

  it("names the log_id that the event gets when it has none that is one", async () => {
    for (const data of ["not json", "{}", '{"log_id":"mine"}', "null"]) {
      const row = await rowOf(source, fault(data));
      assert.equal(row["source_log_id"], logIdOfMessage("conversations", "17", 3), data);
    }
    assert.equal((await rowOf(source, { ...fault("x"), index: undefined }))["source_log_id"], null);
  });

  it("keeps bytes that are not UTF-8 in base64", async () => {
    const bytes = Buffer.from([0, 0xff, 0xfe]);
    const row = await rowOf(source, fault(bytes));
    assert.equal(row["data"], undefined);
    assert.deepEqual(Buffer.from(row["data_base64"] as string, "base64"), bytes);
  });

  it("of a replay says what it replays and where the event came in at first, under an identity of its own", async () => {
    const first = await rowOf({ ...source, id: "9" }, fault("{}", 5));
    const again = await rowOf({ ...source, id: "18", attributes: { ...source.attributes, ...replay } }, fault("{}", 0));
    assert.notEqual(again["dead_letter_id"], first["dead_letter_id"]);
    assert.deepEqual(again["source_attributes"], source.attributes);
    assert.deepEqual(
      ["replay_of", "origin_message_id", "origin_index", "source_message_id", "source_index"].map(
        (name) => again[name],
      ),
      [replay["indelible.replay_of"], "9", 5, "18", 0],
    );
    assert.equal(again["source_log_id"], first["source_log_id"], "the entry that it is to become is the same");
  });

  it("of large data is split into parts with identities of their own, the first that of the whole", async () => {
    const data = `{"text":"${"€".repeat(6_000_000)}"}`;
    const rows = await rowsOf(source, fault(data));
    assert.ok(rows.length > 16);
    assert.deepEqual(
      rows.map((row) => [row["part"], row["parts"]]),
      rows.map((_, index) => [index + 1, rows.length]),
    );
    assert.equal(new Set(rows.map((row) => row["log_id"])).size, rows.length);
    assert.equal(rows[0]?.["log_id"], (await rowOf(source, fault("{}")))["log_id"]);
    assert.ok(
      rows.every((row) => row["data_base64"] === undefined),
      "UTF-8 is not cut within a character",
    );
    assert.equal(bytesOf(rows).toString(), data);
    assert.equal(
      rows.reduce((sum, row) => sum + (row["data_bytes"] as number), 0),
      Buffer.byteLength(data),
    );
  });

  it("fits into a row and a request at its worst: a part of nothing but controls, and all the attributes there can be", async () => {
    const attributes = Object.fromEntries(
      Array.from({ length: 100 }, (_, n) => [`${n}`.padEnd(256, "\u0001"), "\u0001".repeat(1024)]),
    );
    const rows = await rowsOf({ ...source, attributes }, fault(Buffer.alloc(MAX_PART_BYTES + 1, 1)));
    assert.equal(rows.length, 3);
    for (const row of rows) {
      const entry = JSON.stringify(row);
      const recorded = { published_at: 0, message_id: "1", ingested_at: 0, schema_version: 2, entry, entry_hash: "0" };
      assert.ok(rowEncoderOf(tables.dead_letters)(row, recorded).length < 9 * 1024 * 1024);
    }
  });

  it("loses no attribute of the original: those for which there is no room stand in a part of their own", async () => {
    const attributes = Object.fromEntries(Array.from({ length: 98 }, (_, n) => [`a${n}`, "é".repeat(512)]));
    const all = { ...attributes, googclient_schemaencoding: "JSON", "indelible.reason": "forged" };
    const rows = await rowsOf({ ...source, attributes: all }, { ...fault("{}"), detail: "ü".repeat(5000) });
    assert.deepEqual(
      rows.map((row) => [row["part"], row["parts"], row["data_bytes"]]),
      [
        [1, 2, 2],
        [2, 2, 0],
      ],
    );
    assert.deepEqual(
      { ...(rows[0]?.["source_attributes"] as Event), ...(rows[1]?.["source_attributes"] as Event) },
      all,
    );
  });

  it("stays within Pub/Sub's limits and loses nothing, whatever the source brought and the reason says", async () => {
    const text = fc.string({ unit: "grapheme", maxLength: 12 });
    const key = fc.oneof(
      text.filter((name) => name !== ""),
      fc.constantFrom("googclient_x", "indelible.table"),
    );
    const attributes = fc.dictionary(key, text, { maxKeys: 100, size: "max", noNullPrototype: true });
    const data = fc
      .tuple(fc.uint8Array({ maxLength: 9 }), text, fc.constantFrom(1, 10, 150_000))
      .map(([bytes, part, times]) =>
        Buffer.from(
          Buffer.concat([Buffer.from(bytes), Buffer.from(part)])
            .toString("latin1")
            .repeat(times),
          "latin1",
        ),
      );
    await fc.assert(
      fc.asyncProperty(
        attributes,
        data,
        fc.string({ unit: "grapheme", maxLength: 2000 }),
        async (originals, bytes, detail) => {
          const rows = await rowsOf({ ...source, attributes: originals }, { ...fault(bytes), detail });
          for (const row of rows) assertEvent("dead_letters", row);
          assert.ok(bytesOf(rows).equals(bytes));
          const stored = rows.flatMap((row) => Object.entries(row["source_attributes"] as object));
          assert.deepEqual(Object.fromEntries(stored), originals);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("pubsubDeadLetters()", () => {
  it("publishes 50,000 faults in requests that Pub/Sub takes, a few at a time", async () => {
    const requests = new Requests();
    const faults = Array.from({ length: 50_000 }, (_, index) => fault("{}", index));
    const messages = await publish(source, faults, requests);
    assert.equal(requests.published.length, 50);
    assert.equal(requests.maxInFlight, 3);
    assert.equal(new Set(messages.map(({ attributes }) => attributes["indelible.index"])).size, 50_000);
  });

  it("keeps requests below Pub/Sub's 10 MB", async () => {
    const requests = new Requests();
    await publish(
      source,
      Array.from({ length: 16 }, (_, index) => fault(Buffer.alloc(MAX_PART_BYTES), index)),
      requests,
    );
    assert.deepEqual(
      requests.published.map(({ length }) => length),
      [8, 8],
    );
  });

  it("is not acknowledged when one of several requests failed: begins no other, and waits for those in flight", async () => {
    const requests = new Requests(2);
    const faults = Array.from({ length: 9000 }, (_, index) => fault("{}", index));
    await assert.rejects(publish(source, faults, requests), { code: "ERR_PUBLISH", retryable: true });
    assert.equal(requests.inFlight, 0);
    assert.ok(requests.published.length < 6, `${requests.published.length} of 9 were sent all the same`);
  });

  it("gives up a request that is not answered in time", async () => {
    const silent = { publishAll: () => new Promise<readonly string[]>(() => {}) };
    const publishing = pubsubDeadLetters(silent, "t", 1).publish("conversations", source, [fault("{}")]);
    await assert.rejects(publishing, { code: "ERR_PUBLISH" });
  });
});

describe("deadLetterEntries()", () => {
  it("says so when Pub/Sub itself forwarded a message after its last delivery attempt, and for which table it was", () => {
    const attributes = {
      CloudPubSubDeadLetterSourceSubscription: "agent-logs.conversations.function",
      format: "ndjson",
    };
    const [{ event } = assert.fail()] = deadLetterEntries({ ...source, attributes });
    assert.equal(event["reason"], "ERR_DELIVERY_ATTEMPTS");
    assert.equal(event["source_table"], "conversations");
    assert.deepEqual(event["source_attributes"], attributes);
    assert.equal(event["data"], "irrelevant");
    for (const subscription of ["agent-logs.seals.function", "conversations.function", "other"]) {
      const others = { CloudPubSubDeadLetterSourceSubscription: subscription };
      const [stranger] = deadLetterEntries({ ...source, attributes: others });
      assert.equal(stranger?.event["source_table"], undefined, subscription);
    }
  });

  it("keeps of a replay that Pub/Sub forwarded what it was a replay of", () => {
    const attributes = { CloudPubSubDeadLetterSourceSubscription: "x.conversations.function", ...replay };
    const [{ event } = assert.fail()] = deadLetterEntries({ ...source, attributes });
    assert.deepEqual(
      [event["replay_of"], event["origin_message_id"], event["origin_index"]],
      [replay["indelible.replay_of"], "9", 5],
    );
  });

  it("splits what somebody else put there and is too large for a row", () => {
    const data = Buffer.alloc(10_000_000, 0xff);
    const events = deadLetterEntries({ ...source, data }).map(({ event }) => event);
    assert.equal(events.length, 10);
    assert.ok(bytesOf(events).equals(data));
  });

  it("makes valid rows of any message, also of one whose attributes are forged", () => {
    const ours =
      "reason detail table message_id published_at index log_id part parts content replay_of origin_message_id origin_index";
    const names = ours.split(" ").map((name) => `indelible.${name}`);
    const value = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.constantFrom("1", "2", "ERR_NOT_JSON", "2026-01-31T09:30:00Z", "attributes"),
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), value),
        fc.uint8Array(),
        (attributes, data) => {
          const entries = deadLetterEntries({ ...source, attributes, data: Buffer.from(data) });
          assert.equal(entries.length, 1);
          for (const { event, logId } of entries) {
            assertEvent("dead_letters", event);
            assert.match(logId, /^[0-9a-f-]{36}$/);
            assert.ok(event["data_bytes"] === data.length || event["source_attributes"] !== null);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("takes no reason that docs/errors.md does not have", async () => {
    const [message] = await publish(source, [fault("x")]);
    const forge = (reason: string): unknown =>
      deadLetterEntries({
        ...(message as Message),
        attributes: { ...message?.attributes, "indelible.reason": reason },
      })[0]?.event["reason"];
    assert.equal(forge("ERR_NOT_JSON"), "ERR_NOT_JSON");
    assert.equal(forge("toString"), "ERR_UNEXPLAINED");
    assert.equal(forge("ERR_MADE_UP"), "ERR_UNEXPLAINED");
  });
});

describe("splitBytes()", () => {
  it("gives parts that are what they were when they are put together, none too large, and UTF-8 where the whole is", () => {
    const data = fc.oneof(
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.string({ unit: "grapheme" }).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(data, fc.integer({ min: 4, max: 20 }), (whole, maxBytes) => {
        const parts = splitBytes(whole, maxBytes);
        assert.ok(Buffer.concat(parts).equals(whole));
        assert.ok(parts.every((part) => part.length <= maxBytes && (part.length > 0 || whole.length === 0)));
        if (Buffer.from(whole.toString()).equals(whole)) {
          assert.equal(parts.map((part) => part.toString()).join(""), whole.toString());
        }
      }),
    );
  });
});
