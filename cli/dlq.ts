import type { Command } from "commander";
import type { ReplayFlags } from "./dlq/replay.ts";
import { countOf, declareFilter } from "./dlq/filter.ts";
import type { ListFlags } from "./dlq/list.ts";
import { declareReview, type ReviewFlags } from "./dlq/reviewer.ts";
import type { ShowFlags } from "./dlq/show.ts";
import { DEFAULT_DATA_FOLDER } from "./environment.ts";
import { secondsOption } from "./time-range.ts";

/** `indelible dlq list|show|replay|discard` */
export function declareDlq(program: Command): void {
  const dlq = program
    .command("dlq")
    .summary("look at what could not be accepted, replay it or discard it")
    .description(
      "Works on dead letters: what the log could not accept, byte for byte, with the reason. Nothing is ever deleted: each " +
        "decision is an entry of dead_letter_reviews, and the state of a dead letter derives from those. docs/dead-letters.md says more.",
    );
  dlq.addHelpText(
    "after",
    `
Examples:
  $ indelible dlq list
  $ indelible dlq show 1f0c52aa
  $ indelible dlq replay --reason ERR_DELIVERY_ATTEMPTS --dry-run`,
  );
  declareList(dlq);
  declareShow(dlq);
  declareReplay(dlq);
  declareDiscard(dlq);
}

function declareList(dlq: Command): void {
  const command = dlq
    .command("list")
    .summary("how many of what kind")
    .description("Groups dead letters by table, reason and pattern, the largest group first.")
    .option("--all", "list single dead letters, the newest first")
    .option("--limit <count>", "at most so many groups or dead letters", countOf, 50);
  withOutput(declareFilter(command, "open"))
    .addHelpText(
      "after",
      `
Exit codes: 0 answered, also when there are none, 1 refused or not reachable, 2 wrong usage.

Examples:
  $ indelible dlq list
  $ indelible dlq list --all --table thinking_logs --since 2h
  $ indelible dlq list --state failed-again --json`,
    )
    .action(async (flags: ListFlags) => {
      const { runList } = await import("./dlq/list.ts");
      await runList(flags);
    });
}

function declareShow(dlq: Command): void {
  const command = dlq
    .command("show")
    .summary("everything of one dead letter")
    .description("Prints one dead letter: reason, source, bytes, what to do, its reviews and what its replays left.")
    .argument("<id>", "its ID, or a beginning that no other has");
  withOutput(command)
    .addHelpText(
      "after",
      `
Exit codes: 0 found, 1 not there, refused or not reachable, 2 wrong usage.

Example:
  $ indelible dlq show 1f0c52aa`,
    )
    .action(async (id: string, flags: ShowFlags) => {
      const { runShow } = await import("./dlq/show.ts");
      await runShow(id, flags);
    });
}

function declareReplay(dlq: Command): void {
  const command = dlq
    .command("replay")
    .summary("send dead letters to their tables again")
    .description(
      "Publishes dead letters to the topics that they came from, edited or as they were, under the same log_id: doing it twice gives one entry. " +
        "The review is recorded first. Ctrl-C ends it after the chunk under way; the same command again goes on where it ended.",
    )
    .argument("[id...]", "dead letters; without any, all that the filters mean")
    .option("--edit <patch>", "a JSON Patch (RFC 6902) for every event: a file, or the JSON itself")
    .option("--force", "with --edit: publish also what does not fit its table after the edit")
    .option("--rate <count>", "dead letters a second", countOf, 100)
    .option("--wait <seconds>", "how long to wait for arrival at the end", secondsOption, 30);
  withOutput(declareReview(command, "open and replaying"))
    .addHelpText(
      "after",
      `
Exit codes: 0 all have arrived, 1 some have not, 2 wrong usage, 130 interrupted.

Examples:
  $ indelible dlq replay --reason ERR_DELIVERY_ATTEMPTS --since 1d
  $ indelible dlq replay --table thinking_logs --edit '[{"op":"replace","path":"/confidence_level","value":1}]' --dry-run
  $ indelible dlq replay 1f0c52aa --edit fix.json --note "sensor was off by a factor" --yes`,
    )
    .action(async (ids: string[], flags: ReplayFlags) => {
      const { runReplay } = await import("./dlq/replay.ts");
      process.exitCode = await runReplay(ids, flags);
    });
}

function declareDiscard(dlq: Command): void {
  const command = dlq
    .command("discard")
    .summary("decide that dead letters stay dead")
    .description(
      "Records that dead letters are not to be replayed. They stay in the warehouse and can be replayed later by ID.",
    )
    .argument("[id...]", "dead letters; without any, all that the filters mean");
  withOutput(declareReview(command, "open"))
    .addHelpText(
      "after",
      `
Exit codes: 0 all are discarded, 1 they are not, 2 wrong usage, 130 interrupted.

Examples:
  $ indelible dlq discard 1f0c52aa --note "a test of ours"
  $ indelible dlq discard --reason ERR_EMPTY --since 7d --yes`,
    )
    .action(async (ids: string[], flags: ReviewFlags) => {
      const { runDiscard } = await import("./dlq/discard.ts");
      process.exitCode = await runDiscard(ids, flags);
    });
}

function withOutput(command: Command): Command {
  return command
    .option("--json", "print JSON, also on a terminal")
    .option("--data <folder>", "data folder of the running `indelible dev`", DEFAULT_DATA_FOLDER);
}
