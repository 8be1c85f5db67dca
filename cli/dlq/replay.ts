import type { Patch } from "rfc6902";
import { interruption } from "../terminal/interruption.ts";
import { createProgress } from "../terminal/progress.ts";
import { counted, thousands } from "../terminal/table.ts";
import { confirm } from "../terminal/confirmation.ts";
import { jsonText } from "../terminal/json-text.ts";
import { choose, resolveFilter } from "./choice.ts";
import { ACT_STALL_MS, atDesk, type Desk } from "./desk.ts";
import { readPatch } from "./edit.ts";
import { groupIdOf, jobIdOf } from "./handle.ts";
import { groupKey, type Letter, type State } from "./letter.ts";
import { awaitOutcome } from "./outcome.ts";
import {
  isReplayWith,
  rehearse,
  replayLetters,
  type Instructions,
  type Rehearsal,
  type ReplayOptions,
  type ReplayResult,
  type Skipped,
} from "./replay-job.ts";
import type { ReviewFlags } from "./review-options.ts";
import { reviewerOf } from "./reviewer.ts";
import type { Surveyed } from "./survey.ts";
import { planOf, planText, rehearsalText, replayText, type ReplayReport } from "./text.ts";
import type { Newcomers } from "./warehouse.ts";

export interface ReplayFlags extends ReviewFlags {
  readonly edit?: string;
  readonly force?: true;
  readonly rate: number;
  readonly wait: number;
}

const interruptedExitCode = 130;

/** @returns the exit code: 0 when all that were chosen have arrived */
export async function runReplay(names: readonly string[], flags: ReplayFlags): Promise<number> {
  const patch = flags.edit === undefined ? undefined : readPatch(flags.edit);
  const instructions: Instructions = { patch, force: flags.force === true };
  using interrupted = interruption();
  const { signal } = interrupted;
  const asText = process.stdout.isTTY && flags.json !== true;
  // Awaited here: the interruption is disposed of when this function returns. What is begun is finished, so that it can be said what was done.
  return await atDesk(flags.data, { deadlineMs: ACT_STALL_MS }, async (desk) => {
    // Those that an earlier run has reviewed belong to what it was to do.
    const byFilter: readonly State[] = flags.state === undefined ? ["open", "replaying"] : [flags.state];
    const byId: readonly State[] = ["open", "replaying", "failed-again", "discarded"];
    const filter = await resolveFilter(desk.reader, flags);
    const admits = flags.state === undefined ? admitsFor(patch) : undefined;
    const wanted = { byFilter, ...(admits !== undefined && { admits }), byId, limit: flags.limit };
    const { chosen, settled, leftOut, cut } = await choose(desk.reader, names, filter, wanted);
    for (const { letter } of settled) process.stderr.write(`${letter.id} has been replayed and has arrived\n`);
    if (leftOut > 0) process.stderr.write(leftOutText(leftOut));
    if (chosen.length === 0) {
      process.stderr.write("There is nothing to replay.\n");
      if (!asText) process.stdout.write(jsonText({ published: 0, arrived: 0, remaining: 0 }));
      return 0;
    }
    process.stderr.write(planText("replay", chosen));
    if (cut) process.stderr.write(`Those are the first ${thousands(flags.limit)}; --limit allows more.\n`);
    if (patch !== undefined || flags.dryRun === true) {
      const rehearsal = await rehearse(desk, chosen, instructions, signal);
      process.stderr.write(rehearsalText(rehearsal));
      if (flags.dryRun === true) {
        if (!asText) process.stdout.write(jsonText({ dryRun: true, ...planOf(chosen), ...rehearsalOf(rehearsal) }));
        return 0;
      }
    }
    signal.throwIfAborted();
    if (flags.yes !== true && !(await confirm(`Replay ${counted(chosen.length, "dead letter")}?`, signal))) return 1;

    const report = await replayAndFollow(desk, chosen, instructions, {
      reviewer: reviewerOf(flags),
      ratePerSecond: flags.rate,
      waitMs: flags.wait * 1000,
      signal,
    });
    process.stdout.write(asText ? replayText(report, flags.data) : jsonText(jsonOf(report)));
    if (signal.aborted) return interruptedExitCode;
    return report.outcome.arrived === chosen.length ? 0 : 1;
  });
}

/**
 * Which of the letters that groups and filters mean a replay with this edit may take: of those that have been replayed and not arrived yet only what was
 * replayed with the same edit. Another edit under the same identity would be a conflict as soon as both arrive.
 */
export function admitsFor(patch: Patch | undefined): (surveyed: Surveyed) => boolean {
  return ({ letter, status }) =>
    patch === undefined || status.state !== "replaying" || isReplayWith(patch, letter.decision);
}

export function leftOutText(count: number): string {
  return `${counted(count, "dead letter")} left out: replayed before with another edit or none, and not arrived yet. Both would be a conflict; --state replaying takes them all the same.\n`;
}

interface FollowOptions extends Omit<ReplayOptions, "onProgress"> {
  /** How long to wait for arrival at the end. */
  readonly waitMs: number;
}

/** Replays letters and finds out what became of them. Progress goes to stderr. Throws what `replayLetters` throws. */
export async function replayAndFollow(
  desk: Desk,
  chosen: readonly Surveyed[],
  instructions: Instructions,
  options: FollowOptions,
): Promise<ReplayReport> {
  const newestMicros = await desk.reader.newestMicros();
  const { published, skipped, interrupted } = await publishing(desk, chosen, instructions, options);
  const progress = createProgress("arriving");
  try {
    const outcome = await awaitOutcome(desk, published, {
      waitMs: options.waitMs,
      signal: options.signal,
      onProgress: (settled) => progress.update(settled, published.length),
    });
    const letters = chosen.map(({ letter }) => letter);
    const newcomers = await newcomersOf(desk, letters, newestMicros);
    const remaining = chosen.length - published.length - skipped.length;
    return {
      published: published.length,
      outcome,
      skipped,
      newcomers,
      interrupted,
      remaining,
      job: options.reviewer.run.publisherId,
    };
  } finally {
    progress.stop();
  }
}

async function publishing(
  desk: Desk,
  chosen: readonly Surveyed[],
  instructions: Instructions,
  options: FollowOptions,
): Promise<ReplayResult> {
  const progress = createProgress("replaying");
  let done = 0;
  const onProgress = (count: number): void => progress.update((done = count), chosen.length);
  try {
    return await replayLetters(desk, chosen, instructions, { ...options, onProgress });
  } catch (error) {
    progress.stop();
    const [all, so] = [thousands(chosen.length), thousands(done)];
    process.stderr.write(`${so} of ${all} were replayed; the same command again goes on\n`);
    throw error;
  } finally {
    progress.stop();
  }
}

async function newcomersOf(desk: Desk, letters: readonly Letter[], newestMicros: number): Promise<Newcomers[]> {
  const groups = new Set(letters.map(groupKey));
  return (await desk.reader.since(newestMicros)).filter((group) => groups.has(groupKey(group)));
}

function jsonOf({ published, outcome, skipped, newcomers, interrupted, remaining, job }: ReplayReport): object {
  return {
    published,
    arrived: outcome.arrived,
    failedAgain: outcome.failedAgain.map((failure) => ({ ...failure, group: groupIdOf(failure) })),
    pending: outcome.pending.map(({ id }) => id),
    skipped: skippedOf(skipped),
    newcomers,
    interrupted,
    remaining,
    job: jobIdOf(job),
  };
}

function rehearsalOf({ ready, unmended, skipped, example }: Rehearsal): object {
  const shown = example === undefined ? undefined : { ...example, letter: undefined, id: example.letter.id };
  return { ready, unmended, skipped: skippedOf(skipped), example: shown };
}

function skippedOf(skipped: readonly Skipped[]): object[] {
  return skipped.map(({ letter, why, hint }) => ({ id: letter.id, why, hint }));
}
