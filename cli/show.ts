import { tableNames, type TableName } from "@indelible/schemas/tables.ts";
import { InvalidArgumentError, type Command } from "commander";
import { DEFAULT_DATA_FOLDER } from "./environment.ts";
import type { ShowFlags } from "./show/run.ts";

/** `indelible show ID` */
export function declareShow(program: Command): void {
  program
    .command("show")
    .summary("one entry: its columns, its history, its integrity")
    .description(
      "Prints an entry, the other entries of the same conversation, decision or whatever it is of, the other copies with its log_id, and what can be " +
        "told of its integrity: the hash computed anew, the columns compared with the entry, the seal that covers it, and the proof where the seal log " +
        "can be read.",
    )
    .argument("<id>", "a log_id, a conversation_id, a decision_id and so on, or the first 4 or more characters of one")
    .option("--table <name>", "only in this table", tableOption)
    .option("--full", "long values whole, and the entry itself")
    .option("--json", "print JSON, also on a terminal")
    .option("--data <folder>", "data folder of the running `indelible dev`", DEFAULT_DATA_FOLDER)
    .addHelpText(
      "after",
      `
Exit codes: 0 shown, 1 there is none or several, or the log cannot be asked, 2 wrong usage.

Examples:
  $ indelible show 0199c0de-7e57-7000-8000-000000000001
  $ indelible show 49404ad4 --full
  $ indelible show 49404ad4 --json | jq .copies`,
    )
    .action(async (id: string, flags: ShowFlags) => {
      const { runShow } = await import("./show/run.ts");
      await runShow(id, flags);
    });
}

function tableOption(text: string): TableName {
  const name = tableNames.find((one) => one === text);
  if (name === undefined) throw new InvalidArgumentError(`One of: ${tableNames.join(", ")}.`);
  return name;
}
