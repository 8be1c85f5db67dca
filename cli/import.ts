import type { Command } from "commander";
import { DEFAULT_DATA_FOLDER } from "./environment.ts";
import { declareImportOptions } from "./import/options.ts";
import type { ImportCommandFlags } from "./import/run.ts";

/** `indelible import FILE...` */
export function declareImport(program: Command): void {
  const command = program
    .command("import")
    .summary("log transcripts of agents")
    .description(
      "Logs transcripts in OpenAI's chat-messages form: a JSON array of messages or of runs, or one of them a line. " +
        "Importing the same file again adds nothing. docs/import.md says what becomes what.",
    )
    .argument("<file...>", "transcripts: .json, .jsonl or .ndjson");
  declareImportOptions(command)
    .option("--data <folder>", "data folder of the running `indelible dev`", DEFAULT_DATA_FOLDER)
    .option("--json", "print the report as one JSON object")
    .addHelpText(
      "after",
      `
Exit codes: 0 everything has arrived, 1 something has not, 2 wrong usage, 130 interrupted.

Example:
  $ indelible import --agent-position support runs.jsonl`,
    )
    .action(async (files: string[], flags: ImportCommandFlags) => {
      const { runImport } = await import("./import/run.ts");
      process.exitCode = await runImport(files, flags);
    });
}
