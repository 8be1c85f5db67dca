import type { Command } from "commander";
import { DEFAULT_DATA_FOLDER } from "./environment.ts";
import type { TimelineFlags } from "./timeline/run.ts";

/** `indelible timeline CONVERSATION_ID` */
export function declareTimeline(program: Command): void {
  program
    .command("timeline")
    .summary("one conversation, in order")
    .description(
      "Prints what happened in a conversation, by the agent's clock: the prompt, thinking, decisions with their options, actions, calls of tools, " +
        "escalations, the outcome, and what it cost. Of what was said more than once the latest is shown. docs/explore.md says more.",
    )
    .argument("<conversation-id>", "the conversation_id, or the first 4 or more characters of it")
    .option("--agent <position>", "only what this agent did")
    .option("--full", "long texts whole")
    .option("--json", "print JSON, also on a terminal")
    .option("--data <folder>", "data folder of the running `indelible dev`", DEFAULT_DATA_FOLDER)
    .addHelpText(
      "after",
      `
Exit codes: 0 printed, 1 there is none or several, or the log cannot be asked, 2 wrong usage.

Examples:
  $ indelible timeline 49404ad4
  $ indelible timeline 49404ad4 --full | less
  $ indelible timeline 49404ad4 --json | jq '.items[] | select(.failed)'`,
    )
    .action(async (id: string, flags: TimelineFlags) => {
      const { runTimeline } = await import("./timeline/run.ts");
      await runTimeline(id, flags);
    });
}
