import { jsonText } from "../terminal/json-text.ts";
import { counted } from "../terminal/table.ts";
import { resolveFilter } from "./choice.ts";
import { atDesk, LOOK_STALL_MS } from "./desk.ts";
import type { Filter, FilterFlags } from "./filter.ts";
import { groupIdOf } from "./handle.ts";
import { groupsOf, type Group, type State } from "./letter.ts";
import { groupsText, lettersText } from "./list-text.ts";
import { commandText, nextText } from "./next.ts";
import { shortIdLength } from "./show-text.ts";
import { select } from "./survey.ts";
import type { DeadLetterReader } from "./warehouse.ts";

export interface ListFlags extends FilterFlags {
  readonly all?: true;
  readonly limit: number;
  readonly json?: true;
  readonly data: string;
}

/** Most letters that are looked through for groups of states that the warehouse cannot tell by itself. */
const maxSurveyed = 100_000;

/** Prints groups of dead letters, or single ones. */
export async function runList(flags: ListFlags): Promise<void> {
  await atDesk(flags.data, { deadlineMs: LOOK_STALL_MS }, async ({ reader }) => {
    const state = flags.state ?? "open";
    const filter = await resolveFilter(reader, flags);
    const { rows, text, summary, first } =
      flags.all === true
        ? await singleOnes(reader, filter, state, flags.limit)
        : await inGroups(reader, filter, state, flags.limit);
    if (!process.stdout.isTTY || flags.json === true) {
      process.stdout.write(jsonText(rows));
    } else if (first === undefined) {
      process.stdout.write(`No ${state} dead letters${Object.keys(filter).length > 0 ? " of this kind" : ""}.\n`);
    } else {
      const next = nextText(commandText(["show", first], flags.data));
      process.stdout.write(`${text(process.stdout.columns)}${summary}\n${next}`);
    }
  });
}

interface Listing {
  readonly rows: readonly object[];
  readonly text: (width: number | undefined) => string;
  readonly summary: string;
  /** What to show of it. */
  readonly first: string | undefined;
}

async function singleOnes(reader: DeadLetterReader, filter: Filter, state: State, limit: number): Promise<Listing> {
  const letters = await select(reader, { filter, states: [state], limit, newestFirst: true });
  const cut = letters.length === limit ? ", the newest; --limit allows more" : "";
  return {
    rows: letters.map(({ letter, status }) => ({
      ...letter,
      group: groupIdOf(letter),
      state: status.state,
      failures: status.failures,
    })),
    text: (width) => lettersText(letters, width),
    summary: `${counted(letters.length, `${state} dead letter`)}${cut}`,
    first: letters[0]?.letter.id.slice(0, shortIdLength),
  };
}

async function inGroups(reader: DeadLetterReader, filter: Filter, state: State, limit: number): Promise<Listing> {
  const groups = await groupsIn(reader, filter, state, limit);
  const total = groups.reduce((sum, { count }) => sum + count, 0);
  const cut = groups.length === limit ? ", the largest; --limit allows more" : "";
  const [first] = groups;
  return {
    rows: groups.map((group) => ({ id: groupIdOf(group), ...group })),
    text: (width) => groupsText(groups, state, width),
    summary: `${counted(total, `${state} dead letter`)} in ${counted(groups.length, "group")}${cut}`,
    first: first === undefined ? undefined : groupIdOf(first),
  };
}

/** Groups of letters in this state, the largest first, at most `limit`. Of some states, those of the newest 100,000 letters. */
export async function groupsIn(
  reader: DeadLetterReader,
  filter: Filter,
  state: State,
  limit: number,
): Promise<Group[]> {
  if (state === "open") return reader.groups(filter, undefined, limit);
  if (state === "discarded") return reader.groups(filter, "discard", limit);
  const letters = await select(reader, { filter, states: [state], limit: maxSurveyed, newestFirst: true });
  return groupsOf(letters.map(({ letter }) => letter)).slice(0, limit);
}
