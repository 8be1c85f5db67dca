import { styleText } from "node:util";
import { section } from "../delivery/text.ts";
import { counted, renderTable, thousands, type TableColumn } from "../terminal/table.ts";
import { secondText } from "../terminal/time.ts";
import { remedyFor, type Place } from "./remedy.ts";
import { isShort, type Partition, type RetentionState, type RetentionSurvey, type TableRetention } from "./survey.ts";
import { durationText } from "./within.ts";

const stateTexts: { readonly [state in RetentionState]: string } = {
  ok: "ok",
  shorter: "shorter than declared",
  longer: "longer than declared",
  never: "never expires",
  missing: "table missing",
  unknown: "unknown",
};

/** What each table keeps, what it holds and when that expires, and what is to be done. */
export function surveyText(survey: RetentionSurvey, place: Place, width: number | undefined): string {
  const { tables } = survey;
  const parts = [
    section("What tables keep, a partition a day of UTC", `${keptTable(tables, width)}\n`),
    section("What they hold, and when it expires", `${heldTable(survey, width)}\n`),
    ...remedies(tables, place),
  ];
  return `${parts.join("")}${verdict(survey)}`;
}

function keptTable(tables: readonly TableRetention[], width: number | undefined): string {
  const columns: TableColumn[] = [
    { title: "table" },
    { title: "declared", align: "right" },
    { title: "in days", align: "right" },
    { title: "warehouse", align: "right" },
    { title: "state" },
  ];
  const rows = tables.map(({ table, declaredYears, declaredDays, keptDays, state }) => [
    table,
    counted(declaredYears, "year"),
    thousands(declaredDays),
    keptDays === null ? "—" : thousands(keptDays),
    stateTexts[state],
  ]);
  return renderTable(columns, rows, width);
}

function heldTable({ tables, withinMs }: RetentionSurvey, width: number | undefined): string {
  const columns: TableColumn[] = [
    { title: "table" },
    { title: "rows", align: "right" },
    { title: "oldest day" },
    { title: "expires" },
    { title: "rows then", align: "right" },
    { title: `in ${durationText(withinMs)}`, align: "right" },
  ];
  const rows = tables.map(({ table, rows, oldestDay, next, within }) => [
    table,
    thousands(rows),
    oldestDay ?? "—",
    next === null ? "—" : expiryText(next),
    next === null ? "—" : thousands(next.rows),
    thousands(within.rows),
  ]);
  return renderTable(columns, rows, width);
}

function remedies(tables: readonly TableRetention[], place: Place): string[] {
  // The same sentence once, with all the tables that it is about.
  const groups = Map.groupBy(tables, (table) => `${table.state}: ${remedyFor(table, place)}`);
  return [...groups.values()].flatMap((of) => {
    const [first] = of;
    const remedy = first && remedyFor(first, place);
    if (first === undefined || remedy === undefined) return [];
    const title = styleText(isShort(first) ? "red" : "yellow", stateTexts[first.state], { stream: process.stdout });
    return [`${title}  ${of.map(({ table }) => table).join(", ")}\n${remedy}\n\n`];
  });
}

function verdict({ tables, now, withinMs }: RetentionSurvey): string {
  const short = tables.filter(isShort);
  const rows = tables.reduce((sum, { within }) => sum + within.rows, 0);
  const soon = `${rows === 0 ? "Nothing expires" : `${counted(rows, "row")} expire${rows === 1 ? "s" : ""}`} in ${durationText(withinMs)}`;
  const clock = `from ${secondText(now)}, by the clock of the warehouse.\n`;
  if (short.length === 0) return `${soon} ${clock}`;
  return `${counted(short.length, "table")} ${short.length === 1 ? "keeps" : "keep"} less than declared. ${soon} ${clock}`;
}

/** The days of one table. */
export function partitionsText(
  table: TableRetention,
  partitions: readonly Partition[],
  now: string,
  place: Place,
  width: number | undefined,
): string {
  const columns: TableColumn[] = [
    { title: "day" },
    { title: "rows", align: "right" },
    { title: "expires" },
    { title: "days left", align: "right" },
  ];
  const rows = partitions.map((partition) => [
    partition.day,
    thousands(partition.rows),
    expiryText(partition),
    daysLeft(partition, now),
  ]);
  const listed = rows.length === 0 ? "" : `${renderTable(columns, rows, width)}\n`;
  const held = `${counted(table.rows, "row")} on ${counted(table.partitions.length, "day")}`;
  const shown =
    partitions.length === table.partitions.length
      ? ""
      : `, of which ${partitions.length} ${partitions.length === 1 ? "is" : "are"} shown`;
  const kept = table.keptDays === null ? stateTexts[table.state] : `kept for ${counted(table.keptDays, "day")}`;
  const remedy = remedyFor(table, place);
  const verdict = `${table.table}: ${held}${shown}; ${kept}, declared are ${thousands(table.declaredDays)}.\n`;
  return `${listed}${verdict}${remedy === undefined ? "" : `${remedy}\n`}`;
}

/** The date, and the time where it is not midnight. */
function expiryText({ expiresAt }: Partition): string {
  return expiresAt === null ? "never" : secondText(expiresAt).replace(" 00:00:00Z", "");
}

const DAY_MS = 86_400_000;

function daysLeft({ expiresAt }: Partition, now: string): string {
  if (expiresAt === null) return "—";
  return thousands(Math.max(0, Math.ceil((Date.parse(expiresAt) - Date.parse(now)) / DAY_MS)));
}
