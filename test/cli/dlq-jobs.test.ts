import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { discardLetters } from "../../cli/dlq/discard.ts";
import { jobIdOf } from "../../cli/dlq/handle.ts";
import { readJobs } from "../../cli/dlq/job.ts";
import { jobsText, jobText, nextOf, outcomeText } from "../../cli/dlq/jobs-text.ts";
import { Run } from "../../cli/dlq/reviews.ts";
import type { Surveyed } from "../../cli/dlq/survey.ts";
import { chosen, fix, Killed, replay, reviewer, signal, worldWith } from "./dlq-thoughts.ts";
import { reviewsTopic } from "./dlq-world.ts";

describe("readJobs()", () => {
  it("tells what has become of each run's dead letters until now, and lists what failed again", async () => {
    const world = worldWith(3);
    const runs = [new Run(), new Run(), new Run()] as const;
    await replay(world, undefined, { reviewer: { ...reviewer, run: runs[0] } });
    const [failed] = await readJobs(world, { limit: 10 });
    assert.deepEqual([failed?.states["failed-again"], failed?.failures.length], [3, 3]);
    assert.match(jobText(failed ?? assert.fail()), /\nNext: indelible dlq show g-[0-9a-f]{8}\n$/);

    const [first] = await chosen(world, "failed-again");
    await discardLetters(world.desk, [first as Surveyed], { ...reviewer, run: runs[1], note: "once" }, signal);
    await replay(world, fix, { reviewer: { ...reviewer, run: runs[2] } });
    const jobs = await readJobs(world, { limit: 10 });
    assert.deepEqual(
      jobs.map((job) => [job.decision, job.letters, outcomeText(job)]),
      [
        ["replay", 3, "3 arrived"],
        ["discard", 1, "1 discarded"],
        ["replay", 3, "2 arrived, 1 decided about again"],
      ],
    );
    const { publisherId } = jobs[1] ?? assert.fail();
    assert.equal(publisherId, runs[1].publisherId);
    for (const width of [30, 60, 80, 200]) {
      assert.ok(jobsText(jobs, width).includes(jobIdOf(publisherId)), `${width}`);
    }
  });

  it("goes on with what was decided and has not arrived", async () => {
    const world = worldWith(1);
    world.beforePublish = (topic) => {
      if (topic !== reviewsTopic) throw new Killed();
    };
    await assert.rejects(replay(world, fix), Killed);
    world.beforePublish = () => {};
    const [job] = await readJobs(world, { limit: 1 });
    assert.deepEqual(nextOf(job ?? assert.fail()), [
      "replay",
      "--job",
      jobIdOf(job?.publisherId ?? ""),
      "--state",
      "replaying",
    ]);
  });
});
