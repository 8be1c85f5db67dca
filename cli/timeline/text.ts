import { styleText } from "node:util";
import { dollars, wrapped } from "../explore/text.ts";
import { cellWidth, pad, truncate } from "../terminal/cell.ts";
import { shellOperand } from "../terminal/shell-word.ts";
import { counted, thousands } from "../terminal/table.ts";
import { secondText } from "../terminal/time.ts";
import type { TimelineItem } from "./items.ts";
import { MAX_ENTRIES, type Timeline } from "./read.ts";

const defaultWidth = 80;
const timeWidth = 8;
const kindWidth = 12;
const indent = timeWidth + 2 + kindWidth + 2;
/** Longer texts are cut, unless all is asked for. */
const maxLines = 3;

/** A conversation, for people. @param full whether long texts are shown whole */
export function timelineText(timeline: Timeline, full: boolean, width: number = defaultWidth): string {
  const { conversation_id, agent, business_id, items } = timeline;
  const begun = items[0] === undefined ? "" : `, ${secondText(items[0].happened_at)}`;
  const head = wrapped(`${conversation_id} of ${agent ?? "?"}, ${business_id ?? "?"}${begun}`, width);
  return [
    ...head.map((line) => styleText("bold", line, { stream: process.stdout })),
    "",
    // What a tool's call says is not shown once more as an action.
    ...items.filter(({ same_as }) => same_as === null).flatMap((item) => itemLines(item, full, width)),
    "",
    ...endLines(timeline, width),
    "",
  ].join("\n");
}

function itemLines(item: TimelineItem, full: boolean, width: number): string[] {
  const room = width - indent;
  const remarks = [
    item.outcome,
    item.duration_ms === null ? null : durationText(item.duration_ms),
    item.tokens === null ? null : counted(item.tokens, "token"),
    item.cost_usd === null ? null : dollars(item.cost_usd),
    item.corrected.length === 0 ? null : `corrected: ${item.corrected.join(", ")}`,
    item.conflict ? "conflict" : null,
  ].filter((text) => text !== null);
  const lines = [
    ...cut(wrapped(item.title ?? "-", room), full),
    ...(remarks.length === 0 ? [] : wrapped(remarks.join(" · "), room)),
    ...item.details.flatMap(({ name, text }) => detailLines(name, text, full, room)),
  ];
  const kind = pad(truncate(item.failed ? `${item.kind} !` : item.kind, kindWidth), kindWidth, "left");
  return lines.map((line, index) =>
    index === 0
      ? `${pad(elapsedText(item.elapsed_ms), timeWidth, "right")}  ${kind}  ${line}`
      : " ".repeat(indent) + line,
  );
}

function detailLines(name: string, text: string, full: boolean, room: number): string[] {
  const label = `${name} `;
  const lines = cut(wrapped(text, room - cellWidth(label)), full);
  return lines.map((line, index) => (index === 0 ? label : " ".repeat(label.length)) + line);
}

function cut(lines: readonly string[], full: boolean): readonly string[] {
  if (full || lines.length <= maxLines) return lines;
  const last = lines[maxLines - 1] ?? "";
  return [...lines.slice(0, maxLines - 1), `${truncate(last, Math.max(1, cellWidth(last) - 1))}…`.replace("……", "…")];
}

function endLines(timeline: Timeline, width: number): string[] {
  const { items, totals, only_agent, missing, dead_letters: deadLetters, overlapping, conversation_id } = timeline;
  const cost = `${counted(totals.total_tokens, "token")}, ${dollars(Number(totals.cost_usd))}`;
  const say: string[] = [
    only_agent === null
      ? `Total: ${cost}, in ${thousands(items.length)} items; the conversation, its tools and its other actions.`
      : `${counted(items.length, "item")} of ${only_agent}. Total of the whole conversation, of all agents: ${cost}; its tools and its other actions are included.`,
  ];
  for (const table of timeline.cut)
    say.push(`Only the first ${thousands(MAX_ENTRIES)} entries of ${table} were read: items and totals are not all.`);
  if (items.some(({ by_time }) => by_time)) {
    const others =
      overlapping === 0
        ? ""
        : `; ${counted(overlapping, "other conversation")} of the agent at that time, whose they may be`;
    say.push(`Decisions have no column for their conversation: these are the agent's of that time${others}.`);
  }
  for (const { publisher_id, first_missing, last_missing } of missing)
    say.push(
      `Missing: ${first_missing === last_missing ? `number ${first_missing}` : `numbers ${first_missing}–${last_missing}`} of publisher ${publisher_id}, which may be of this conversation: indelible gaps.`,
    );
  // Commands stand alone on their lines, and are never broken, so that they can be pasted.
  const command = (name: string, id: string): string => `  indelible ${name} ${shellOperand(id)}`;
  const refused = deadLetters.flatMap((letter) => [
    ...wrapped(`Refused: ${String(letter["reason"])} for ${String(letter["source_table"])}:`, width),
    command("dlq show", String(letter["dead_letter_id"])),
  ]);
  const failed = new Set(items.filter((item) => item.failed).map(({ log_id }) => command("show", log_id)));
  return [
    ...say.flatMap((text) => wrapped(text, width)),
    ...refused,
    ...(failed.size === 0
      ? ["Any of it:", command("show", conversation_id)]
      : ["What failed:", ...[...failed].slice(0, 5)]),
  ];
}

/** `+0:12`, `+1:02:03`: since the first item. */
export function elapsedText(ms: number): string {
  const all = Math.floor(ms / 1000);
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (count: number): string => String(count).padStart(2, "0");
  return hours === 0 ? `+${minutes}:${two(seconds)}` : `+${hours}:${two(minutes)}:${two(seconds)}`;
}

function durationText(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  return ms < 60_000
    ? `${Number((ms / 1000).toFixed(1))} s`
    : `${elapsedText(ms).slice(1)} min`.replace(/^(\d+:\d\d:\d\d) min$/, "$1 h");
}
