import type { Command } from "commander";
import { DEFAULT_DATA_FOLDER } from "./environment.ts";
import type { ProveFlags, VerifyProofFlags } from "./ledger/prove.ts";

/** `indelible prove LOG_ID` and `indelible verify-proof FILE` */
export function declareProve(program: Command): void {
  program
    .command("prove")
    .summary("prove to somebody else that an entry is in the log")
    .description(
      "Writes a file by which anybody can check, offline and with nothing but the public key, that an entry was in the log when it was sealed, and " +
        "that not one byte of it has changed since.",
    )
    .argument("<log-id>", "the log_id of the entry")
    .option("--out <file>", "where to write it; default: stdout")
    .option("--data <folder>", "data folder of the running `indelible dev`", DEFAULT_DATA_FOLDER)
    .addHelpText(
      "after",
      `
Exit codes: 0 proved, 1 not provable, 2 wrong usage.

Examples:
  $ indelible prove 0199c0de-7e57-7000-8000-000000000001 --out entry.proof.json
  $ indelible verify-proof entry.proof.json`,
    )
    .action(async (logId: string, flags: ProveFlags) => {
      const { runProve } = await import("./ledger/prove.ts");
      await runProve(logId, flags);
    });

  program
    .command("verify-proof")
    .summary("check a proof, offline")
    .description(
      "Checks a file that `indelible prove` wrote, by the keys that you trust: those of --keys, or else of the data folder. With neither, it checks " +
        "that the proof is consistent and says by which key, which is for you to compare.",
    )
    .argument("<file>", "the proof; - for stdin")
    .option("--keys <file>", "the list of keys that you trust (keys.json), or a single key as text")
    .option("--json", "print what is proved as JSON")
    .option("--data <folder>", "data folder whose keys are trusted", DEFAULT_DATA_FOLDER)
    .addHelpText(
      "after",
      `
Exit codes: 0 proved by a trusted key, 1 not proved, or only by a key that nobody has vouched for, 2 wrong usage.

Examples:
  $ indelible verify-proof entry.proof.json
  $ indelible verify-proof entry.proof.json --keys keys-from-the-auditor.json`,
    )
    .action(async (file: string, flags: VerifyProofFlags) => {
      const { runVerifyProof } = await import("./ledger/prove.ts");
      process.exitCode = await runVerifyProof(file, flags);
    });
}
