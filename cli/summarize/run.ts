import { describeFailure } from "../terminal/failure.ts";
import { jsonText } from "../terminal/json-text.ts";
import { printable } from "../terminal/cell.ts";
import { openWarehouse } from "../warehouse.ts";
import { tableDocument } from "./document.ts";
import { writeDrafts, type Draft } from "./files.ts";
import { fileOf, INDEX_FILE, indexDocument } from "./index-document.ts";
import { dayOf, periodOf } from "./period.ts";
import type { Place } from "./places.ts";
import type { Scope } from "./question.ts";
import { reportOf, reportText } from "./report.ts";
import { summaryOf, type TableSummary } from "./survey.ts";
import { summaryTables, type SummaryTable } from "./tables.ts";

export interface SummarizeFlags {
  readonly agent?: string;
  readonly business?: string;
  readonly days: number;
  /** A day of UTC. */
  readonly until?: string;
  readonly out: string;
  readonly table?: readonly SummaryTable[];
  readonly dryRun?: true;
  readonly json?: true;
  readonly data: string;
}

/** Who waits for a service that is away waits for so long. */
const stallMs = 10_000;

/** Writes summaries and prints what has become of each file. Resolves to the exit code: 1 when one could not be written. Throws what `summaryOf` and `writeDrafts` throw. */
export async function runSummarize(flags: SummarizeFlags): Promise<0 | 1> {
  const place = await openWarehouse(flags.data);
  const { agent, business, days, until = dayOf(Date.now()), dryRun: isDryRun = false } = flags;
  const scope: Scope = { agent, business, period: periodOf(days, until) };
  const asked = summaryTables.filter((table) => flags.table === undefined || flags.table.includes(table));
  const tables = await summaryOf(place, { deadlineMs: stallMs }, scope, asked);
  if (agent !== undefined && tables.every(({ entities }) => entities === 0))
    process.stderr.write(`Nothing of an agent ${printable(agent)} in these days: is the name written as in the log?\n`);
  const outcomes = await writeDrafts(flags.out, draftsOf(tables, scope, place), { isDryRun });
  const report = reportOf(tables, outcomes, scope, flags.out);
  const asText = process.stdout.isTTY && flags.json !== true;
  process.stdout.write(asText ? reportText(report, isDryRun, process.stdout.columns) : jsonText(report));
  const failed = outcomes.filter(({ status }) => status === "failed");
  for (const { error } of failed) process.stderr.write(describeFailure(error));
  return failed.length === 0 ? 0 : 1;
}

/** The files of these tables, and their index last: it is written when what it links to is there. */
export function draftsOf(tables: readonly TableSummary[], scope: Scope, place: Place): Draft[] {
  const drafts = tables.map((summary) => ({
    file: fileOf(summary.table),
    name: summary.table,
    content: tableDocument(summary, scope, place),
  }));
  return [...drafts, { file: INDEX_FILE, name: "index", content: indexDocument(tables, scope, place) }];
}
