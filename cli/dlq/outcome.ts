import { parts } from "../delivery/warehouse.ts";
import type { Desk } from "./desk.ts";
import type { Failure, Letter } from "./letter.ts";
import { survey } from "./survey.ts";

/** What became of letters that were replayed. They are in one of three. */
export interface Outcome {
  readonly arrived: number;
  /** What the replays of those left that failed again. */
  readonly failedAgain: readonly Failure[];
  readonly failedLetters: number;
  /** Neither, so far. */
  readonly pending: readonly Letter[];
}

export interface WaitOptions {
  readonly waitMs: number;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  readonly onProgress: (settled: number) => void;
}

const firstPauseMs = 50;
const maxPauseMs = 2000;
const lettersPerQuestion = 2000;

/** Waits until each replay is an entry or another dead letter, or the time is over. Does not throw when it is interrupted. */
export async function awaitOutcome(desk: Desk, letters: readonly Letter[], options: WaitOptions): Promise<Outcome> {
  const giveUpAt = performance.now() + options.waitMs;
  const failedAgain: Failure[] = [];
  let [arrived, failedLetters, pending] = [0, 0, letters];
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(maxPauseMs, pauseMs * 2)) {
    const left: Letter[] = [];
    for (const part of parts(pending, lettersPerQuestion)) {
      const settled = new Set<string>();
      for (const { letter, status } of await survey(await reread(desk, part), desk.reader)) {
        if (status.state === "replayed") arrived += 1;
        else if (status.state === "failed-again") {
          failedLetters += 1;
          failedAgain.push(...status.failures);
        } else continue;
        settled.add(letter.id);
      }
      left.push(...part.filter(({ id }) => !settled.has(id)));
    }
    pending = left;
    options.onProgress(letters.length - pending.length);
    if (pending.length === 0 || performance.now() >= giveUpAt || options.signal.aborted) break;
    await desk.pause(pauseMs, options.signal).catch(() => {});
  }
  return { arrived, failedAgain, failedLetters, pending };
}

/** Their latest reviews may be younger than what was read of them. */
function reread(desk: Desk, letters: readonly Letter[]): Promise<Letter[]> {
  const filter = { ids: letters.map(({ id }) => id) };
  return desk.reader.letters(filter, { decisions: ["replay"], newestFirst: false, limit: lettersPerQuestion });
}
