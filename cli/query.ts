import type { Command } from "commander";
import { purposeLabels } from "@indelible/schemas/purpose.ts";
import { DEFAULT_DATA_FOLDER } from "./environment.ts";
import { checkedText } from "./option-text.ts";
import { parametersOf } from "./query/parameters.ts";
import type { QueryFlags } from "./query/run.ts";

/** `indelible query SQL` */
export function declareQuery(program: Command): void {
  program
    .command("query")
    .summary("ask the log a question")
    .description(
      "Runs a GoogleSQL query on the views of the log and prints a table on a terminal, JSON elsewhere. Asks the warehouse that " +
        "BIGQUERY_EMULATOR_HOST names; else the `indelible dev` that is running on the data folder; else BigQuery, with the " +
        "application default credentials.",
    )
    .argument("<sql>", "a query; table names without a dataset are views of INDELIBLE_VIEWS_DATASET, or agent_logs")
    .option("--param <name=value>", "a query parameter, also as name:TYPE=value; default type: STRING", collect, [])
    .option(
      "--purpose <text>",
      "why you read: it stands in the access audit (`indelible access`)",
      checkedText(purposeLabels),
    )
    .option("--json", "print an array of rows as JSON, also on a terminal")
    .option("--data <folder>", "data folder of the running `indelible dev`", DEFAULT_DATA_FOLDER)
    .addHelpText(
      "after",
      `
Exit codes: 0 answered, 1 refused or not reachable, 2 wrong usage.

Examples:
  $ indelible query "SELECT tool_name, COUNT(*) AS n FROM mcp_usage_logs GROUP BY tool_name"
  $ indelible query "SELECT * FROM action_logs WHERE duration_ms > @ms" --param ms:INT64=5000 --json
  $ indelible query "SELECT * FROM escalation_logs" --purpose "complaint 4711, asked for by the works council"`,
    )
    .action(async (sql: string, flags: QueryFlags) => {
      const { runQuery } = await import("./query/run.ts");
      await runQuery(sql, flags);
    });
}

function collect(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, checkedText((text) => parametersOf([text]))(value)];
}
