import type { Command } from "commander";
import { declareEmitOptions, type EmitFlags } from "./emit/options.ts";

/** `indelible emit` */
export function declareEmit(program: Command): void {
  const command = program
    .command("emit")
    .summary("log events from stdin, one JSON object a line")
    .description(
      "Logs what any program writes: NDJSON on stdin, one line in, one event out. A line is an event of --table, or " +
        '{"table": "…", "event": {…}}. Columns that are missing (identity, agent, times) are filled in. docs/emit.md says more.',
    );
  declareEmitOptions(command)
    .addHelpText(
      "after",
      `
Exit codes: 0 each line is with Pub/Sub, 1 some are not, 2 wrong usage, 130 interrupted before the end of the input.

Examples:
  $ my-agent | indelible emit --table action_logs --business-id acme --agent-position COO
  $ echo '{"action_type":"file_write","success":true}' | indelible emit --table action_logs --business-id acme --agent-position COO
  $ indelible emit --source 2026-01-31.ndjson --json < 2026-01-31.ndjson`,
    )
    .action(async (flags: EmitFlags) => {
      const { runEmit } = await import("./emit/run.ts");
      process.exitCode = await runEmit(flags);
    });
}
