import { styleText } from "node:util";
import { printable } from "../terminal/cell.ts";
import { counted, renderTable, thousands } from "../terminal/table.ts";
import { bodyText } from "./body-text.ts";
import { groupIdOf, jobIdOf } from "./handle.ts";
import { groupsOf, type Failure } from "./letter.ts";
import { commandText, nextText } from "./next.ts";
import type { Outcome } from "./outcome.ts";
import type { Rehearsal, Skipped } from "./replay-job.ts";
import type { Surveyed } from "./survey.ts";
import type { Newcomers } from "./warehouse.ts";

const shortIdLength = 8;
const maxListed = 20;

/** What a command is about to do. */
export function planText(verb: string, letters: readonly Surveyed[]): string {
  const groups = groupsOf(letters.map(({ letter }) => letter));
  const resumed = letters.filter(({ status }) => status.state === "replaying").length;
  const lines = groups
    .slice(0, maxListed)
    .map(
      (group) =>
        `  ${thousands(group.count)} of ${groupIdOf(group)}, ${printable(`${group.table ?? "?"}: ${group.reason}, ${group.pattern}`)}\n`,
    );
  if (groups.length > maxListed) lines.push(`  and ${counted(groups.length - maxListed, "group")} more\n`);
  const title = `${counted(letters.length, "dead letter")} in ${counted(groups.length, "group")} to ${verb}\n`;
  const note = resumed === 0 ? "" : `${thousands(resumed)} of them were reviewed before and have not arrived yet.\n`;
  return title + lines.join("") + note;
}

/** The same for programs. */
export function planOf(letters: readonly Surveyed[]): { readonly chosen: number; readonly groups: readonly object[] } {
  const groups = groupsOf(letters.map(({ letter }) => letter));
  return {
    chosen: letters.length,
    groups: groups.map((group) => {
      const { table, reason, pattern, count } = group;
      return { id: groupIdOf(group), table, reason, pattern, count };
    }),
  };
}

export function rehearsalText({ ready, unmended, skipped, example }: Rehearsal): string {
  const parts = [`${counted(ready, "dead letter")} can be replayed\n`];
  if (unmended > 0)
    parts.push(`${thousands(unmended)} of them are still not what their tables take, and would fail again: --edit\n`);
  parts.push(skippedText(skipped));
  if (example !== undefined) {
    parts.push(`The first one, ${example.letter.id}, before and after the edit:\n`);
    parts.push(bodyText(example.before, "- "), bodyText(example.after, "+ "));
  }
  return parts.join("");
}

export function skippedText(skipped: readonly Skipped[]): string {
  if (skipped.length === 0) return "";
  const lines = skipped
    .slice(0, maxListed)
    .map(
      ({ letter, why, hint }) =>
        `  ${letter.id}  ${printable(why)}\n${hint === undefined ? "" : `    ${printable(hint)}\n`}`,
    );
  if (skipped.length > maxListed) lines.push(`  and ${thousands(skipped.length - maxListed)} more\n`);
  return `${counted(skipped.length, "dead letter")} cannot be replayed and stay as they are:\n${lines.join("")}`;
}

export interface ReplayReport {
  readonly published: number;
  readonly outcome: Outcome;
  readonly skipped: readonly Skipped[];
  /** New dead letters of the same groups that came in meanwhile, failed replays aside. */
  readonly newcomers: readonly Newcomers[];
  readonly interrupted: boolean;
  /** Letters that were not tried. */
  readonly remaining: number;
  /** `publisher_id` of the run. */
  readonly job: string;
}

/** What a replay has done, and the command to run next when there is something left to do. */
export function replayText(report: ReplayReport, dataFolder?: string): string {
  const { published, outcome, skipped, newcomers, interrupted, remaining, job } = report;
  const parts = [
    `Replayed ${thousands(published)}: ${thousands(outcome.arrived)} arrived, ${thousands(outcome.failedLetters)} failed again, ` +
      `${thousands(outcome.pending.length)} not yet arrived\n`,
    failuresText(outcome.failedAgain),
    skippedText(skipped),
  ];
  if (outcome.pending.length > 0) {
    parts.push(
      "What has not arrived yet may do so: `indelible dlq list --state replaying`. The same command again replays it again.\n",
    );
  }
  for (const { table, reason, pattern, count } of newcomers) {
    const text = `${counted(count, "new dead letter")} came in meanwhile: ${printable(`${table ?? "?"}: ${reason}, ${pattern}`)}\n`;
    parts.push(styleText("yellow", text, { stream: process.stdout }));
  }
  if (interrupted) parts.push(`Interrupted: ${thousands(remaining)} were not tried. The same command again goes on.\n`);
  if (published > 0) parts.push(`This was ${jobIdOf(job)}: \`${commandText(["jobs", jobIdOf(job)], dataFolder)}\`\n`);
  const next = nextOf(report);
  if (next !== undefined) parts.push(nextText(commandText(next, dataFolder)));
  return parts.join("");
}

/** Arguments of the command that says what to do about what is left; undefined when nothing is, or the same command goes on. */
function nextOf({ outcome, skipped, interrupted, job }: ReplayReport): readonly string[] | undefined {
  if (interrupted) return undefined;
  const [failed] = groupsOfFailures(outcome.failedAgain);
  if (failed !== undefined) return ["show", failed];
  const [stuck] = skipped;
  if (stuck !== undefined) return ["show", stuck.letter.id.slice(0, shortIdLength)];
  return outcome.pending.length > 0 ? ["jobs", jobIdOf(job)] : undefined;
}

/** Handles of the groups that these are of, the one with the most first. */
export function groupsOfFailures(failures: readonly Failure[]): string[] {
  const groups = Map.groupBy(failures, (failure) => groupIdOf(failure));
  return [...groups].toSorted(([, a], [, b]) => b.length - a.length).map(([id]) => id);
}

export function failuresText(failures: readonly Failure[]): string {
  if (failures.length === 0) return "";
  const columns = ["failed again as", "replay of", "group", "detail"].map((title) => ({ title }));
  const rows = failures
    .slice(0, maxListed)
    .map((failure) => [
      failure.id.slice(0, shortIdLength),
      failure.replayOf.slice(0, shortIdLength),
      groupIdOf(failure),
      `${failure.reason}: ${failure.detail}`,
    ]);
  const more = failures.length > maxListed ? `and ${thousands(failures.length - maxListed)} more\n` : "";
  return renderTable(columns, rows, process.stdout.columns) + more;
}
