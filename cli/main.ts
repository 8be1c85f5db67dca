#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { declareAccess } from "./access.ts";
import { declareAuditSql } from "./audit-sql.ts";
import { declareDev } from "./dev.ts";
import { declareDlq } from "./dlq.ts";
import { declareEmit } from "./emit.ts";
import { declareGaps } from "./gaps.ts";
import { declareImport } from "./import.ts";
import { declareProve } from "./prove.ts";
import { declareQuery } from "./query.ts";
import { declareSeal } from "./seal.ts";
import { declareVerify } from "./verify.ts";
import { describeFailure } from "./terminal/failure.ts";

const usageErrorExitCode = 2;
const interruptedExitCode = 130;

const program = new Command("indelible")
  .description("An append-only, provable log of everything AI agents do.")
  .addHelpText(
    "after",
    "\nExample:\n  $ indelible dev\n\nExit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.",
  )
  .showHelpAfterError("Run with --help to see what is possible.")
  // Inherited by the commands that are declared after it.
  .exitOverride();
declareDev(program);
declareEmit(program);
declareImport(program);
declareQuery(program);
declareAccess(program);
declareDlq(program);
declareSeal(program);
declareVerify(program);
declareProve(program);
declareGaps(program);
declareAuditSql(program);

// Whoever reads our output may stop reading, as `head` does; that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : usageErrorExitCode;
  } else if (error instanceof Error && error.name === "AbortError") {
    process.exitCode = interruptedExitCode;
  } else {
    process.stderr.write(describeFailure(error));
    process.exitCode = 1;
  }
}
