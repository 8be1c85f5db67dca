import type { Command } from "commander";
import type { DevFlags } from "./dev/run.ts";
import { DEFAULT_DATA_FOLDER } from "./environment.ts";
import { declareImportOptions } from "./import/options.ts";

/** `indelible dev` */
export function declareDev(program: Command): void {
  const command = program
    .command("dev")
    .summary("run everything on this machine")
    .description(
      "Starts a Pub/Sub broker, a BigQuery warehouse, the function and the sealer on this machine, sends a sample day of a small company of " +
        "agents through them, accounts for every event, and stays up until Ctrl-C.",
    )
    .option("--once", "end after the report; exit code 0 only if nothing is missing")
    .option("--import <file...>", "send these transcripts instead of the sample")
    .option("--data <folder>", "where data is kept between runs", DEFAULT_DATA_FOLDER)
    .option("--project <id>", "Google Cloud project that the services pretend to be", "indelible-local")
    .option("--json", "print the report as one JSON object on stdout");
  declareImportOptions(command)
    .addHelpText(
      "after",
      `
Exit codes: 0 everything has arrived, 1 something has not, or a service could not be started, 2 wrong usage, 130 interrupted before the report.

Examples:
  $ indelible dev
  $ indelible dev --once --import runs.json --business-id acme --agent-position support`,
    )
    .action(async (flags: DevFlags) => {
      const { runDev } = await import("./dev/run.ts");
      process.exitCode = await runDev(flags);
    });
}
