import { InvalidArgumentError, Option, type Command } from "commander";
import { tableNames, type TableName } from "@indelible/schemas/tables.ts";
import type { AccessFlags } from "./access/run.ts";
import { countOf } from "./dlq/filter.ts";
import { DEFAULT_DATA_FOLDER } from "./environment.ts";
import { timeOption } from "./time-range.ts";

const defaultSince = "7d";

/** `indelible access` */
export function declareAccess(program: Command): void {
  program
    .command("access")
    .summary("who read the log")
    .description(
      "Lists reads of the log, the newest first: when, who, how, why, from where, and what. A read of a view is a read of its table, and so is a " +
        "read of a copy that somebody made of it. Asks the same warehouse as `indelible query`, with the rights of a reader. " +
        "docs/access-audit.md says what is recorded and what is not.",
    )
    .option("--table <name>", "only reads of this table, such as conversations; default: of any", tableOf)
    .addOption(
      new Option("--since <time>", "only reads since then: 30m, 12h, 7d, or RFC 3339")
        .argParser(timeOption)
        .default(timeOption(defaultSince), defaultSince),
    )
    .option("--until <time>", "only reads before then, in the same form; default: no end", timeOption)
    .option("--principal <account>", "only reads by this account")
    .option("--except <account>", "not the reads by this account, such as the sealer's; may be repeated", collect, [])
    .option("--limit <count>", "at most so many reads", countOf, 50)
    .option("--json", "print an array of reads as JSON, also on a terminal")
    .option("--data <folder>", "data folder of the running `indelible dev`", DEFAULT_DATA_FOLDER)
    .addHelpText(
      "after",
      `
Exit codes: 0 answered, also when nobody read it; 1 refused, not reachable, or the access audit has no rows at all; 2 wrong usage.

Examples:
  $ indelible access --table conversations --since 7d
  $ indelible access --principal auditor@acme.example --since 2026-01-01T00:00:00Z --until 2026-02-01T00:00:00Z
  $ indelible access --since 1h --except sealer@indelible.local
  $ indelible access --table escalation_logs --since 12h --json`,
    )
    .action(async (flags: AccessFlags, command: Command) => {
      const { since, until } = flags;
      if (until !== undefined && until <= since) {
        command.error("error: --until must be later than --since", { exitCode: 2 });
      }
      const { runAccess } = await import("./access/run.ts");
      process.exitCode = await runAccess(flags);
    });
}

function collect(account: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, account];
}

/** Of a view too: `conversations_history` is one of conversations. */
function tableOf(text: string): TableName {
  const name = text.replace(/_history$/, "");
  const table = tableNames.find((one) => one === name);
  if (table === undefined) throw new InvalidArgumentError(`One of: ${tableNames.join(", ")}.`);
  return table;
}
