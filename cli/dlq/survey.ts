import { ingestedTables } from "@indelible/schemas/names.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { eventTexts } from "./content.ts";
import { logIdsOf } from "./edit.ts";
import type { Filter } from "./filter.ts";
import { statusOf, type Decision, type Failure, type Letter, type State, type Status } from "./letter.ts";
import type { DeadLetterReader } from "./warehouse.ts";

/** Letters whose data may be in memory at once; a single one may be larger. */
const maxContentBytes = 16 * 1024 * 1024;
const maxContentLetters = 5000;
const maxLettersPerPage = 10_000;
const minLettersPerPage = 100;

/** A letter and what became of it. */
export interface Surveyed {
  readonly letter: Letter;
  readonly status: Status;
}

/** Whether it is known where a letter could be replayed to. */
export function isReplayable({ table }: Pick<Letter, "table">): boolean {
  return ingestedTables.some((name) => name === table);
}

/** Finds out the states of letters: from their reviews, the history of their tables and the dead letters that their replays left. */
export async function survey(letters: readonly Letter[], reader: DeadLetterReader): Promise<Surveyed[]> {
  const replays = letters.filter(({ decision }) => decision?.kind === "replay");
  const arrived = await arrivedOf(replays, reader);
  // Of those that have arrived too: some events of a whole message may have failed.
  const failures = Map.groupBy(
    replays.length === 0 ? [] : await reader.failures(replays.map(({ id }) => id)),
    ({ replayOf }: Failure) => replayOf,
  );
  return letters.map((letter) => ({
    letter,
    status: statusOf(letter, arrived.has(letter.id), failures.get(letter.id) ?? []),
  }));
}

/** IDs of the letters all of whose events are entries. */
async function arrivedOf(replays: readonly Letter[], reader: DeadLetterReader): Promise<Set<string>> {
  const expected = new Map<Letter, readonly string[]>();
  for (const letter of replays) if (letter.logId !== undefined) expected.set(letter, [letter.logId]);
  const whole = replays.filter((letter) => letter.logId === undefined && isReplayable(letter));
  for (const chunk of chunksBySize(whole, maxContentLetters)) {
    const contents = await reader.contents(chunk);
    for (const letter of chunk) {
      const content = contents.get(letter.id);
      const texts = content === undefined ? undefined : eventTexts(letter, content);
      if (texts !== undefined) expected.set(letter, logIdsOf(texts, letter));
    }
  }
  const present = new Map<string, ReadonlySet<string>>();
  for (const [table, ofTable] of Map.groupBy(expected, ([letter]) => letter.table)) {
    if (table === undefined || !isReplayable({ table })) continue;
    const ids = [...new Set(ofTable.flatMap(([, logIds]) => logIds))];
    present.set(table, await reader.present(table as TableName, ids));
  }
  const arrived = [...expected].filter(([{ table }, logIds]) =>
    logIds.every((logId) => present.get(table ?? "")?.has(logId)),
  );
  return new Set(arrived.map(([{ id }]) => id));
}

/** Letters in parts whose data fits into memory. */
export function* chunksBySize(letters: Iterable<Letter>, maxLetters: number): Generator<Letter[]> {
  let chunk: Letter[] = [];
  let bytes = 0;
  for (const letter of letters) {
    const size = letter.bytes * letter.parts;
    if (chunk.length === maxLetters || (chunk.length > 0 && bytes + size > maxContentBytes)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(letter);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}

export interface Selection {
  readonly filter: Filter;
  readonly states: readonly State[];
  /** Of those in these states. Default: all */
  readonly admits?: (surveyed: Surveyed) => boolean;
  readonly limit: number;
  readonly newestFirst: boolean;
}

/** The letters that are meant, in the order of their messages, at most `limit`. */
export async function select(reader: DeadLetterReader, selection: Selection): Promise<Surveyed[]> {
  const { filter, states, admits = () => true, limit, newestFirst } = selection;
  const decisions = decisionsOf(states);
  const perPage = Math.min(maxLettersPerPage, Math.max(minLettersPerPage, limit));
  const selected: Surveyed[] = [];
  for (let after: Letter | undefined; ;) {
    const page = await reader.letters(filter, { decisions, after, newestFirst, limit: perPage });
    const wanted = (await survey(page, reader)).filter((one) => states.includes(one.status.state) && admits(one));
    selected.push(...wanted.slice(0, limit - selected.length));
    after = page.at(-1);
    if (page.length < perPage || after === undefined || selected.length >= limit) return selected;
  }
}

function decisionsOf(states: readonly State[]): (Decision["kind"] | undefined)[] {
  const decisions = new Set<Decision["kind"] | undefined>();
  for (const state of states)
    decisions.add(state === "open" ? undefined : state === "discarded" ? "discard" : "replay");
  return [...decisions];
}
