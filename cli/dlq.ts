import type { Command } from "commander";
import type { ReplayFlags } from "./dlq/replay.ts";
import { countOf, declareFilter, jobOption, nameOption, namesOption } from "./dlq/filter.ts";
import type { JobsFlags } from "./dlq/jobs.ts";
import type { ListFlags } from "./dlq/list.ts";
import { declareReview, type ReviewFlags } from "./dlq/review-options.ts";
import type { SafetyNetFlags } from "./dlq/safety-net-run.ts";
import type { ShowFlags } from "./dlq/show.ts";
import { DEFAULT_DATA_FOLDER } from "./environment.ts";
import { secondsOption, timeOption } from "./time-range.ts";

/** `indelible dlq list|show|replay|discard|jobs|safety-net` */
export function declareDlq(program: Command): void {
  const dlq = program
    .command("dlq")
    .summary("look at what could not be accepted, replay it or discard it")
    .description(
      "Works on dead letters: what the log could not accept, byte for byte, with the reason. Nothing is ever deleted: each " +
        "decision is an entry of dead_letter_reviews, and the state of a dead letter derives from those. docs/dead-letters.md says more.",
    )
    .addHelpText(
      "after",
      `
From a dead letter to an accepted entry; each command prints the next one.

Examples:
  $ indelible dlq list
  $ indelible dlq show g-3fa91c2b
  $ indelible dlq replay g-3fa91c2b --edit '[{"op":"replace","path":"/confidence_level","value":1}]'`,
    );
  declareList(dlq);
  declareShow(dlq);
  declareReplay(dlq);
  declareDiscard(dlq);
  declareJobs(dlq);
  declareSafetyNet(dlq);
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
    .summary("everything of a group or of one dead letter")
    .description(
      "Prints a group: how many, what exactly, where from, what to do; or one dead letter: reason, source, bytes, what to do, its reviews and " +
        "what its replays left.",
    )
    .argument("<id>", "of a group, or of a dead letter, or a beginning that no other has", nameOption);
  withOutput(command)
    .addHelpText(
      "after",
      `
Exit codes: 0 found, 1 not there, refused or not reachable, 2 wrong usage.

Examples:
  $ indelible dlq show g-3fa91c2b
  $ indelible dlq show 1f0c52aa --json`,
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
    .argument("[id...]", "dead letters or groups; without any, all that the filters mean", namesOption)
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
  $ indelible dlq replay g-3fa91c2b --dry-run
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
    .argument("[id...]", "dead letters or groups; without any, all that the filters mean", namesOption);
  withOutput(declareReview(command, "open"))
    .addHelpText(
      "after",
      `
Exit codes: 0 all are discarded, 1 they are not, 2 wrong usage, 130 interrupted.

Examples:
  $ indelible dlq discard g-3fa91c2b --dry-run
  $ indelible dlq discard 1f0c52aa --note "a test of ours"
  $ indelible dlq discard --reason ERR_EMPTY --since 7d --yes`,
    )
    .action(async (ids: string[], flags: ReviewFlags) => {
      const { runDiscard } = await import("./dlq/discard.ts");
      process.exitCode = await runDiscard(ids, flags);
    });
}

function declareJobs(dlq: Command): void {
  const command = dlq
    .command("jobs")
    .summary("what replays and discards have done")
    .description(
      "Lists the runs of `replay` and `discard`, the newest first, and what has become of their dead letters until now; or one run, with what of it " +
        "failed again.",
    )
    .argument("[id]", "of a run, or a beginning that no other has", jobOption)
    .option("--since <time>", "only runs since then: 30m, 2h, 7d, or RFC 3339", timeOption)
    .option("--limit <count>", "at most so many", countOf, 20);
  withOutput(command)
    .addHelpText(
      "after",
      `
Exit codes: 0 listed, 1 not there, refused or not reachable, 2 wrong usage.

Examples:
  $ indelible dlq jobs --since 1d
  $ indelible dlq jobs j-3fa91c2b`,
    )
    .action(async (digits: string | undefined, flags: JobsFlags) => {
      const { runJobs } = await import("./dlq/jobs.ts");
      await runJobs(digits, flags);
    });
}

function declareSafetyNet(dlq: Command): void {
  const command = dlq
    .command("safety-net")
    .summary("what could not even be written as a dead letter")
    .description(
      "Holds the messages of the safety-net subscription, which keeps all dead letters for 31 days, against the rows of dead_letters. Nothing is " +
        "acknowledged: they stay there. They count as all when Pub/Sub has said twice, each time after 1.5 s, that it has no others.",
    )
    .option("--restore", "publish those without a row to the dead-letter topic again, under the same IDs")
    .option("--limit <count>", "look at so many messages at most", countOf, 10_000)
    .option("--dry-run", "with --restore: show what would be done and do nothing")
    .option("--yes", "do not ask");
  withOutput(command)
    .addHelpText(
      "after",
      `
Exit codes: 0 each has a row or was published again, 1 some have none, or nobody knows as the subscription did not answer, 2 wrong usage,
130 interrupted.

Examples:
  $ indelible dlq safety-net
  $ indelible dlq safety-net --restore --yes`,
    )
    .action(async (flags: SafetyNetFlags) => {
      const { runSafetyNet } = await import("./dlq/safety-net-run.ts");
      process.exitCode = await runSafetyNet(flags);
    });
}

function withOutput(command: Command): Command {
  return command
    .option("--json", "print JSON, also on a terminal")
    .option("--data <folder>", "data folder of the running `indelible dev`", DEFAULT_DATA_FOLDER);
}
