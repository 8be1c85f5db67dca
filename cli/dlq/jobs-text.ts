import { section } from "../delivery/text.ts";
import { counted, renderTable, thousands } from "../terminal/table.ts";
import { secondText } from "../terminal/time.ts";
import { jobIdOf } from "./handle.ts";
import { hasOutcome, MAX_LISTED_LETTERS, type Job, type JobRecord } from "./job.ts";
import { commandText, nextText } from "./next.ts";
import { pairedTable } from "./paired-table.ts";
import { fieldsText } from "./show-text.ts";
import { failuresText, groupsOfFailures } from "./text.ts";

/** Runs of commands, each with what came of it, and the command that shows one. */
export function jobsText(jobs: readonly (Job | JobRecord)[], width: number = Infinity, dataFolder?: string): string {
  const columns = [
    { title: "job" },
    { title: "started" },
    { title: "what" },
    { title: "dead letters", align: "right" as const },
    { title: "by" },
  ];
  const rows = jobs.map((job) => [
    jobIdOf(job.publisherId),
    secondText(job.startedAt),
    job.decision,
    thousands(job.letters),
    job.reviewer,
  ]);
  const outcomes = jobs.map(
    (job) => `${hasOutcome(job) ? outcomeText(job) : "not looked at"}${job.note === null ? "" : `; ${job.note}`}`,
  );
  const shortRows = jobs.map((job, index) => [jobIdOf(job.publisherId), `${job.decision}: ${outcomes[index]}`]);
  const table =
    pairedTable(columns, rows, outcomes, width) ??
    renderTable([{ title: "job" }, { title: "outcome" }], shortRows, width);
  const shown = jobs.find((job) => !hasOutcome(job) || nextOf(job) !== undefined) ?? jobs[0];
  if (shown === undefined) return "No jobs: nobody has replayed or discarded anything.\n";
  const next = commandText(["jobs", jobIdOf(shown.publisherId)], dataFolder);
  const note = jobs.every(hasOutcome)
    ? ""
    : `What came of more than ${thousands(MAX_LISTED_LETTERS)} dead letters is only looked at when their job is asked about.\n`;
  return `${table}${counted(jobs.length, "job")}\n${note}${nextText(next)}`;
}

/** One run, what of it failed again, and the command to run next when something is left to do. */
export function jobText(job: Job, dataFolder?: string): string {
  const fields = [
    ["job", jobIdOf(job.publisherId)],
    ["what", job.decision],
    ["by", job.reviewer],
    ["started", secondText(job.startedAt)],
    ["last review", secondText(job.endedAt)],
    ["dead letters", thousands(job.letters)],
    ["outcome", outcomeText(job)],
    ["edit", job.patch ?? undefined],
    ["note", job.note ?? undefined],
  ] as const;
  const next = nextOf(job);
  return [
    fieldsText(fields),
    ...(job.failures.length === 0 ? [] : [section("What failed again", failuresText(job.failures))]),
    ...(next === undefined ? [] : [nextText(commandText(next, dataFolder))]),
  ].join("\n");
}

/** What has become of its dead letters until now, in words. */
export function outcomeText({ states, decidedAgain }: Job): string {
  const parts = [
    [states.replayed, "arrived"],
    [states["failed-again"], "failed again"],
    [states.replaying, "not yet arrived"],
    [states.discarded, "discarded"],
    [decidedAgain, "decided about again"],
  ] as const;
  const texts = parts.filter(([count]) => count > 0).map(([count, what]) => `${thousands(count)} ${what}`);
  return texts.length === 0 ? "nothing" : texts.join(", ");
}

/** Arguments of the command that goes on with what is left of a run; undefined when nothing is. */
export function nextOf({ failures, states, publisherId }: Job): readonly string[] | undefined {
  const [group] = groupsOfFailures(failures);
  if (group !== undefined) return ["show", group];
  return states.replaying > 0 ? ["replay", "--job", jobIdOf(publisherId), "--state", "replaying"] : undefined;
}
