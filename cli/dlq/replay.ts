import { interruption } from "../terminal/interruption.ts";
import { createProgress } from "../terminal/progress.ts";
import { counted, thousands } from "../terminal/table.ts";
import { confirm } from "../terminal/confirmation.ts";
import { jsonText } from "../terminal/json-text.ts";
import { choose } from "./choice.ts";
import { ACT_STALL_MS, atDesk, type Desk } from "./desk.ts";
import { readPatch } from "./edit.ts";
import { filterOf } from "./filter.ts";
import { groupKey, type Letter, type State } from "./letter.ts";
import { awaitOutcome } from "./outcome.ts";
import { rehearse, replayLetters, type Instructions, type ReplayOptions, type ReplayResult } from "./replay-job.ts";
import { reviewerOf, type ReviewFlags } from "./reviewer.ts";
import type { Surveyed } from "./survey.ts";
import { planText, rehearsalText, replayText, type ReplayReport } from "./text.ts";
import type { Newcomers } from "./warehouse.ts";

export interface ReplayFlags extends ReviewFlags {
  readonly edit?: string;
  readonly force?: true;
  readonly rate: number;
  readonly wait: number;
}

const interruptedExitCode = 130;

/** @returns the exit code: 0 when all that were chosen have arrived */
export async function runReplay(ids: readonly string[], flags: ReplayFlags): Promise<number> {
  const patch = flags.edit === undefined ? undefined : readPatch(flags.edit);
  const instructions: Instructions = { patch, force: flags.force === true };
  const filter = filterOf(flags);
  using interrupted = interruption();
  const { signal } = interrupted;
  // Awaited here: the interruption is disposed of when this function returns. What is begun is finished, so that it can be said what was done.
  return await atDesk(flags.data, { deadlineMs: ACT_STALL_MS }, async (desk) => {
    // Those that an earlier run has reviewed belong to what it was to do.
    const byFilter: readonly State[] = flags.state === undefined ? ["open", "replaying"] : [flags.state];
    const byId: readonly State[] = ["open", "replaying", "failed-again", "discarded"];
    const { chosen, settled, cut } = await choose(desk.reader, ids, filter, { byFilter, byId, limit: flags.limit });
    for (const { letter } of settled) process.stderr.write(`${letter.id} has been replayed and has arrived\n`);
    if (chosen.length === 0) {
      process.stderr.write("There is nothing to replay.\n");
      return 0;
    }
    process.stderr.write(planText("replay", chosen));
    if (cut) process.stderr.write(`Those are the first ${thousands(flags.limit)}; --limit allows more.\n`);
    if (patch !== undefined || flags.dryRun === true) {
      process.stderr.write(rehearsalText(await rehearse(desk, chosen, instructions, signal)));
    }
    if (flags.dryRun === true) return 0;
    if (flags.yes !== true && !(await confirm(`Replay ${counted(chosen.length, "dead letter")}?`, signal))) return 1;

    const report = await replayAndFollow(desk, chosen, instructions, {
      reviewer: reviewerOf(flags),
      ratePerSecond: flags.rate,
      waitMs: flags.wait * 1000,
      signal,
    });
    const asText = process.stdout.isTTY && flags.json !== true;
    process.stdout.write(asText ? replayText(report) : jsonText(jsonOf(report)));
    if (signal.aborted) return interruptedExitCode;
    return report.outcome.arrived === chosen.length ? 0 : 1;
  });
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
    return { published: published.length, outcome, skipped, newcomers, interrupted, remaining };
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

function jsonOf({ published, outcome, skipped, newcomers, interrupted, remaining }: ReplayReport): object {
  return {
    published,
    arrived: outcome.arrived,
    failedAgain: outcome.failedAgain,
    pending: outcome.pending.map(({ id }) => id),
    skipped: skipped.map(({ letter, why, hint }) => ({ id: letter.id, why, hint })),
    newcomers,
    interrupted,
    remaining,
  };
}
