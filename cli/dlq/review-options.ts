import type { Command } from "commander";
import { countOf, declareFilter, type FilterFlags } from "./filter.ts";

/** What commands that decide about dead letters have in common. */
export interface ReviewFlags extends FilterFlags {
  readonly note?: string;
  readonly reviewer?: string;
  readonly yes?: true;
  readonly dryRun?: true;
  readonly limit: number;
  readonly json?: true;
  readonly data: string;
}

const DEFAULT_LIMIT = 100_000;

export function declareReview(command: Command, defaultState: string): Command {
  return declareFilter(command, defaultState)
    .option("--note <text>", "why, for the review that is recorded")
    .option("--reviewer <name>", "who decides (default: user@host)")
    .option("--limit <count>", "at most so many, the oldest first", countOf, DEFAULT_LIMIT)
    .option("--dry-run", "show what would be done and do nothing")
    .option("--yes", "do not ask");
}
