import { tableNames, type TableName } from "@indelible/schemas/tables.ts";
import { InvalidArgumentError, type Command } from "commander";
import { DEFAULT_DATA_FOLDER } from "./environment.ts";
import type { TailFlags } from "./tail/run.ts";
import { timeOption } from "./time-range.ts";

/** `indelible tail` */
export function declareTail(program: Command): void {
  program
    .command("tail")
    .summary("what was logged last, and what is being logged")
    .description(
      "Prints the newest entries by their arrival, one a line, each once; in a pipe one JSON object a line. With --follow it goes on with what " +
        "comes, also when it becomes readable late or out of order, and while the warehouse is restarted. docs/explore.md says what is guaranteed.",
    )
    .option("-f, --follow", "go on until Ctrl-C")
    .option("--table <name>", "only of this table; may be repeated (default: those that agents write)", tableOption, [])
    .option("--agent <position>", "only of this agent")
    .option("--conversation <id>", "only of this conversation")
    .option(
      "-n, --lines <count>",
      "how many of the newest (default: 20); with --since the first ones since then",
      linesOption,
    )
    .option("--since <time>", "all that arrived since then: 30m, 12h, 7d, or RFC 3339", timeOption)
    .option("--interval <seconds>", "with --follow: how long to wait between two looks", intervalOption, 2)
    .option("--json", "print JSON, one object a line, also on a terminal")
    .option("--data <folder>", "data folder of the running `indelible dev`", DEFAULT_DATA_FOLDER)
    .addHelpText(
      "after",
      `
In the cloud each look is a query, which is paid for by the bytes that it reads: those of the partitions (days) of ingested_at since a minute
before the newest entry. A longer --interval costs less. Without --since the first look reads one column of the whole tables.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted: Ctrl-C is how --follow ends.

Examples:
  $ indelible tail
  $ indelible tail --follow --agent CFO
  $ indelible tail --since 1h --table decision_logs --json | jq .title`,
    )
    .action(async (flags: TailFlags) => {
      const { runTail } = await import("./tail/run.ts");
      process.exitCode = await runTail(flags);
    });
}

function tableOption(text: string, before: readonly TableName[]): readonly TableName[] {
  const name = tableNames.find((one) => one === text);
  if (name === undefined) throw new InvalidArgumentError(`One of: ${tableNames.join(", ")}.`);
  return [...before, name];
}

function linesOption(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 10_000) throw new InvalidArgumentError("A whole number up to 10000.");
  return Number(text);
}

function intervalOption(text: string): number {
  if (!/^\d{1,4}(?:\.\d{1,3})?$/.test(text) || Number(text) < 0.1) {
    throw new InvalidArgumentError("Seconds, at least 0.1.");
  }
  return Number(text);
}
