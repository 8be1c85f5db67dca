import { renderTable, thousands } from "../terminal/table.ts";
import { secondText } from "../terminal/time.ts";
import { groupIdOf } from "./handle.ts";
import type { Group, State } from "./letter.ts";
import { pairedTable, tableWidth } from "./paired-table.ts";
import type { Surveyed } from "./survey.ts";

/** Groups, one a line where there is room, and otherwise two: a pattern that is cut says nothing. */
export function groupsText(groups: readonly Group[], state: State, width: number = Infinity): string {
  const right = "right" as const;
  const columns = [
    { title: "group" },
    { title: state, align: right },
    ...(state === "open" ? [] : [{ title: "open", align: right }]),
    { title: "table" },
    { title: "reason" },
  ];
  const cells = (group: Group): string[] => [
    groupIdOf(group),
    thousands(group.count),
    ...(state === "open" ? [] : [thousands(group.open)]),
    group.table ?? "?",
    group.reason,
  ];
  const wideColumns = [...columns, { title: "pattern" }, { title: "first seen" }, { title: "last seen" }];
  const wideRows = groups.map((group) => [
    ...cells(group),
    group.pattern,
    secondText(group.firstSeen),
    secondText(group.lastSeen),
  ]);
  const wide = renderTable(wideColumns, wideRows);
  if (tableWidth(wide) <= width) return wide;
  const narrowRows = groups.map((group) => [...cells(group), secondText(group.lastSeen)]);
  const patterns = groups.map(({ pattern }) => pattern);
  return (
    pairedTable([...columns, { title: "last seen" }], narrowRows, patterns, width) ??
    renderTable(wideColumns, wideRows, width)
  );
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
