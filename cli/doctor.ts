import type { Command } from "commander";
import type { DoctorFlags } from "./doctor/run.ts";
import { DEFAULT_DATA_FOLDER } from "./environment.ts";

/** `indelible doctor` */
export function declareDoctor(program: Command): void {
  program
    .command("doctor")
    .summary("check every part of an installation, and say what repairs it")
    .description(
      "Checks this machine, Pub/Sub, the function, the warehouse, the seals and the dead letters, of the services that `indelible query` would ask, and " +
        "prints what is not as it should be, each with the command that repairs it. Only looks.",
    )
    .option("--strict", "warnings count as problems")
    .option("--json", "print the checks as JSON, also on a terminal")
    .option("--data <folder>", "data folder of the running `indelible dev`", DEFAULT_DATA_FOLDER)
    .addHelpText(
      "after",
      `
Exit codes: 0 no problems, 1 there are some, or something could not be found out, 2 wrong usage.

Examples:
  $ indelible doctor
  $ indelible doctor --strict --json`,
    )
    .action(async (flags: DoctorFlags) => {
      const { runDoctor } = await import("./doctor/run.ts");
      process.exitCode = await runDoctor(flags);
    });
}
