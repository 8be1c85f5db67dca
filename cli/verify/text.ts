import { styleText } from "node:util";
import { findingKinds, type Finding, type FindingCode } from "@indelible/ledger/findings.ts";
import { timeText } from "@indelible/ledger/verification/time.ts";
import type { Range, TableVerification, Verification } from "@indelible/ledger/verify.ts";
import { printable } from "../terminal/cell.ts";
import { counted, renderTable, thousands, type TableColumn } from "../terminal/table.ts";

const MAX_LISTED = 20;
const MAX_RANGES = 3;

/** The verification for people: what was asked and what was verified, what was found, and whether that is good. Colours follow stdout. */
export function verificationText(verification: Verification): string {
  return [overview(verification), tablesText(verification.tables), findingsText(verification), verdict(verification)]
    .filter((part) => part !== "")
    .join("\n");
}

function overview({ asked, log, resumed }: Verification): string {
  const since = asked.since === undefined ? "the beginning" : timeText(asked.since);
  const until = asked.until === undefined ? "the last seal" : timeText(asked.until);
  const how = resumed ? ", going on where the last run ended" : "";
  return [
    `Asked for      ${since} to ${until}${how}`,
    `Log            ${printable(log.origin)}`,
    `               ${counted(Number(log.seals), "seal")} in ${counted(log.commits, "commit")}`,
    `Root           ${log.rootHash}`,
    "",
  ].join("\n");
}

const columns: readonly TableColumn[] = [
  { title: "table" },
  { title: "verified" },
  { title: "windows", align: "right" },
  { title: "rows", align: "right" },
  { title: "expired windows", align: "right" },
  { title: "not sealed yet", align: "right" },
];

function tablesText(tables: readonly TableVerification[]): string {
  return renderTable(
    columns,
    tables.map(({ table, verified, rangesLeftOut, windows, rows, expiredWindows, unsealedRows }) => [
      table,
      rangesText(verified, rangesLeftOut),
      ...[windows, rows, expiredWindows, unsealedRows].map(thousands),
    ]),
  );
}

function rangesText(ranges: readonly Range[], leftOut: number): string {
  if (ranges.length === 0) return "nothing";
  const listed = ranges.slice(0, MAX_RANGES).map(({ start, end }) => `${shortTime(start)} to ${shortTime(end)}`);
  const more = ranges.length - listed.length + leftOut;
  return [...listed, ...(more > 0 ? [`${thousands(more)} more`] : [])].join(", ");
}

/** Without a fraction of a second that is none. */
function shortTime(time: bigint): string {
  return timeText(time).replace(/\.000000Z$/, "Z");
}

function findingsText({ findings, findingCounts }: Verification): string {
  const byCode = Map.groupBy(findings, ({ code }) => code);
  return [...byCode].map(([code, of]) => groupText(code, of, findingCounts[code] ?? of.length)).join("\n");
}

function groupText(code: FindingCode, findings: readonly Finding[], count: number): string {
  const { level, meaning } = findingKinds[code];
  const title = styleText(level === "violation" ? "red" : "yellow", code, { stream: process.stdout });
  const listed = findings.slice(0, MAX_LISTED);
  const rows = listed.map(({ code, table = "", logId = "", message, ...place }) => [
    code,
    table,
    logId,
    message + placeText(place),
  ]);
  const text = renderTable([{ title: "code" }, { title: "table" }, { title: "log_id" }, { title: "what" }], rows);
  const more = count > listed.length ? `and ${thousands(count - listed.length)} more\n` : "";
  return `${title}  ${thousands(count)}: ${meaning}\n${text}${more}`;
}

function placeText({ window, logIndex }: Pick<Finding, "window" | "logIndex">): string {
  const parts = [
    ...(window === undefined ? [] : [`window ${shortTime(window.start)} to ${shortTime(window.end)}`]),
    ...(logIndex === undefined ? [] : [`seal ${logIndex}`]),
  ];
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

function verdict({ verified, counts, tables, findingCounts }: Verification): string {
  const what =
    `${counted(counts.rows, "row")} in ${counted(counts.windows, "window")} of ${counted(tables.length, "table")}` +
    (counts.expiredWindows > 0 ? `, ${counted(counts.expiredWindows, "window")} expired` : "");
  if (verified) {
    const unsealed = counts.unsealedRows > 0 ? ` ${counted(counts.unsealedRows, "row")} not sealed yet.` : "";
    return `${styleText("green", `Verified: ${what}, as they were sealed.`, { stream: process.stdout })}${unsealed}\n`;
  }
  const violations = Object.entries(findingCounts)
    .filter(([code]) => findingKinds[code as FindingCode].level === "violation")
    .map(([code, count]) => `${thousands(count)} ${code}`);
  const isCovered = tables.every((table) => table.verified.length > 0);
  const none = isCovered ? "no row was sealed in what was asked for" : "not everything that was asked for is sealed";
  const why = violations.length > 0 ? violations.join(", ") : none;
  return `${styleText("red", `Not verified: ${why}.`, { stream: process.stdout })} Looked at ${what}. docs/verify.md says what to do.\n`;
}
