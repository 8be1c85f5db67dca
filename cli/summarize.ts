import { InvalidArgumentError, type Command } from "commander";
import { DEFAULT_DATA_FOLDER } from "./environment.ts";
import { dayOption, daysOption } from "./summarize/period.ts";
import type { SummarizeFlags } from "./summarize/run.ts";
import { summaryTables, type SummaryTable } from "./summarize/tables.ts";

/** `indelible summarize` */
export function declareSummarize(program: Command): void {
  program
    .command("summarize")
    .summary("Markdown summaries of what agents did")
    .description(
      "Writes one Markdown file a table and an index into a folder: the newest rows, totals and cost of the last days. The truth stays in BigQuery; " +
        "the files link to it. In a file that is there only the summary's own block is replaced, so that notes above and below stay. " +
        "docs/summaries.md says more.",
    )
    .requiredOption("--out <folder>", "where the files are, made if missing", folderOption)
    .option("--agent <position>", "only of this agent, such as CFO; default: all")
    .option("--business <id>", "only of this business; default: all")
    .option("--days <count>", "so many whole days of UTC", daysOption, 7)
    .option("--until <day>", "the last one of them, such as 2026-01-31; default: today", dayOption)
    .option("--table <name>", "only this table, can be repeated; default: all that agents write", tableOption)
    .option("--dry-run", "write nothing, show what would be written")
    .option("--json", "print JSON, also on a terminal")
    .option("--data <folder>", "data folder of the running `indelible dev`", DEFAULT_DATA_FOLDER)
    .addHelpText(
      "after",
      `
Exit codes: 0 every file is as it should be, 1 one could not be written, or the log cannot be asked, 2 wrong usage, 130 interrupted.

Examples:
  $ indelible summarize --agent CFO --days 7 --out agents/cfo/logs
  $ indelible summarize --until 2026-01-31 --days 31 --out reports/2026-01 --dry-run
  $ indelible summarize --table decision_logs --table escalation_logs --out board`,
    )
    .action(async (flags: SummarizeFlags) => {
      const { runSummarize } = await import("./summarize/run.ts");
      process.exitCode = await runSummarize(flags);
    });
}

function folderOption(text: string): string {
  if (text === "") throw new InvalidArgumentError("Give a folder.");
  return text;
}

function tableOption(text: string, before: readonly SummaryTable[] = []): readonly SummaryTable[] {
  const table = summaryTables.find((name) => name === text);
  if (table === undefined) throw new InvalidArgumentError(`It must be one of ${summaryTables.join(", ")}.`);
  return [...before, table];
}
