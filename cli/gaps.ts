import { Option, type Command } from "commander";
import { DEFAULT_DATA_FOLDER } from "./environment.ts";
import type { GapsFlags } from "./gaps/run.ts";
import { SETTLED_AGE, timeOption } from "./time-range.ts";

/** `indelible gaps` */
export function declareGaps(program: Command): void {
  program
    .command("gaps")
    .summary("numbers of publishers that are missing")
    .description(
      "Every publisher process counts its events from 1. Lists the numbers that are neither in a table nor in a dead letter although a " +
        "later one has arrived. What a publisher sent last cannot be missed: nothing is behind it yet. docs/audit-queries.md says more.",
    )
    .option("--publisher <id>", "only of this publisher")
    .option("--since <time>", "only gaps, and numbers, published since then: 30m, 12h, 7d, or RFC 3339", timeOption)
    .addOption(
      new Option(
        "--settled <age>",
        "younger gaps may still be on their way: how long ago the number behind one was published",
      )
        .argParser(timeOption)
        .default(timeOption(SETTLED_AGE), SETTLED_AGE),
    )
    .option("--json", "print JSON, also on a terminal")
    .option("--data <folder>", "data folder of the running `indelible dev`", DEFAULT_DATA_FOLDER)
    .addHelpText(
      "after",
      `
Exit codes: 0 no settled gap, 1 there is one, or the log cannot be asked, 2 wrong usage, 130 interrupted.

Examples:
  $ indelible gaps
  $ indelible gaps --since 7d --settled 30m
  $ indelible gaps --publisher 0199c1f2-7d3e-7000-8000-3f5a1c2b4d6e --json`,
    )
    .action(async (flags: GapsFlags) => {
      const { runGaps } = await import("./gaps/run.ts");
      process.exitCode = await runGaps(flags);
    });
}
