import { states, type Decision, type Failure, type State } from "./letter.ts";
import { select } from "./survey.ts";
import type { DeadLetterReader } from "./warehouse.ts";

/** What one run of a command has decided, from its reviews. */
export interface JobRecord {
  /** `publisher_id` of its reviews. */
  readonly publisherId: string;
  readonly reviewer: string;
  readonly decision: Decision["kind"];
  /** RFC 3339, of its first and last review. */
  readonly startedAt: string;
  readonly endedAt: string;
  /** Dead letters that it decided about. */
  readonly letters: number;
  readonly note: string | null;
  /** JSON; null: without an edit. */
  readonly patch: string | null;
}

export interface JobFilter {
  /** Hex digits that its handle begins with. */
  readonly digits?: string;
  /** Of jobs with a review at this time or later, in microseconds since 1970. */
  readonly sinceMicros?: number;
  readonly limit: number;
}

/** A run and what has become of what it decided about, until now. */
export interface Job extends JobRecord {
  /** How many of its dead letters are in which state now, those that another run has decided about since left out. */
  readonly states: { readonly [state in State]: number };
  /** Those that another run has decided about since: their state is that one's. */
  readonly decidedAgain: number;
  /** What its replays left of those that failed again, and not of those that another run decided about since. */
  readonly failures: readonly Failure[];
}

/** Most dead letters of a run that are looked at when that run is asked about. */
const maxLetters = 100_000;
/** Most dead letters of a run that are looked at when all runs are listed. */
export const MAX_LISTED_LETTERS = 1000;

/**
 * Runs of commands that decided about dead letters, the newest first, from their reviews. What came of them is asked of runs of at most 1,000
 * dead letters only: see `outcomesOf`.
 */
export async function readJobs(reader: DeadLetterReader, filter: JobFilter): Promise<(Job | JobRecord)[]> {
  const jobs: (Job | JobRecord)[] = [];
  for (const record of await reader.jobs(filter)) {
    jobs.push(record.letters > MAX_LISTED_LETTERS ? record : await outcomesOf(reader, record));
  }
  return jobs;
}

/** Whether it was asked what came of a run. */
export function hasOutcome(job: Job | JobRecord): job is Job {
  return "states" in job;
}

/** What has become of what a run decided about; of the oldest 100,000 dead letters at most. */
export async function outcomesOf(reader: DeadLetterReader, record: JobRecord): Promise<Job> {
  const selection = { filter: { job: record.publisherId }, states, limit: maxLetters, newestFirst: false };
  const surveyed = await select(reader, selection);
  const own = surveyed.filter(({ letter }) => letter.decision?.job === record.publisherId);
  const counts: { [state in State]: number } = { open: 0, replaying: 0, replayed: 0, "failed-again": 0, discarded: 0 };
  for (const { status } of own) counts[status.state] += 1;
  const failed = own.filter(({ status }) => status.state === "failed-again");
  return {
    ...record,
    states: counts,
    decidedAgain: surveyed.length - own.length,
    failures: failed.flatMap(({ status }) => status.failures),
  };
}
