import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { choose, readLetter, resolveId } from "../../cli/dlq/choice.ts";
import { eventTexts } from "../../cli/dlq/content.ts";
import { statusOf, type Decision, type Failure, type Letter } from "../../cli/dlq/letter.ts";
import { replayMessage } from "../../cli/dlq/replay-message.ts";
import { select } from "../../cli/dlq/survey.ts";
import { groupsText } from "../../cli/dlq/list-text.ts";
import { letterText } from "../../cli/dlq/show-text.ts";
import { planText } from "../../cli/dlq/text.ts";
import { DeadLetterWorld } from "./dlq-world.ts";

function worldOf(...events: readonly string[]): DeadLetterWorld {
  const world = new DeadLetterWorld();
  for (const event of events) world.send("conversations", event);
  return world;
}

async function firstLetter(world: DeadLetterWorld): Promise<Letter> {
  const [first] = await select(world, { filter: {}, states: ["open"], limit: 1, newestFirst: false });
  return first?.letter ?? assert.fail("there is none");
}

describe("statusOf()", () => {
  const decided = (kind: Decision["kind"]): Letter =>
    ({ decision: { kind, micros: 100, patch: undefined } }) as unknown as Letter;
  const failure = (publishedMicros: number): Failure => ({ publishedMicros }) as Failure;

  it("derives each state from the latest review, the history and the newer dead letters", () => {
    const undecided = { decision: undefined } as unknown as Letter;
    assert.equal(statusOf(undecided, true, [failure(200)]).state, "open", "without a review");
    assert.equal(statusOf(decided("discard"), true, []).state, "discarded");
    assert.equal(statusOf(decided("replay"), false, []).state, "replaying");
    assert.equal(statusOf(decided("replay"), true, []).state, "replayed");
    assert.equal(statusOf(decided("replay"), false, [failure(100)]).state, "failed-again");
    assert.equal(statusOf(decided("replay"), true, [failure(200)]).state, "replayed", "a later replay has arrived");
    assert.equal(statusOf(decided("replay"), false, [failure(99)]).state, "replaying", "an earlier replay had failed");
  });
});

describe("resolveId()", () => {
  it("takes a beginning that no other ID has", async () => {
    const world = worldOf("x");
    const { id } = await firstLetter(world);
    assert.equal(await resolveId(world, id.slice(0, 6).toUpperCase()), id);
    assert.equal((await readLetter(world, id)).letter.id, id);
  });

  it("refuses what no ID or more than one begins with, and what cannot be one", async () => {
    const world = worldOf("x");
    world.matching = (prefix) => Promise.resolve(prefix.startsWith("aaaa") ? ["aaaa1", "aaaa2"] : []);
    await assert.rejects(resolveId(world, "aaaa"), { code: "ERR_NOT_FOUND", message: /several/ });
    await assert.rejects(resolveId(world, "bbbb"), { code: "ERR_NOT_FOUND", message: /there is no/ });
    for (const text of ["abc", "%", "'; --", "0".repeat(37)]) {
      await assert.rejects(resolveId(world, text), { code: "ERR_NOT_FOUND", message: /is no dead-letter ID/ });
    }
  });
});

describe("choose()", () => {
  it("takes those of the filter, or those that are named, and says what of them is settled", async () => {
    const world = worldOf("x", '{"mood":1}');
    const wanted = { byFilter: ["open"], byId: ["open"], limit: 10 } as const;
    const { chosen } = await choose(world, [], { reason: "ERR_NOT_JSON" }, wanted);
    assert.equal(chosen.length, 1);
    const id = chosen[0]?.letter.id ?? "";
    const named = await choose(world, [id], {}, { ...wanted, byId: ["replaying"] });
    assert.deepEqual([named.chosen.length, named.settled.map(({ letter }) => letter.id)], [0, [id]]);
    assert.equal((await choose(world, [], {}, { ...wanted, limit: 1 })).cut, true);
    const unknown = "00000000-0000-5000-8000-000000000009";
    await assert.rejects(choose(world, [id, unknown], {}, wanted), { code: "ERR_NOT_FOUND", message: /0009$/ });
    await assert.rejects(choose(world, [id], { table: "seals" }, wanted), { code: "ERR_NOT_FOUND" });
  });
});

describe("eventTexts()", () => {
  const whole = { index: undefined } as Letter;
  const texts = (data: Buffer, attributes: { [name: string]: string }, letter = whole): string[] | undefined =>
    eventTexts(letter, { data, attributes });

  it("takes a whole message apart as the subscriber does", () => {
    const data = Buffer.from("{}\n\n {} \n");
    assert.deepEqual(texts(data, { format: "ndjson" }), ["{}", "{}"]);
    assert.deepEqual(texts(gzipSync(data), { format: "ndjson", encoding: "gzip" }), ["{}", "{}"]);
    assert.deepEqual(texts(zstdCompressSync(data), { format: "ndjson", encoding: "zstd" }), ["{}", "{}"]);
    assert.deepEqual(texts(Buffer.from(" {\n} "), {}), ["{\n}"]);
    assert.deepEqual(texts(data, { encoding: "gzip" }, { index: 1 } as Letter), ["{}\n\n {}"], "one event is plain");
  });

  it("gives up rather than take a part for the whole", () => {
    const twoFrames = Buffer.concat([zstdCompressSync("{}\n"), zstdCompressSync("{}")]);
    assert.equal(texts(twoFrames, { encoding: "zstd", format: "ndjson" }), undefined);
    assert.equal(texts(Buffer.from([0xff]), {}), undefined);
    assert.equal(texts(Buffer.from("{}"), { encoding: "br" }), undefined);
    assert.equal(texts(Buffer.from("{}"), { encoding: "toString" }), undefined);
    assert.equal(texts(Buffer.from("{}"), { format: "xml" }), undefined);
    assert.equal(texts(Buffer.from(" "), {}), undefined);
  });
});

describe("replayMessage()", () => {
  const letter = { id: "d", messageId: "17", index: undefined } as Letter;
  it("keeps format and encoding of a whole message, and strips what we and Google added", () => {
    const attributes = {
      encoding: "gzip",
      format: "ndjson",
      team: "x",
      "indelible.part": "1",
      CloudPubSubDeadLetterSourceSubscription: "s",
      googclient_x: "y",
    };
    const message = replayMessage(letter, { data: Buffer.from("z"), attributes }, undefined);
    assert.deepEqual(message?.attributes, {
      encoding: "gzip",
      format: "ndjson",
      team: "x",
      "indelible.replay_of": "d",
      "indelible.message_id": "17",
    });
  });

  it("has room for ours, however many attributes there were", () => {
    const attributes = {
      ...Object.fromEntries(Array.from({ length: 99 }, (_, n) => [`a${n}`, "x"])),
      format: "ndjson",
    };
    const message = replayMessage(letter, { data: Buffer.from("{}"), attributes }, undefined);
    assert.equal(Object.keys(message?.attributes ?? {}).length, 100);
    assert.equal(message?.attributes["format"], "ndjson");
  });

  it("gives up what no message can hold", () => {
    const data = Buffer.alloc(10_000_000, 1);
    assert.equal(replayMessage(letter, { data, attributes: { encoding: "br" } }, undefined), undefined);
  });
});

describe("what is printed", () => {
  it("escapes what was logged, and shows JSON indented", async () => {
    const world = worldOf('{"mood":"\u202egood","b":"\\u001b[31m"}');
    const letter = await firstLetter(world);
    const content = (await world.contents([letter])).get(letter.id);
    const text = letterText({ letter, status: { state: "open", failures: [] } }, content, [], { whereBytes: "" });
    assert.match(text, /^ {2}"mood": "\\u\{202e\}good",$/m);
    assert.ok(!text.includes("\u202e"));
    assert.match(text, /What to do/);
  });

  it("counts groups by table, reason and pattern", async () => {
    const world = worldOf('{"conversation_id":"c1"}', "x", '{"conversation_id":"c2"}');
    const letters = await select(world, { filter: {}, states: ["open"], limit: 10, newestFirst: false });
    assert.equal(
      planText("replay", letters).replaceAll(/g-[0-9a-f]{8}/g, "g-NNNNNNNN"),
      "3 dead letters in 2 groups to replay\n  2 of g-NNNNNNNN, conversations: ERR_INVALID_EVENT, the event lacks business_id\n  1 of g-NNNNNNNN, conversations: ERR_NOT_JSON, the event is not JSON\n",
    );
    const groups = await world.groups({}, undefined, 10);
    assert.match(
      groupsText(groups, "open", undefined),
      /^g-[0-9a-f]{8} {5}2 {2}conversations {2}ERR_INVALID_EVENT {2}the event lacks business_id /m,
    );
  });
});
