import { InvalidArgumentError, type Command } from "commander";
import { checkedText } from "../option-text.ts";
import { timeOf, timeOption } from "../time-range.ts";
import { states, type State } from "./letter.ts";

/** Which dead letters are meant. What is undefined restricts nothing. */
export interface Filter {
  readonly ids?: readonly string[];
  readonly reason?: string;
  readonly table?: string;
  readonly pattern?: string;
  /** Of messages that Pub/Sub took at this time or later, in microseconds since 1970. */
  readonly sinceMicros?: number;
}

export interface FilterFlags {
  readonly reason?: string;
  readonly table?: string;
  readonly pattern?: string;
  readonly since?: string;
  readonly state?: State;
}

/** Declares the options that say which dead letters are meant. */
export function declareFilter(command: Command, defaultState: string): Command {
  return command
    .option("--reason <code>", "only those with this reason, such as ERR_INVALID_EVENT")
    .option("--table <name>", "only those that were meant for this table")
    .option("--pattern <text>", "only those of this pattern, as `dlq list` prints it")
    .option(
      "--since <time>",
      "only those of messages published since then: 30m, 2h, 7d, or RFC 3339",
      checkedText(timeOption),
    )
    .option("--state <state>", `only those in this state: ${states.join(", ")} (default: ${defaultState})`, stateOf);
}

/** @throws ERR_CONFIG */
export function filterOf({ reason, table, pattern, since }: FilterFlags, nowMs: number): Filter {
  return {
    ...(reason !== undefined && { reason }),
    ...(table !== undefined && { table }),
    ...(pattern !== undefined && { pattern }),
    ...(since !== undefined && { sinceMicros: timeOf("--since", since, nowMs) }),
  };
}

function stateOf(text: string): State {
  const state = states.find((one) => one === text);
  if (state === undefined) throw new InvalidArgumentError(`One of: ${states.join(", ")}.`);
  return state;
}

/** A whole number from 1 on, for options. */
export function countOf(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("A whole number above 0.");
  return Number(text);
}
