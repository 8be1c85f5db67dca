import { jsonText } from "../terminal/json-text.ts";
import { counted } from "../terminal/table.ts";
import { atDesk, LOOK_STALL_MS } from "./desk.ts";
import { filterOf, type FilterFlags } from "./filter.ts";
import { groupsOf, type Group } from "./letter.ts";
import { select } from "./survey.ts";
import { groupsText, lettersText } from "./text.ts";
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
    const asTable = process.stdout.isTTY && flags.json !== true;
    const filter = filterOf(flags);
    const width = process.stdout.columns;
    if (flags.all === true) {
      const letters = await select(reader, { filter, states: [state], limit: flags.limit, newestFirst: true });
      const rows = letters.map(({ letter, status }) => ({ ...letter, state: status.state, failures: status.failures }));
      print(asTable, rows, () => lettersText(letters, width), counted(letters.length, `${state} dead letter`));
    } else {
      const groups = await groupsIn(reader, flags, state);
      const total = groups.reduce((sum, { count }) => sum + count, 0);
      const summary = `${counted(total, `${state} dead letter`)} in ${counted(groups.length, "group")}`;
      print(asTable, groups, () => groupsText(groups, state, width), summary);
    }
    function print(table: boolean, rows: readonly object[], text: () => string, summary: string): void {
      if (!table) process.stdout.write(jsonText(rows));
      else if (rows.length > 0) process.stdout.write(`${text()}${summary}\n`);
      else process.stdout.write(`No ${state} dead letters${Object.keys(filter).length > 0 ? " of this kind" : ""}.\n`);
    }
  });
}

async function groupsIn(
  reader: DeadLetterReader,
  flags: ListFlags,
  state: NonNullable<ListFlags["state"]>,
): Promise<Group[]> {
  const filter = filterOf(flags);
  if (state === "open") return reader.groups(filter, undefined, flags.limit);
  if (state === "discarded") return reader.groups(filter, "discard", flags.limit);
  const letters = await select(reader, { filter, states: [state], limit: maxSurveyed, newestFirst: true });
  return groupsOf(letters.map(({ letter }) => letter)).slice(0, flags.limit);
}
