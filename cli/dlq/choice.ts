import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { Filter } from "./filter.ts";
import { states, type Letter, type State } from "./letter.ts";
import { select, survey, type Surveyed } from "./survey.ts";
import type { DeadLetterReader } from "./warehouse.ts";

const minPrefixLength = 4;
const uuidLength = 36;

/**
 * The full ID of a dead letter that `text` is the beginning of. A full one is not looked up.
 *
 * @throws ERR_NOT_FOUND when there is none or more than one
 */
export async function resolveId(reader: DeadLetterReader, text: string): Promise<string> {
  const prefix = text.toLowerCase();
  if (!/^[0-9a-f-]+$/.test(prefix) || prefix.length < minPrefixLength || prefix.length > uuidLength) {
    throw new IndelibleError("ERR_NOT_FOUND", `${JSON.stringify(text)} is no dead-letter ID`, {
      hint: `Give an ID of \`indelible dlq list --all\`, or its first ${minPrefixLength} characters or more.`,
    });
  }
  if (prefix.length === uuidLength) return prefix;
  const [first, second] = await reader.matching(prefix);
  if (first === undefined) throw new IndelibleError("ERR_NOT_FOUND", `there is no dead letter ${text}`);
  if (second !== undefined) throw new IndelibleError("ERR_NOT_FOUND", `several dead letters begin with ${text}`);
  return first;
}

export async function readLetter(reader: DeadLetterReader, text: string): Promise<Surveyed> {
  const filter = { ids: [await resolveId(reader, text)] };
  const decisions = [undefined, "replay", "discard"] as const;
  const letters: Letter[] = await reader.letters(filter, { decisions, newestFirst: false, limit: 1 });
  const [surveyed] = await survey(letters, reader);
  if (surveyed === undefined) throw new IndelibleError("ERR_NOT_FOUND", `there is no dead letter ${text}`);
  return surveyed;
}

export interface Choice {
  readonly chosen: readonly Surveyed[];
  /** Named by ID though there is nothing to do about them. */
  readonly settled: readonly Surveyed[];
  /** Whether there may be more than the limit. */
  readonly cut: boolean;
}

/** The letters that a command is to act on: those that the filter means, and that IDs name, if there are any. */
export async function choose(
  reader: DeadLetterReader,
  ids: readonly string[],
  filter: Filter,
  wanted: { readonly byFilter: readonly State[]; readonly byId: readonly State[]; readonly limit: number },
): Promise<Choice> {
  const { byFilter, byId, limit } = wanted;
  if (ids.length === 0) {
    const chosen = await select(reader, { filter, states: byFilter, limit, newestFirst: false });
    return { chosen, settled: [], cut: chosen.length === limit };
  }
  const full = new Set<string>();
  for (const id of ids) full.add(await resolveId(reader, id));
  const named = await select(reader, {
    filter: { ...filter, ids: [...full] },
    states,
    limit: full.size,
    newestFirst: false,
  });
  const found = new Set(named.map(({ letter }) => letter.id));
  const missing = [...full].filter((id) => !found.has(id));
  if (missing.length > 0) {
    const others = Object.keys(filter).length > 0 ? " that the other options mean" : "";
    throw new IndelibleError("ERR_NOT_FOUND", `there is no dead letter ${missing.join(", ")}${others}`);
  }
  const chosen = named.filter(({ status }) => byId.includes(status.state));
  return { chosen, settled: named.filter((one) => !chosen.includes(one)), cut: false };
}
