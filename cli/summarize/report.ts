import { IndelibleError } from "@indelible/schemas/errors.ts";
import { nanosOf } from "../cost/usd.ts";
import { printable } from "../terminal/cell.ts";
import { messageOf } from "../terminal/failure.ts";
import { renderTable, thousands } from "../terminal/table.ts";
import { costText } from "./document.ts";
import type { Outcome } from "./files.ts";
import { fileOf, spentInAll } from "./index-document.ts";
import type { Scope } from "./question.ts";
import type { TableSummary } from "./survey.ts";

/** What has become of a file. */
export interface FileReport {
  readonly file: string;
  readonly status: Outcome["status"];
  /** Lines that came and went. */
  readonly lines_added: number;
  readonly lines_removed: number;
  /** The table that it is of; null: it is the index. */
  readonly table: string | null;
  /** Rows of the view, and their entries. Of the index: of all tables. */
  readonly rows: number;
  readonly entries: number;
  readonly total_tokens: number | null;
  /** As text, exact. */
  readonly cost_usd: string | null;
  readonly error: { readonly code: string; readonly message: string; readonly hint: string } | null;
}

export interface Report {
  readonly folder: string;
  readonly agent: string | null;
  readonly business: string | null;
  readonly days: number;
  /** Days of UTC, both included. */
  readonly from: string;
  readonly to: string;
  readonly files: readonly FileReport[];
}

/** What was written of what, as plain data. */
export function reportOf(
  tables: readonly TableSummary[],
  outcomes: readonly Outcome[],
  { agent, business, period: { days, from, to } }: Scope,
  folder: string,
): Report {
  const files = outcomes.map(({ file, status, added, removed, error }) => {
    const summary = tables.find(({ table }) => fileOf(table) === file);
    const of = summary === undefined ? tables : [summary];
    const { totalTokens, nanos } = spentInAll(of);
    return {
      file,
      status,
      lines_added: added,
      lines_removed: removed,
      table: summary?.table ?? null,
      rows: of.reduce((sum, { entities }) => sum + entities, 0),
      entries: of.reduce((sum, { entries }) => sum + entries, 0),
      total_tokens: totalTokens,
      cost_usd: nanos === null ? null : costText(nanos).replaceAll(",", ""),
      error: status === "failed" ? errorOf(error) : null,
    };
  });
  return { folder, agent: agent ?? null, business: business ?? null, days, from, to, files };
}

/** The same for people. */
export function reportText({ folder, from, to, files }: Report, isDryRun: boolean, width: number | undefined): string {
  const columns = [
    { title: "file" },
    { title: "rows", align: "right" as const },
    { title: "cost USD", align: "right" as const },
    { title: isDryRun ? "would be" : "is" },
  ];
  const rows = files.map(({ file, rows: count, cost_usd, status, lines_added, lines_removed }) => [
    file,
    thousands(count),
    cost_usd === null ? "" : costText(nanosOf(cost_usd)),
    status === "written" || status === "changed" ? `written: +${lines_added} −${lines_removed} lines` : status,
  ]);
  const count = (status: Outcome["status"]): number => files.filter((file) => file.status === status).length;
  const parts = [
    ...(isDryRun ? [`${count("changed")} would be written`] : [`${count("written")} written`]),
    `${count("unchanged")} unchanged`,
    ...(count("failed") > 0 ? [`${count("failed")} failed`] : []),
  ];
  return `${renderTable(columns, rows, width)}${parts.join(", ")} in ${printable(folder)} (${from} to ${to}).\n`;
}

function errorOf(error: unknown): FileReport["error"] {
  if (IndelibleError.is(error)) return { code: error.code, message: error.message, hint: error.hint };
  return { code: "ERR_CONFIG", message: messageOf(error), hint: "" };
}
