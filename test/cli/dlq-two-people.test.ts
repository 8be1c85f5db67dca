import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Patch } from "rfc6902";
import { choose } from "../../cli/dlq/choice.ts";
import { discardLetters } from "../../cli/dlq/discard.ts";
import { groupIdOf } from "../../cli/dlq/handle.ts";
import type { Letter } from "../../cli/dlq/letter.ts";
import { admitsFor, leftOutText } from "../../cli/dlq/replay.ts";
import { replayLetters } from "../../cli/dlq/replay-job.ts";
import { Run } from "../../cli/dlq/reviews.ts";
import { chosen, fix, Killed, replay, reviewer, signal, statesOf, worldWith } from "./dlq-thoughts.ts";
import { reviewsTopic, type DeadLetterWorld } from "./dlq-world.ts";

describe("two people who replay the same", () => {
  const half: Patch = [{ op: "replace", path: "/confidence_level", value: 0.5 }];
  const wanted = { byFilter: ["open", "replaying"], byId: ["replaying"], limit: 1 } as const;

  /** Three letters, of which somebody has reviewed the first to be replayed with `fix`, and nothing has arrived. */
  async function halfway(): Promise<{ readonly world: DeadLetterWorld; readonly first: Letter }> {
    const world = worldWith(3);
    world.beforePublish = (topic) => {
      if (topic !== reviewsTopic) throw new Killed();
    };
    await assert.rejects(replay(world, fix, { ratePerSecond: 1 }), Killed);
    world.beforePublish = () => {};
    const [{ letter: first } = assert.fail()] = await chosen(world, "replaying");
    return { world, first };
  }

  it("with another edit: what the one has replayed and has not arrived is left out, counted, and not in the way of others", async () => {
    const { world, first } = await halfway();
    const other = await choose(world, [], {}, { ...wanted, admits: admitsFor(half) });
    assert.deepEqual([other.leftOut, other.chosen.length, other.chosen[0]?.status.state], [1, 1, "open"]);
    assert.match(leftOutText(other.leftOut), /^1 dead letter left out: .*--state replaying/);
    for (const patch of [fix, undefined]) {
      const own = await choose(world, [], {}, { ...wanted, admits: admitsFor(patch) });
      assert.deepEqual([own.leftOut, own.chosen[0]?.letter.id], [0, first.id], "it goes on with its own");
    }
    const named = await choose(
      world,
      [groupIdOf(first), first.id],
      {},
      { ...wanted, limit: 9, admits: admitsFor(half) },
    );
    assert.deepEqual([named.leftOut, named.chosen.length], [0, 3], "named by its own ID it is meant");
  });

  it("at the same time: what the other has decided otherwise meanwhile is skipped, with the reason", async () => {
    const world = worldWith(4);
    const all = await chosen(world);
    const [, , third = assert.fail(), fourth = assert.fail()] = all;
    const options = { reviewer, ratePerSecond: 2, signal };
    const other = { ...reviewer, name: "other", run: new Run() };
    let intervened = false;
    const pause = async (): Promise<void> => {
      if (intervened) return;
      intervened = true;
      await discardLetters(world.desk, [third], other, signal);
      await replayLetters(
        world.desk,
        [fourth],
        { patch: half, force: false },
        { ...options, reviewer: other, onProgress: () => {} },
      );
    };
    const counts: number[] = [];
    const onProgress = (count: number): void => void counts.push(count);
    const { published, skipped } = await replayLetters(
      { ...world.desk, pause },
      all,
      { patch: fix, force: false },
      { ...options, onProgress },
    );
    assert.deepEqual([published.length, counts], [2, [2, 4]]);
    assert.deepEqual(
      skipped.map(({ letter, why }) => [letter.id, why]),
      [
        [third.letter.id, "somebody has discarded it meanwhile"],
        [fourth.letter.id, "somebody has replayed it meanwhile, with another edit or none"],
      ],
    );
    assert.deepEqual(await statesOf(world), { replayed: 3, discarded: 1 });
    const levels = [...(world.entries.get("thinking_logs")?.values() ?? [])].map((entry) => entry["confidence_level"]);
    assert.deepEqual(levels, [1, 1, 0.5]);
  });

  it("at the same time with the same edit: each is reviewed once and is one entry", async () => {
    const world = worldWith(2);
    const surveyedBefore = await chosen(world);
    await replay(world, fix);
    const options = { reviewer: { ...reviewer, run: new Run() }, ratePerSecond: 2, signal, onProgress: () => {} };
    const { published, skipped } = await replayLetters(
      world.desk,
      surveyedBefore,
      { patch: fix, force: false },
      options,
    );
    assert.deepEqual([published.length, skipped, world.reviewRows.length, world.count("thinking_logs")], [2, [], 2, 2]);
  });
});
