import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { discardLetters } from "../../cli/dlq/discard.ts";
import { jobIdOf } from "../../cli/dlq/handle.ts";
import { hasOutcome, outcomesOf, readJobs, type Job } from "../../cli/dlq/job.ts";
import { jobsText, jobText, nextOf, outcomeText } from "../../cli/dlq/jobs-text.ts";
import { Run } from "../../cli/dlq/reviews.ts";
import type { Surveyed } from "../../cli/dlq/survey.ts";
import { chosen, fix, Killed, replay, reviewer, signal, worldWith } from "./dlq-thoughts.ts";
import { reviewsTopic, type DeadLetterWorld } from "./dlq-world.ts";

/** Jobs that are small enough for the list to tell what came of them. */
async function smallJobs(world: DeadLetterWorld, limit: number): Promise<Job[]> {
  const jobs = await readJobs(world, { limit });
  return jobs.map((job) => (hasOutcome(job) ? job : assert.fail()));
}

describe("readJobs()", () => {
  it("tells what has become of each run's dead letters until now, and lists what failed again", async () => {
    const world = worldWith(3);
    const runs = [new Run(), new Run(), new Run()] as const;
    await replay(world, undefined, { reviewer: { ...reviewer, run: runs[0] } });
    const [failed] = await smallJobs(world, 10);
    assert.deepEqual([failed?.states["failed-again"], failed?.failures.length], [3, 3]);
    assert.match(jobText(failed ?? assert.fail()), /\nNext: indelible dlq show g-[0-9a-f]{8}\n$/);

    const [first] = await chosen(world, "failed-again");
    await discardLetters(world.desk, [first as Surveyed], { ...reviewer, run: runs[1], note: "once" }, signal);
    await replay(world, fix, { reviewer: { ...reviewer, run: runs[2] } });
    const jobs = await smallJobs(world, 10);
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
    const [job] = await smallJobs(world, 1);
    assert.deepEqual(nextOf(job ?? assert.fail()), [
      "replay",
      "--job",
      jobIdOf(job?.publisherId ?? ""),
      "--state",
      "replaying",
    ]);
  });

  it("looks at no dead letter of a large run, and says so: who asks about that one gets to know", async () => {
    const world = worldWith(1001);
    await discardLetters(world.desk, await chosen(world), { ...reviewer, run: new Run() }, signal);
    const [all] = await world.jobs({ limit: 1 });
    const letters = world.letters.bind(world);
    world.letters = () => assert.fail("letters are read");
    world.jobs = () => Promise.resolve([{ ...(all ?? assert.fail()), letters: 1001 }]);
    const jobs = await readJobs(world, { limit: 20 });
    assert.deepEqual(jobs.map(hasOutcome), [false]);
    const [{ publisherId } = assert.fail()] = jobs;
    const next = `\nNext: indelible dlq jobs ${jobIdOf(publisherId)}\n`;
    for (const width of [30, 80, 200]) assert.ok(jobsText(jobs, width).endsWith(next), `${width}`);
    assert.match(jobsText(jobs), /not looked at\n1 job\nWhat came of more than 1,000 dead letters/);
    world.letters = letters;
    assert.equal((await outcomesOf(world, jobs[0] ?? assert.fail())).states.discarded, 1000);
  });
});
