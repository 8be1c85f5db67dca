import { parts } from "../delivery/warehouse.ts";
import { confirm } from "../terminal/confirmation.ts";
import { interruption } from "../terminal/interruption.ts";
import { jsonText } from "../terminal/json-text.ts";
import { createProgress } from "../terminal/progress.ts";
import { counted, thousands } from "../terminal/table.ts";
import { choose, resolveFilter } from "./choice.ts";
import { ACT_STALL_MS, atDesk, type Desk } from "./desk.ts";
import { jobIdOf } from "./handle.ts";
import type { State } from "./letter.ts";
import type { ReviewFlags } from "./review-options.ts";
import { reviewerOf } from "./reviewer.ts";
import { record, reviewOf, type Reviewer, type ReviewEvent } from "./reviews.ts";
import type { Surveyed } from "./survey.ts";
import { planOf, planText } from "./text.ts";

const lettersPerChunk = 1000;
const interruptedExitCode = 130;

/** @returns the exit code: 0 when all that were chosen are discarded */
export async function runDiscard(names: readonly string[], flags: ReviewFlags): Promise<number> {
  using interrupted = interruption();
  const { signal } = interrupted;
  const asText = process.stdout.isTTY && flags.json !== true;
  // Awaited here: the interruption is disposed of when this function returns. What is begun is finished.
  return await atDesk(flags.data, { deadlineMs: ACT_STALL_MS }, async (desk) => {
    const byFilter: readonly State[] = [flags.state ?? "open"];
    const byId: readonly State[] = ["open", "replaying", "failed-again"];
    const filter = await resolveFilter(desk.reader, flags);
    const { chosen, settled, cut } = await choose(desk.reader, names, filter, { byFilter, byId, limit: flags.limit });
    for (const { letter, status } of settled) process.stderr.write(`${letter.id} is ${status.state} already\n`);
    if (chosen.length === 0) {
      process.stderr.write("There is nothing to discard.\n");
      if (!asText) process.stdout.write(jsonText({ discarded: 0, remaining: 0 }, 0));
      return 0;
    }
    process.stderr.write(planText("discard", chosen));
    if (cut) process.stderr.write(`Those are the first ${thousands(flags.limit)}; --limit allows more.\n`);
    if (flags.dryRun === true) {
      if (!asText) process.stdout.write(jsonText({ dryRun: true, ...planOf(chosen) }));
      return 0;
    }
    signal.throwIfAborted();
    if (flags.yes !== true && !(await confirm(`Discard ${counted(chosen.length, "dead letter")}?`, signal))) return 1;

    const reviewer = reviewerOf(flags);
    const discarded = await discardLetters(desk, chosen, reviewer, signal);
    const remaining = chosen.length - discarded;
    const job = jobIdOf(reviewer.run.publisherId);
    const rest =
      remaining === 0 ? "" : `; interrupted, ${thousands(remaining)} were not. The same command again goes on`;
    process.stdout.write(
      asText
        ? `Discarded ${thousands(discarded)}${rest}. Nothing was deleted. This was ${job}.\n`
        : jsonText({ discarded, remaining, job }, 0),
    );
    return signal.aborted ? interruptedExitCode : 0;
  });
}

/** Records that letters are discarded. @returns how many, all of them unless `signal` was aborted; each has its row then */
export async function discardLetters(
  desk: Desk,
  letters: readonly Surveyed[],
  reviewer: Reviewer,
  signal: AbortSignal,
): Promise<number> {
  const progress = createProgress("discarding");
  let discarded = 0;
  try {
    for (const chunk of parts(letters, lettersPerChunk)) {
      if (signal.aborted) break;
      const reviews = chunk.map(({ letter }) => reviewOf(letter.id, "discard", reviewer, undefined));
      await recordOrSay(desk, reviews, discarded, letters.length);
      discarded += chunk.length;
      progress.update(discarded, letters.length);
    }
    return discarded;
  } finally {
    progress.stop();
  }
}

async function recordOrSay(
  desk: Desk,
  reviews: readonly ReviewEvent[],
  discarded: number,
  total: number,
): Promise<void> {
  try {
    await record(desk, reviews);
  } catch (error) {
    const [so, all] = [thousands(discarded), thousands(total)];
    process.stderr.write(`${so} of ${all} were discarded; the same command again goes on\n`);
    throw error;
  }
}
