import { section } from "../delivery/text.ts";
import { counted, renderTable, thousands } from "../terminal/table.ts";
import { secondText } from "../terminal/time.ts";
import type { Amount, Gap, Survey } from "./survey.ts";

/** What was found, for people. */
export function surveyText(survey: Survey, width: number | undefined): string {
  const { publishers, numbers, settled, onTheirWay, unreadable, gaps } = survey;
  if (numbers === 0 && gaps.length === 0)
    return `Nothing to look at: no event with a publisher_id and a seq has arrived.\n${unreadableText(unreadable)}`;
  const parts = [true, false].flatMap((isSettled) => {
    const some = gaps.filter((gap) => gap.settled === isSettled);
    return some.length === 0 ? [] : [section(isSettled ? "Missing" : "May be on their way", `${table(some, width)}\n`)];
  });
  const listed = settled.ranges + onTheirWay.ranges - gaps.length;
  if (listed > 0) parts.push(`and ${counted(listed, "range")} more\n`);
  const verdict = settled.ranges === 0 ? "No settled gaps" : `${amountText(settled)} missing`;
  const pending = onTheirWay.ranges === 0 ? "" : `; ${amountText(onTheirWay)} may still be on their way`;
  parts.push(
    `${verdict}${pending}. Looked at ${counted(numbers, "number")} of ${counted(publishers, "publisher")}.\n`,
    unreadableText(unreadable),
  );
  return parts.join("");
}

function table(gaps: readonly Gap[], width: number | undefined): string {
  const columns = [
    { title: "publisher" },
    { title: "missing" },
    { title: "events", align: "right" as const },
    { title: "seen before" },
    { title: "seen after" },
  ];
  const rows = gaps.map((gap) => [
    gap.publisher_id,
    gap.first_missing === gap.last_missing ? String(gap.first_missing) : `${gap.first_missing}–${gap.last_missing}`,
    thousands(gap.missing),
    gap.seen_before === null ? "nothing" : secondText(gap.seen_before),
    secondText(gap.seen_after),
  ]);
  return renderTable(columns, rows, width);
}

function amountText({ ranges, missing }: Amount): string {
  return `${counted(missing, "event")} in ${counted(ranges, "range")}`;
}

function unreadableText(unreadable: number): string {
  if (unreadable === 0) return "";
  return `${counted(unreadable, "message")} in dead letters cannot be read by the warehouse, and numbers in them count as missing: \`indelible dlq list\`.\n`;
}
