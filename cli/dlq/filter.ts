import { InvalidArgumentError, type Command } from "commander";
import { timeOption } from "../time-range.ts";
import { digitsOf, HANDLE_FORM } from "./handle.ts";
import { states, type GroupKey, type State } from "./letter.ts";

/** Which dead letters are meant. What is undefined restricts nothing. */
export interface Filter {
  readonly ids?: readonly string[];
  readonly group?: GroupKey;
  /** `publisher_id` of a run: only those that it decided about, also when they were decided about again. */
  readonly job?: string;
  readonly reason?: string;
  readonly table?: string;
  readonly pattern?: string;
  /** Of messages that Pub/Sub took at this time or later, in microseconds since 1970. */
  readonly sinceMicros?: number;
}

export interface FilterFlags {
  /** Hex digits that the group's handle begins with. */
  readonly group?: string;
  /** The same of a job. */
  readonly job?: string;
  readonly reason?: string;
  readonly table?: string;
  readonly pattern?: string;
  /** Microseconds since 1970. */
  readonly since?: number;
  readonly state?: State;
}

/** Declares the options that say which dead letters are meant. */
export function declareFilter(command: Command, defaultState: string): Command {
  return command
    .option("--group <id>", "only those of this group, such as g-3fa91c2b, as `dlq list` prints it", groupOption)
    .option(
      "--job <id>",
      "only those that this job decided about, such as j-3fa91c2b, as `dlq jobs` prints it",
      jobOption,
    )
    .option("--reason <code>", "only those with this reason, such as ERR_INVALID_EVENT")
    .option("--table <name>", "only those that were meant for this table")
    .option("--pattern <text>", "only those of this pattern, as `dlq list` prints it")
    .option("--since <time>", "only those of messages published since then: 30m, 2h, 7d, or RFC 3339", timeOption)
    .option("--state <state>", `only those in this state: ${states.join(", ")} (default: ${defaultState})`, stateOf);
}

/** What the options mean, but for `--group` and `--job`, which the log must be asked about: see `resolveFilter`. */
export function filterOf({ reason, table, pattern, since }: FilterFlags): Filter {
  return {
    ...(reason !== undefined && { reason }),
    ...(table !== undefined && { table }),
    ...(pattern !== undefined && { pattern }),
    ...(since !== undefined && { sinceMicros: since }),
  };
}

function groupOption(text: string): string {
  const digits = digitsOf("g", text);
  if (digits === undefined)
    throw new InvalidArgumentError(`A group of \`indelible dlq list\`, or g- and ${HANDLE_FORM}.`);
  return digits;
}

/** The digits of a job's handle, for options and arguments. @throws InvalidArgumentError */
export function jobOption(text: string): string {
  const digits = digitsOf("j", text);
  if (digits === undefined)
    throw new InvalidArgumentError(`A job of \`indelible dlq jobs\`, or j- and ${HANDLE_FORM}.`);
  return digits;
}

/** An ID of a dead letter or a group, or its beginning, for arguments. @throws InvalidArgumentError */
export function nameOption(text: string): string {
  if (digitsOf("g", text) !== undefined || /^[0-9a-f][0-9a-f-]{3,35}$/i.test(text)) return text;
  throw new InvalidArgumentError(
    "A group of `indelible dlq list`, such as g-3fa91c2b, or a dead letter of `indelible dlq list --all`, or its first 4 characters or more.",
  );
}

/** The same for several. */
export function namesOption(text: string, others: readonly string[] | undefined): string[] {
  return [...(others ?? []), nameOption(text)];
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
