import { InvalidArgumentError, type Command } from "commander";
import { sealedTables } from "@indelible/schemas/names.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { DEFAULT_DATA_FOLDER } from "./environment.ts";
import { MOMENT_FORM, timeOption } from "./time-range.ts";
import type { AskedTime, VerifyFlags } from "./verify/run.ts";

/** `indelible verify` */
export function declareVerify(program: Command): void {
  program
    .command("verify")
    .summary("prove that nothing in the log has been changed")
    .description(
      "Holds the rows of the warehouse against the seals, and the seals against each other, their signatures, the witness, and what an earlier " +
        "verification has seen; names what differs. Only reads. docs/verify.md says what each finding means and what to do.",
    )
    .option("--table <name>", "only this table; may be repeated (default: all)", tableOf, [])
    .option("--since <time>", `only rows that came in at this time or later: ${MOMENT_FORM}`, timeOf)
    .option(
      "--until <time>",
      "only rows that came in before; default: up to the last seal, and a look at what came later",
      timeOf,
    )
    .option("--json", "print the whole verification as JSON")
    .option("--resume", "go on where an interrupted verification of the same range ended")
    .option(
      "--state <file>",
      "where this verifier remembers the last checkpoint (default: verify/checkpoint in the data folder)",
    )
    .option("--data <folder>", "data folder of the running `indelible dev`", DEFAULT_DATA_FOLDER)
    .addHelpText(
      "after",
      `
Exit codes: 0 verified, 1 not verified (or nothing to verify), 2 wrong usage, 130 interrupted.

Examples:
  $ indelible verify
  $ indelible verify --table conversations --since 2026-01-01T00:00:00Z --until 2026-02-01T00:00:00Z
  $ indelible verify --state /mnt/auditor/checkpoint --json > verification.json
  $ indelible verify --resume`,
    )
    .action(async (flags: VerifyFlags, command: Command) => {
      const { since, until } = flags;
      if (until !== undefined && until.micros <= (since?.micros ?? 0n)) {
        command.error("error: --until must be later than --since, and than 1970", { exitCode: 2 });
      }
      const { runVerify } = await import("./verify/run.ts");
      process.exitCode = await runVerify(flags);
    });
}

function tableOf(name: string, earlier: readonly TableName[]): readonly TableName[] {
  const table = sealedTables.find((one) => one === name);
  if (table === undefined) throw new InvalidArgumentError(`One of: ${sealedTables.join(", ")}.`);
  return earlier.includes(table) ? earlier : [...earlier, table];
}

function timeOf(text: string): AskedTime {
  return { text, micros: BigInt(timeOption(text)) };
}
