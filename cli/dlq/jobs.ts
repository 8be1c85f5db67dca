import { jsonText } from "../terminal/json-text.ts";
import { resolveJob } from "./choice.ts";
import { atDesk, LOOK_STALL_MS } from "./desk.ts";
import { jobIdOf } from "./handle.ts";
import { hasOutcome, outcomesOf, readJobs, type Job, type JobRecord } from "./job.ts";
import { jobsText, jobText, nextOf } from "./jobs-text.ts";
import { commandText } from "./next.ts";

export interface JobsFlags {
  /** Microseconds since 1970. */
  readonly since?: number;
  readonly limit: number;
  readonly json?: true;
  readonly data: string;
}

/** Prints what runs of `replay` and `discard` have done, or one of them. */
export async function runJobs(digits: string | undefined, flags: JobsFlags): Promise<void> {
  await atDesk(flags.data, { deadlineMs: LOOK_STALL_MS }, async ({ reader }) => {
    const asText = process.stdout.isTTY && flags.json !== true;
    if (digits !== undefined) {
      const job = await outcomesOf(reader, await resolveJob(reader, digits));
      process.stdout.write(asText ? jobText(job, flags.data) : jsonText(plain(job, flags.data)));
      return;
    }
    const filter = { limit: flags.limit, ...(flags.since !== undefined && { sinceMicros: flags.since }) };
    const jobs = await readJobs(reader, filter);
    process.stdout.write(
      asText ? jobsText(jobs, process.stdout.columns, flags.data) : jsonText(jobs.map((job) => plain(job, flags.data))),
    );
  });
}

function plain(job: Job | JobRecord, dataFolder: string): object {
  const next = hasOutcome(job) ? nextOf(job) : ["jobs", jobIdOf(job.publisherId)];
  const patch: unknown = job.patch === null ? null : JSON.parse(job.patch);
  return {
    id: jobIdOf(job.publisherId),
    ...job,
    patch,
    next: next === undefined ? undefined : commandText(next, dataFolder),
  };
}
