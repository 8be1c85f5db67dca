import type { Command } from "commander";
import { DEFAULT_DATA_FOLDER } from "./environment.ts";
import type { SealFlags } from "./ledger/seal.ts";
import { secondsOption } from "./time-range.ts";

/** `indelible seal` */
export function declareSeal(program: Command): void {
  program
    .command("seal")
    .summary("seal what has come in")
    .description(
      "Closes windows of what has come in and adds their Merkle roots to the signed seal log, until nothing is left. `indelible dev` does this by itself every " +
        "minute, and in the cloud a schedule does; running it beside them is harmless. What is younger than the margin waits for the next run.",
    )
    .option(
      "--margin <seconds>",
      "a window is closed this long after its end; below 60 only where nobody appends",
      secondsOption,
    )
    .option("--rotate-key", "make a new key first; the old one signs with it for another day")
    .option("--json", "print the outcome as JSON")
    .option("--data <folder>", "data folder of the running `indelible dev`", DEFAULT_DATA_FOLDER)
    .addHelpText(
      "after",
      `
Exit codes: 0 sealed or nothing to seal, 1 failed, 2 wrong usage, 130 interrupted.

Examples:
  $ indelible seal
  $ indelible seal --margin 0 && indelible verify   # when nobody appends`,
    )
    .action(async (flags: SealFlags) => {
      const { runSeal } = await import("./ledger/seal.ts");
      await runSeal(flags);
    });
}
