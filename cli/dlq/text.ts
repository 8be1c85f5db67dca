import { styleText } from "node:util";
import { errorKinds, type ErrorCode } from "@indelible/schemas/errors.ts";
import { section } from "../delivery/text.ts";
import { printable } from "../terminal/cell.ts";
import { counted, renderTable, thousands } from "../terminal/table.ts";
import { secondText } from "../terminal/time.ts";
import type { Content } from "./content.ts";
import { groupsOf, type Failure, type Group, type State } from "./letter.ts";
import type { Outcome } from "./outcome.ts";
import type { Rehearsal, Skipped } from "./replay-job.ts";
import type { Surveyed } from "./survey.ts";
import type { Newcomers, Review } from "./warehouse.ts";

const shortIdLength = 8;
const maxListed = 20;

export function groupsText(groups: readonly Group[], state: State, width: number | undefined): string {
  const columns = [
    { title: "table" },
    { title: "reason" },
    { title: "pattern" },
    { title: state, align: "right" as const },
    ...(state === "open" ? [] : [{ title: "open", align: "right" as const }]),
    { title: "first seen" },
    { title: "last seen" },
    { title: "one of them" },
  ];
  const rows = groups.map((group) => [
    group.table ?? "?",
    group.reason,
    group.pattern,
    thousands(group.count),
    ...(state === "open" ? [] : [thousands(group.open)]),
    secondText(group.firstSeen),
    secondText(group.lastSeen),
    group.example.slice(0, shortIdLength),
  ]);
  return renderTable(columns, rows, width);
}

export function lettersText(letters: readonly Surveyed[], width: number | undefined): string {
  const columns = ["id", "state", "table", "reason", "detail", "published"].map((title) => ({ title }));
  const rows = letters.map(({ letter, status }) => [
    letter.id,
    status.state,
    letter.table ?? "?",
    letter.reason,
    letter.detail,
    secondText(letter.publishedAt),
  ]);
  return renderTable(columns, rows, width);
}

/** What a command is about to do. */
export function planText(verb: string, letters: readonly Surveyed[]): string {
  const groups = groupsOf(letters.map(({ letter }) => letter));
  const resumed = letters.filter(({ status }) => status.state === "replaying").length;
  const lines = groups
    .slice(0, maxListed)
    .map(
      ({ table, reason, pattern, count }) =>
        `  ${thousands(count)} of ${printable(`${table ?? "?"}: ${reason}, ${pattern}`)}\n`,
    );
  if (groups.length > maxListed) lines.push(`  and ${counted(groups.length - maxListed, "group")} more\n`);
  const title = `${counted(letters.length, "dead letter")} in ${counted(groups.length, "group")} to ${verb}\n`;
  const note = resumed === 0 ? "" : `${thousands(resumed)} of them were reviewed before and have not arrived yet.\n`;
  return title + lines.join("") + note;
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
}

export function replayText(report: ReplayReport): string {
  const { published, outcome, skipped, newcomers, interrupted, remaining } = report;
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
  return parts.join("");
}

function failuresText(failures: readonly Failure[]): string {
  if (failures.length === 0) return "";
  const columns = ["failed again as", "replay of", "reason", "detail"].map((title) => ({ title }));
  const rows = failures
    .slice(0, maxListed)
    .map(({ id, replayOf, reason, detail }) => [id, replayOf.slice(0, shortIdLength), reason, detail]);
  const more = failures.length > maxListed ? `and ${thousands(failures.length - maxListed)} more\n` : "";
  return renderTable(columns, rows, process.stdout.columns) + more;
}

/** Everything of one dead letter. */
export function letterText(
  { letter, status }: Surveyed,
  content: Content | undefined,
  reviews: readonly Review[],
  whereBytes: string,
): string {
  const fields: readonly (readonly [string, string | number | undefined])[] = [
    ["id", letter.id],
    ["state", status.state],
    ["reason", letter.reason],
    ["detail", letter.detail],
    ["pattern", letter.pattern],
    ["table", letter.table ?? "unknown"],
    ["message", letter.messageId],
    ["published", letter.publishedAt],
    ["position", letter.index ?? "the whole message"],
    ["becomes entry", letter.logId],
    ["replay of", letter.replayOf],
    ["parts", letter.parts > 1 ? letter.parts : undefined],
    ["attributes", content === undefined ? undefined : JSON.stringify(content.attributes)],
  ];
  const width = Math.max(...fields.map(([name]) => name.length)) + 2;
  const lines = fields
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(width)}${printable(String(value))}\n`);
  const hint = Object.hasOwn(errorKinds, letter.reason) ? errorKinds[letter.reason as ErrorCode].hint : undefined;
  const sections = [
    lines.join(""),
    ...(hint === undefined ? [] : [section("What to do", `${hint}\n`)]),
    content === undefined
      ? section("Data", `Not in the warehouse. ${whereBytes}\n`)
      : section(`Data, ${thousands(content.data.length)} bytes`, bodyText(content.data.toString(), "")),
  ];
  if (reviews.length > 0) sections.push(section("Reviews", reviews.map(reviewText).join("")));
  if (status.failures.length > 0) sections.push(section("What its replays left", failuresText(status.failures)));
  return sections.join("\n");
}

function reviewText({ reviewed_at, reviewer, decision, note, patch }: Review): string {
  const details = [
    ...(note === null ? [] : [`  note: ${printable(note)}\n`]),
    ...(patch === null || patch === undefined ? [] : [`  edit: ${printable(JSON.stringify(patch))}\n`]),
  ];
  return `${secondText(reviewed_at)}  ${decision} by ${printable(reviewer)}\n${details.join("")}`;
}

const maxBodyLines = 200;

/** JSON with indentation, anything else as it is; escaped line by line. */
function bodyText(text: string, prefix: string): string {
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    // It is shown as it is.
  }
  const lines = shown.split("\n");
  const cut = lines.length > maxBodyLines ? [`${prefix}… ${thousands(lines.length - maxBodyLines)} lines more`] : [];
  return `${[...lines.slice(0, maxBodyLines).map((line) => prefix + printable(line)), ...cut].join("\n")}\n`;
}
