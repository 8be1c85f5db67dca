import { Command } from "commander";
import { declareAccess } from "./access.ts";
import { declareAuditSql } from "./audit-sql.ts";
import { declareCompletion } from "./completion.ts";
import { declareCost } from "./cost.ts";
import { declareDev } from "./dev.ts";
import { declareDlq } from "./dlq.ts";
import { declareDoctor } from "./doctor.ts";
import { declareEmit } from "./emit.ts";
import { declareGaps } from "./gaps.ts";
import { declareImport } from "./import.ts";
import { declareProve } from "./prove.ts";
import { declareQuery } from "./query.ts";
import { declareRetention } from "./retention.ts";
import { declareSeal } from "./seal.ts";
import { fitHelp } from "./terminal/help-text.ts";
import { declareShow } from "./show.ts";
import { declareSummarize } from "./summarize.ts";
import { declareTail } from "./tail.ts";
import { declareTimeline } from "./timeline.ts";
import { declareVerify } from "./verify.ts";

/** Every exit code of every command, for the root's help and the reference. */
export const exitCodes: readonly (readonly [code: number, meaning: string])[] = [
  [0, "done"],
  [1, "failed"],
  [2, "wrong usage"],
  [130, "interrupted"],
];

/** `indelible` with all its commands. Parsing throws a CommanderError instead of ending the process. */
export function createProgram(): Command {
  const program = new Command("indelible")
    .description("An append-only, provable log of everything AI agents do.")
    .addHelpText(
      "after",
      `
Exit codes: ${exitCodes.map(([code, meaning]) => `${code} ${meaning}`).join(", ")}.

Example:
  $ indelible dev`,
    )
    .showHelpAfterError("Run with --help to see what is possible.")
    // These and what follows are inherited by the commands that are declared after them.
    .configureOutput({ writeOut: (text) => process.stdout.write(fitHelp(text, process.stdout.columns)) })
    .exitOverride();
  declareDev(program);
  declareDoctor(program);
  declareEmit(program);
  declareImport(program);
  declareQuery(program);
  declareCost(program);
  declareTail(program);
  declareShow(program);
  declareTimeline(program);
  declareSummarize(program);
  declareAccess(program);
  declareDlq(program);
  declareSeal(program);
  declareVerify(program);
  declareProve(program);
  declareGaps(program);
  declareRetention(program);
  declareAuditSql(program);
  declareCompletion(program);
  return program;
}
