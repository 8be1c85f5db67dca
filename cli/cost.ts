import { InvalidArgumentError, Option, type Command } from "commander";
import type { CostFlags } from "./cost/run.ts";
import { dimensions, type Dimension } from "./cost/scope.ts";
import { nanosOf } from "./cost/usd.ts";
import { DEFAULT_DATA_FOLDER } from "./environment.ts";
import { timeOption } from "./time-range.ts";

const defaultSince = "7d";

/** `indelible cost` */
export function declareCost(program: Command): void {
  program
    .command("cost")
    .summary("what agents have cost")
    .description(
      "Tokens and dollars by agent, model, tool or day, each thing once, whatever number of rows tell of it. Times are those of the agents' " +
        "clocks, days are of UTC; what is dated in the future is in it unless --until says otherwise. docs/cost.md says what counts.",
    )
    .addOption(
      new Option("--by <what>", "agent, model, tool or day; several with commas, such as day,agent")
        .argParser(dimensionsOf)
        .default(["agent"], "agent"),
    )
    .addOption(
      new Option("--since <time>", "what began since then: 30m, 12h, 7d, or RFC 3339")
        .argParser(timeOption)
        .default(timeOption(defaultSince), defaultSince),
    )
    .option("--until <time>", "what began before then, in the same form; default: no end", timeOption)
    .option("--agent <position>", "only this agent_position, such as CFO")
    .option("--business <id>", "only this business_id")
    .option("--budget <usd>", "how much of this the total is; when it is more, the exit code is 1", budgetOption)
    .option("--reconcile", "also how the total comes from the raw rows")
    .option("--json", "print JSON, also on a terminal")
    .option("--data <folder>", "data folder of the running `indelible dev`", DEFAULT_DATA_FOLDER)
    .addHelpText(
      "after",
      `
Exit codes: 0 answered, also when nothing was spent; 1 over budget, refused or not reachable; 2 wrong usage.

Examples:
  $ indelible cost
  $ indelible cost --by model --since 30d
  $ indelible cost --by day,agent --since 2026-01-01T00:00:00Z --until 2026-02-01T00:00:00Z
  $ indelible cost --agent CFO --by tool --reconcile
  $ indelible cost --since 1d --budget 50 --json`,
    )
    .action(async (flags: CostFlags, command: Command) => {
      const { since, until } = flags;
      if (until !== undefined && until <= since) {
        command.error("error: --until must be later than --since", { exitCode: 2 });
      }
      const { runCost } = await import("./cost/run.ts");
      process.exitCode = await runCost(flags);
    });
}

function dimensionsOf(text: string): readonly Dimension[] {
  const names = [...new Set(text.split(",").map((name) => name.trim()))];
  return names.map((name) => {
    if (!Object.hasOwn(dimensions, name))
      throw new InvalidArgumentError(`One of: ${Object.keys(dimensions).join(", ")}.`);
    return name as Dimension;
  });
}

/** Billionths of a dollar. */
function budgetOption(text: string): bigint {
  const nanos = /^\d{1,12}(\.\d{1,9})?$/.test(text) ? nanosOf(text) : 0n;
  if (nanos === 0n) throw new InvalidArgumentError("Dollars, more than 0, such as 50 or 12.50.");
  return nanos;
}
