import { IndelibleError } from "@indelible/schemas/errors.ts";
import { parseTimestamp } from "@indelible/schemas/timestamp.ts";
import { InvalidArgumentError, type Command } from "commander";
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
    .option("--since <time>", "only those of messages published since then: 30m, 2h, 7d, or RFC 3339")
    .option("--state <state>", `only those in this state: ${states.join(", ")} (default: ${defaultState})`, stateOf);
}

/** @throws ERR_CONFIG */
export function filterOf({ reason, table, pattern, since }: FilterFlags, nowMs: number): Filter {
  return {
    ...(reason !== undefined && { reason }),
    ...(table !== undefined && { table }),
    ...(pattern !== undefined && { pattern }),
    ...(since !== undefined && { sinceMicros: microsOf(since, nowMs) }),
  };
}

const unitMs: { readonly [unit: string]: number } = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function microsOf(text: string, nowMs: number): number {
  const [, amount, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const micros =
    amount === undefined ? parseTimestamp(text) : (nowMs - Number(amount) * (unitMs[unit] as number)) * 1000;
  if (micros !== undefined) return micros;
  throw new IndelibleError("ERR_CONFIG", `--since ${text} is neither a duration nor a timestamp`, {
    hint: "Give 30m, 2h or 7d, or RFC 3339 with an offset, such as 2026-01-31T09:30:00Z.",
  });
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
