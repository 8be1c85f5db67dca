import { InvalidArgumentError, type Command } from "commander";
import { tableNames, type TableName } from "@indelible/schemas/tables.ts";
import { DEFAULT_DATA_FOLDER } from "./environment.ts";
import type { RetentionFlags } from "./retention/run.ts";
import { durationOption } from "./retention/within.ts";

/** `indelible retention` */
export function declareRetention(program: Command): void {
  program
    .command("retention")
    .summary("what expires when")
    .description(
      "Tables keep what came in on a day of UTC for the years of their declaration, and then the warehouse takes the day away. Shows of each table " +
        "what is declared and what the warehouse does, what it holds, what expires next and what within a time; of one table, its days. " +
        "docs/retention.md says more.",
    )
    .argument("[table]", "one table, such as thinking_logs, day by day", tableOf)
    .option(
      "--within <duration>",
      "how far to look ahead: 12h, 30d, 8w (default: 30d); of one table, only the days that expire by then",
      durationOption,
    )
    .option("--json", "print JSON, also on a terminal")
    .option("--data <folder>", "data folder of the running `indelible dev`", DEFAULT_DATA_FOLDER)
    .addHelpText(
      "after",
      `
Exit codes: 0 no table keeps less than declared, 1 one does, or the warehouse cannot be asked, 2 wrong usage, 130 interrupted.

Examples:
  $ indelible retention
  $ indelible retention --within 12w --json
  $ indelible retention mcp_usage_logs --within 30d`,
    )
    .action(async (table: TableName | undefined, flags: RetentionFlags) => {
      const { runRetention } = await import("./retention/run.ts");
      process.exitCode = await runRetention(table, flags);
    });
}

function tableOf(text: string): TableName {
  const table = tableNames.find((one) => one === text);
  if (table === undefined) throw new InvalidArgumentError(`One of: ${tableNames.join(", ")}.`);
  return table;
}
