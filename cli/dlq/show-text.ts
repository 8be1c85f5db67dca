import { section } from "../delivery/text.ts";
import { printable } from "../terminal/cell.ts";
import { renderTable, thousands } from "../terminal/table.ts";
import { secondText } from "../terminal/time.ts";
import { adviceOf, type Advice } from "./advice.ts";
import { bodyText } from "./body-text.ts";
import type { Content } from "./content.ts";
import type { GroupReport } from "./group.ts";
import { groupIdOf } from "./handle.ts";
import { commandText, nextText } from "./next.ts";
import type { Surveyed } from "./survey.ts";
import { failuresText } from "./text.ts";
import type { Review } from "./warehouse.ts";

export const shortIdLength = 8;

/** Everything of one dead letter, and the command to run next. */
export function letterText(
  { letter, status }: Surveyed,
  content: Content | undefined,
  reviews: readonly Review[],
  { whereBytes, dataFolder }: { readonly whereBytes: string; readonly dataFolder?: string },
): string {
  const fields = [
    ["id", letter.id],
    ["state", status.state],
    ["group", groupIdOf(letter)],
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
  ] as const;
  const advice = letterAdvice({ letter, status });
  const sections = [
    fieldsText(fields),
    content === undefined
      ? section("Data", `Not in the warehouse. ${whereBytes}\n`)
      : section(`Data, ${thousands(content.data.length)} bytes`, bodyText(content.data.toString(), "")),
  ];
  if (reviews.length > 0) sections.push(section("Reviews", reviews.map(reviewText).join("")));
  if (status.failures.length > 0) sections.push(section("What its replays left", failuresText(status.failures)));
  if (advice !== undefined) sections.push(adviceText(advice, dataFolder));
  return sections.join("\n");
}

/** What to do about a dead letter; undefined when it is settled. */
export function letterAdvice({ letter, status }: Surveyed): Advice | undefined {
  const id = letter.id.slice(0, shortIdLength);
  switch (status.state) {
    case "open":
      return adviceOf(letter, letter.detail, id);
    case "replaying":
      return {
        text: "It is on its way, or the command was ended: the same replay again goes on.",
        command: ["replay", id],
      };
    case "failed-again": {
      const [failure] = status.failures.toSorted((a, b) => b.publishedMicros - a.publishedMicros);
      const text = "Its replay is a dead letter of its own: mend that one.";
      return { text, command: ["show", (failure?.id ?? letter.id).slice(0, shortIdLength)] };
    }
    default:
      return undefined;
  }
}

/** Everything of a group, and the command to run next. */
export function groupText(group: GroupReport, width?: number, dataFolder?: string): string {
  const fields = [
    ["group", group.id],
    ["table", group.table ?? "unknown"],
    ["reason", group.reason],
    ["pattern", group.pattern],
    ["open", thousands(group.open)],
    ["replayed", group.replay === 0 ? undefined : `${thousands(group.replay)}, arrived or not`],
    ["discarded", group.discarded === 0 ? undefined : thousands(group.discarded)],
    ["first seen", secondText(group.firstSeen)],
    ["last seen", secondText(group.lastSeen)],
  ] as const;
  const count = { title: "count", align: "right" as const };
  const details = group.details.slice(0, maxDetails).map((one) => [thousands(one.count), one.detail]);
  const sources = group.sources
    .slice(0, maxSources)
    .map((one) => [thousands(one.count), one.business ?? "?", one.agent ?? "?", one.publisher ?? "?"]);
  const sampled = `the newest ${thousands(group.sampled)}`;
  const columns = [count, ...["business", "agent", "publisher"].map((title) => ({ title }))];
  return [
    fieldsText(fields),
    section(`What exactly, of ${sampled}`, renderTable([count, { title: "detail" }], details, width)),
    section(`Where from, of ${sampled}`, renderTable(columns, sources, width)),
    section(
      "Some of them",
      group.examples.map((id) => `${commandText(["show", id.slice(0, shortIdLength)], dataFolder)}\n`).join(""),
    ),
    ...(group.open === 0 ? [] : [adviceText(group.advice, dataFolder)]),
  ].join("\n");
}

const maxDetails = 5;
const maxSources = 10;

function adviceText({ text, command }: Advice, dataFolder: string | undefined): string {
  return `${section("What to do", `${text}\n`)}\n${nextText(commandText(command, dataFolder))}`;
}

/** Names and values, a line each; what is undefined has none. */
export function fieldsText(fields: readonly (readonly [string, string | number | undefined])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length)) + 2;
  return fields
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(width)}${printable(String(value))}\n`)
    .join("");
}

function reviewText({ reviewed_at, reviewer, decision, note, patch }: Review): string {
  const details = [
    ...(note === null ? [] : [`  note: ${printable(note)}\n`]),
    ...(patch === null || patch === undefined ? [] : [`  edit: ${printable(JSON.stringify(patch))}\n`]),
  ];
  return `${secondText(reviewed_at)}  ${decision} by ${printable(reviewer)}\n${details.join("")}`;
}
