import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { logIdOfMessage } from "@indelible/schemas/entry.ts";
import type { Event } from "@indelible/schemas/tables.ts";
import type { Patch } from "rfc6902";
import { discardLetters } from "../../cli/dlq/discard.ts";
import type { Letter } from "../../cli/dlq/letter.ts";
import { awaitOutcome } from "../../cli/dlq/outcome.ts";
import { replayAndFollow } from "../../cli/dlq/replay.ts";
import { rehearse, replayLetters } from "../../cli/dlq/replay-job.ts";
import { Run } from "../../cli/dlq/reviews.ts";
import { select, type Surveyed } from "../../cli/dlq/survey.ts";
import { replayText } from "../../cli/dlq/text.ts";
import { chosen, fix, Killed, replay, reviewer, signal, statesOf, thought, worldWith } from "./dlq-thoughts.ts";
import { DeadLetterWorld, reviewsTopic } from "./dlq-world.ts";

describe("replayLetters()", () => {
  it("sends a record of BigQuery's audit log to where such records are understood, and knows when it has arrived", async () => {
    const world = new DeadLetterWorld();
    const record = {
      logName: "projects/p/logs/cloudaudit.googleapis.com%2Fdata_access",
      insertId: "abc",
      timestamp: "2026-01-31T09:30:00Z",
      protoPayload: {
        resourceName: "projects/p/datasets/agent_logs_raw/tables/conversations",
        metadata: { tableDataRead: { reason: "TABLEDATA_LIST_REQUEST" } },
      },
    };
    world.forward("agent-logs.bigquery-audit.function", Buffer.from(JSON.stringify(record)), {});
    const { published } = await replay(world);
    assert.equal(published.length, 1);
    assert.equal(world.stored.at(-1)?.topic, "agent-logs.bigquery-audit");
    assert.equal(world.count("log_access_audit"), 1);
    assert.deepEqual(await statesOf(world), { replayed: 1 });
  });

  it("killed between review and replay, leaves a state from which the same call finishes the job without a second review", async () => {
    const world = worldWith(1);
    world.beforePublish = (topic) => {
      if (topic !== reviewsTopic) throw new Killed();
    };
    await assert.rejects(replay(world, fix), Killed);
    assert.deepEqual(await statesOf(world), { replaying: 1 });

    world.beforePublish = () => {};
    // Without the edit: what was decided is on record.
    await replay(world);
    assert.deepEqual(await statesOf(world), { replayed: 1 });
    assert.equal(world.reviewRows.length, 1);
    assert.equal(world.entries.get("thinking_logs")?.get(String(thought(0)["log_id"]))?.["confidence_level"], 1);
  });

  it("killed at any request, carried out or not, can be run again until each letter is one entry, reviewed before it was published", async () => {
    const letters = 7;
    // Of four chunks, one request with reviews and one with replays each.
    for (let kill = 1; kill <= 8; kill += 1) {
      for (const when of ["beforePublish", "afterPublish"] as const) {
        const world = worldWith(letters);
        let requests = 0;
        let unreviewed = 0;
        const check = (topic: string): void => {
          if (topic === reviewsTopic) return;
          const reviewed = new Set(world.reviewRows.map(({ event }) => event["dead_letter_id"]));
          const replayed = world.stored.filter((one) => one.topic === topic).map(({ message }) => message.attributes);
          unreviewed += replayed.filter((attributes) => !reviewed.has(attributes["indelible.replay_of"])).length;
        };
        world.afterPublish = check;
        world[when] = (topic) => {
          if (when === "afterPublish") check(topic);
          requests += 1;
          if (requests === kill) throw new Killed();
        };
        await assert.rejects(replay(world, fix), Killed);
        world.beforePublish = () => {};
        world.afterPublish = check;
        await replay(world, fix);
        assert.deepEqual(await statesOf(world), { replayed: letters }, `${when} ${kill}`);
        assert.equal(world.count("thinking_logs"), letters);
        assert.equal(world.reviewRows.length, letters, "nothing is reviewed twice");
        assert.equal(unreviewed, 0);
      }
    }
  });

  it("publishes again what failed or seemed to, under the same identities", async () => {
    const world = worldWith(3);
    let failures = 0;
    world.afterPublish = () => {
      failures += 1;
      if (failures % 2 === 1) throw Object.assign(new Error("lost"), { code: "ECONNRESET" });
    };
    await replay(world, fix);
    assert.equal(new Set(world.reviewRows.map(({ event }) => event["log_id"])).size, 3);
    assert.ok(world.reviewRows.length > 3, "they came twice");
    assert.equal(world.count("thinking_logs"), 3);
    assert.deepEqual(await statesOf(world), { replayed: 3 });
  });

  it("does not publish before the review is readable, and says so when it never is", async () => {
    const world = worldWith(1);
    world.delivers = false;
    const desk = { ...world.desk, patience: { deadlineMs: 0, signal } };
    const options = { reviewer, ratePerSecond: 1, signal, onProgress: () => {} };
    const running = replayLetters(desk, await chosen(world), { patch: fix, force: false }, options);
    await assert.rejects(running, { code: "ERR_DEADLINE", retryable: true });
    assert.deepEqual(
      world.stored.map(({ topic }) => topic),
      [reviewsTopic],
    );
  });

  it("sends the original bytes with the original attributes, and those that say where they come from", async () => {
    const world = worldWith(2);
    await replay(world);
    const replays = world.stored.filter(({ topic }) => topic === "agent-logs.thinking_logs");
    const [letter] = await chosen(world, "failed-again");
    assert.equal(replays[1]?.message.data.toString(), JSON.stringify(thought(1)));
    assert.deepEqual(replays[0]?.message.attributes, {
      team: "finance",
      "indelible.replay_of": letter?.letter.id,
      "indelible.message_id": letter?.letter.messageId,
      "indelible.index": "0",
    });
  });

  it("lists what failed again as dead letters of their own, which can be edited and replayed in turn", async () => {
    const world = worldWith(2);
    const { published } = await replay(world);
    const outcome = await awaitOutcome(world.desk, published, { waitMs: 0, signal, onProgress: () => {} });
    assert.deepEqual([outcome.arrived, outcome.failedLetters, outcome.pending.length], [0, 2, 0]);
    assert.deepEqual(
      outcome.failedAgain.map(({ reason, detail }) => [reason, detail]),
      Array.from({ length: 2 }, () => ["ERR_INVALID_EVENT", "confidence_level must be <= 1"]),
    );
    assert.deepEqual(await statesOf(world), { "failed-again": 2, open: 2 });
    await replay(world, fix);
    assert.deepEqual(await statesOf(world), { replayed: 4 });
    assert.equal(world.count("thinking_logs"), 2);
  });

  it("makes one entry of an event without a log_id, the one that it would have been at first, however often and over failures", async () => {
    const world = new DeadLetterWorld();
    const { log_id: _, ...anonymous } = thought(0);
    const id = world.send(
      "thinking_logs",
      `\n${JSON.stringify(thought(1, { confidence_level: 1 }))}\n${JSON.stringify(anonymous)}`,
      { format: "ndjson" },
    );
    await replay(world);
    world.afterPublish = (topic) => {
      if (topic !== reviewsTopic) throw new Killed();
    };
    await assert.rejects(replay(world, fix), Killed);
    world.afterPublish = () => {};
    const [open] = await chosen(world, "open", "replaying");
    assert.equal(open, undefined, "the killed replay has arrived");
    assert.deepEqual(
      [...(world.entries.get("thinking_logs")?.keys() ?? [])],
      [thought(1)["log_id"], logIdOfMessage("thinking_logs", id, 1)],
    );
  });

  it("takes a whole message apart to edit it, and to know when all of it has arrived", async () => {
    const world = new DeadLetterWorld();
    const lines = [thought(0), thought(1, { confidence_level: 0.5 })].map((event) => JSON.stringify(event)).join("\n");
    world.forward("agent-logs.thinking_logs.function", gzipSync(lines), {
      format: "ndjson",
      encoding: "gzip",
      team: "x",
    });
    world.entries.set("thinking_logs", new Map([[String(thought(1)["log_id"]), {}]]));
    world.beforePublish = (topic) => {
      if (topic !== reviewsTopic) throw new Killed();
    };
    await assert.rejects(replay(world, fix), Killed);
    assert.deepEqual(await statesOf(world), { replaying: 1 }, "one of its two events was an entry before");
    world.beforePublish = () => {};
    await replay(world, fix);
    assert.deepEqual(await statesOf(world), { replayed: 1 });
    const { data, attributes } = world.stored.at(-1)?.message ?? assert.fail();
    assert.equal(data.toString().split("\n").length, 2);
    assert.deepEqual(Object.keys(attributes).toSorted(), [
      "format",
      "indelible.message_id",
      "indelible.replay_of",
      "team",
    ]);
  });

  it("puts parts together again, and compresses what would not fit into a message", async () => {
    const world = new DeadLetterWorld();
    const text = JSON.stringify(thought(0, { thinking_content: "é".repeat(1_000_000) }));
    const spaced = `{${" ".repeat(9_600_000)}${text.slice(1)}`;
    world.send("thinking_logs", gzipSync(spaced), { encoding: "gzip" });
    assert.ok(world.deadLetters.length > 10);
    assert.equal((await chosen(world)).length, 1, "all parts are one letter");
    await replay(world);
    const { data, attributes } = world.stored.at(-1)?.message ?? assert.fail();
    assert.equal(attributes["encoding"], "gzip");
    assert.ok(data.length < 1_000_000);
    assert.deepEqual(await statesOf(world), { "failed-again": 1, open: 1 });
    await replay(world, fix);
    assert.equal(
      String(world.entries.get("thinking_logs")?.values().next().value?.["thinking_content"]).length,
      1_000_000,
    );
  });

  it("ends after the chunk under way when it is interrupted, and goes on when it is called again", async () => {
    const world = worldWith(5);
    const controller = new AbortController();
    const result = await replay(world, fix, { signal: controller.signal, onProgress: () => controller.abort() });
    assert.deepEqual([result.published.length, result.interrupted], [2, true]);
    assert.deepEqual(await statesOf(world), { replayed: 2, open: 3 });
    assert.equal((await replay(world, fix)).interrupted, false);
    assert.deepEqual(await statesOf(world), { replayed: 5 });
  });

  it("keeps to the rate: after a chunk it waits for the rest of its time", async () => {
    const world = worldWith(5);
    await replay(world, fix, { ratePerSecond: 2 });
    assert.equal(world.pauses.length, 2, "not after the last one");
    assert.ok(world.pauses.every((ms) => ms > 0 && ms <= 1000));
  });

  it("says after each chunk how far it is", async () => {
    const world = worldWith(5);
    const counts: number[] = [];
    await replay(world, fix, { onProgress: (count) => counts.push(count) });
    assert.deepEqual(counts, [2, 4, 5]);
  });

  it("numbers the reviews of a run, under one publisher, and those of another run anew", async () => {
    const world = worldWith(3);
    await replay(world, undefined, { reviewer: { ...reviewer, run: new Run() } });
    await replay(world, fix, { reviewer: { ...reviewer, run: new Run() } });
    const runs = Map.groupBy(world.reviewRows, ({ event }) => event["publisher_id"]);
    assert.deepEqual(
      [...runs.values()].map((reviews) => reviews.map(({ event }) => event["seq"])),
      [
        [1, 2, 3],
        [1, 2, 3],
      ],
    );
  });

  it("does not replay, and names, what has no table or no data, and never counts it", async () => {
    const world = worldWith(1);
    world.forward("somebody-else", Buffer.from("{}"), {});
    const early = {
      ...world.deadLetters[0]?.event,
      log_id: "x",
      dead_letter_id: "00000000-0000-5000-8000-00000000000a",
    } as Event;
    const { data: _, ...large } = { ...early, data_bytes: 3_000_000 } as Event;
    world.deadLetters.push({ event: large, ingestedMicros: 1 });
    const { published, skipped } = await replay(world, fix);
    assert.equal(published.length, 1);
    assert.deepEqual(skipped.map(({ why }) => why).toSorted(), [
      "its data is not in the warehouse",
      "nobody knows which table it was meant for",
    ]);
    assert.match(
      skipped.find(({ why }) => why.includes("data"))?.hint ?? "",
      /agent-logs\.dead-letter\.safety-net.*message 1: gcloud pubsub subscriptions pull/,
    );
    assert.deepEqual(await statesOf(world), { replayed: 1, open: 2 });
  });

  it("does not replay a letter of which a part has not arrived yet", async () => {
    const world = new DeadLetterWorld();
    world.send("thinking_logs", `{${" ".repeat(1_500_000)}}`);
    assert.equal(world.deadLetters.splice(1, 1).length, 1);
    assert.equal((await replay(world)).skipped[0]?.why, "some of its parts have not arrived yet");
    assert.deepEqual(await statesOf(world), { open: 1 });
  });

  it("writes a new review when the decision is another one", async () => {
    const world = worldWith(1);
    world.beforePublish = (topic) => {
      if (topic !== reviewsTopic) throw new Killed();
    };
    const half: Patch = [{ op: "replace", path: "/confidence_level", value: 0.5 }];
    await assert.rejects(replay(world, fix), Killed);
    world.beforePublish = () => {};
    await replay(world, half);
    assert.deepEqual(
      world.reviewRows.map(({ event }) => event["patch"]),
      [fix, half],
    );
    assert.equal(world.entries.get("thinking_logs")?.values().next().value?.["confidence_level"], 0.5);
  });
});

describe("replayAndFollow()", () => {
  it("says what arrived, and warns of new dead letters of the same groups, not of others and not of failed replays", async () => {
    const world = worldWith(2);
    const options = { reviewer, ratePerSecond: 100, waitMs: 0, signal };
    let publications = 0;
    world.afterPublish = () => {
      publications += 1;
      if (publications > 1) return;
      for (const n of [8, 9]) world.send("thinking_logs", JSON.stringify(thought(n)));
      world.send("thinking_logs", "not json");
    };
    const report = await replayAndFollow(world.desk, await chosen(world), { patch: undefined, force: false }, options);
    assert.deepEqual([report.published, report.outcome.arrived, report.outcome.failedLetters], [2, 0, 2]);
    assert.deepEqual(
      report.newcomers.map(({ table, pattern, count }) => [table, pattern, count]),
      [["thinking_logs", "confidence_level must be <= <n>", 2]],
    );
    assert.match(replayText(report), /^Replayed 2: 0 arrived, 2 failed again, 0 not yet arrived\n/);
    assert.match(replayText(report), /2 new dead letters came in meanwhile: thinking_logs: ERR_INVALID_EVENT/);
    const mended = await replayAndFollow(world.desk, await chosen(world), { patch: fix, force: false }, options);
    assert.deepEqual([mended.outcome.arrived, mended.skipped.length, mended.newcomers], [4, 1, []]);
  });
});

describe("rehearse()", () => {
  it("shows the first event before and after, lists what the patch does not fit, and publishes nothing", async () => {
    const world = worldWith(2);
    world.send("thinking_logs", "not json");
    const surveyed = await chosen(world);
    const { ready, unmended, skipped, example } = await rehearse(
      world.desk,
      surveyed,
      { patch: fix, force: false },
      signal,
    );
    assert.equal(unmended, 0);
    assert.deepEqual([ready, skipped.map(({ why }) => why)], [2, ["it is not JSON"]]);
    assert.match(example?.before ?? "", /"confidence_level":1\.7/);
    assert.match(example?.after ?? "", /"confidence_level":1,/);
    assert.deepEqual(world.stored, []);
    const asTheyWere = await rehearse(world.desk, surveyed, { patch: undefined, force: false }, signal);
    assert.deepEqual([asTheyWere.ready, asTheyWere.unmended, asTheyWere.example], [3, 3, undefined]);
  });
});

describe("discardLetters()", () => {
  it("records the decision, deletes nothing, and can be undone by a replay", async () => {
    const world = worldWith(3);
    assert.equal(await discardLetters(world.desk, await chosen(world), { ...reviewer, note: "test data" }, signal), 3);
    assert.deepEqual(await statesOf(world), { discarded: 3 });
    assert.equal(world.deadLetters.length, 3);
    const [first] = await chosen(world, "discarded");
    const options = { reviewer, ratePerSecond: 1, signal, onProgress: () => {} };
    await replayLetters(world.desk, [first as Surveyed], { patch: fix, force: false }, options);
    assert.deepEqual(await statesOf(world), { discarded: 2, replayed: 1 });
  });

  it("ends after the chunk under way when it is interrupted, and says how many it has discarded", async () => {
    const world = worldWith(1001);
    const all = await select(world, { filter: {}, states: ["open"], limit: 2000, newestFirst: false });
    const controller = new AbortController();
    world.beforePublish = () => controller.abort();
    assert.equal(await discardLetters(world.desk, all, reviewer, controller.signal), 1000);
    assert.equal(new Set(world.reviewRows.map(({ event }) => event["dead_letter_id"])).size, 1000);
  });

  it("refuses a review that the log would not take, before anything is published", async () => {
    const world = worldWith(1);
    const nobody = { ...reviewer, name: "" };
    await assert.rejects(discardLetters(world.desk, await chosen(world), nobody, signal), { code: "ERR_CONFIG" });
    assert.deepEqual(world.stored, []);
  });
});

describe("awaitOutcome()", () => {
  it("gives up after its time, and names what has not arrived", async () => {
    const world = worldWith(2);
    const { published } = await replay(world, fix);
    world.entries.get("thinking_logs")?.clear();
    const outcome = await awaitOutcome(world.desk, published, { waitMs: 0, signal, onProgress: () => {} });
    assert.deepEqual(
      outcome.pending.map(({ id }: Letter) => id),
      published.map(({ id }) => id),
    );
    const interrupted = { waitMs: 60_000, signal: AbortSignal.abort(), onProgress: () => {} };
    assert.equal((await awaitOutcome(world.desk, published, interrupted)).pending.length, 2);
  });
});
