import { IndelibleError } from "@indelible/schemas/errors.ts";
import { filterOf, type Filter, type FilterFlags } from "./filter.ts";
import { digitsOf, groupIdOf, HANDLE_FORM, jobIdOf } from "./handle.ts";
import type { JobRecord } from "./job.ts";
import { groupKey, states, type GroupKey, type Letter, type State } from "./letter.ts";
import { select, survey, type Surveyed } from "./survey.ts";
import type { DeadLetterReader } from "./warehouse.ts";

const minPrefixLength = 4;
const uuidLength = 36;
/** Digits of handles that are told apart in a message. */
const longDigits = 16;

/**
 * The full ID of a dead letter that `text` is the beginning of. A full one is not looked up.
 *
 * @throws ERR_NOT_FOUND when there is none or more than one
 */
export async function resolveId(reader: DeadLetterReader, text: string): Promise<string> {
  const prefix = text.toLowerCase();
  if (!/^[0-9a-f-]+$/.test(prefix) || prefix.length < minPrefixLength || prefix.length > uuidLength) {
    throw new IndelibleError("ERR_NOT_FOUND", `${JSON.stringify(text)} is no dead-letter ID`, {
      hint: `Give an ID of \`indelible dlq list --all\`, or its first ${minPrefixLength} characters or more; or a group of \`indelible dlq list\`, such as g-3fa91c2b.`,
    });
  }
  if (prefix.length === uuidLength) return prefix;
  const [first, second] = await reader.matching(prefix);
  if (first === undefined) {
    throw new IndelibleError("ERR_NOT_FOUND", `there is no dead letter ${text}`, {
      hint: "`indelible dlq list --all` lists the open ones, with --state the others.",
    });
  }
  if (second !== undefined) {
    throw new IndelibleError("ERR_NOT_FOUND", `several dead letters begin with ${text}`, {
      hint: `Give more of it: ${first} and ${second} are two of them.`,
    });
  }
  return first;
}

/** The group whose handle begins with `digits`. @throws ERR_NOT_FOUND when there is none or more than one */
export async function resolveGroup(reader: DeadLetterReader, digits: string): Promise<GroupKey> {
  const found = await reader.groupsMatching(digits);
  const [first] = found;
  if (first === undefined) {
    throw new IndelibleError("ERR_NOT_FOUND", `there is no group g-${digits}`, {
      hint: "`indelible dlq list` lists the groups of open dead letters, with --state those of others.",
    });
  }
  if (found.length > 1) {
    const named = found.map(
      (group) => `${groupIdOf(group, longDigits)} (${group.table ?? "no table"}, ${group.reason})`,
    );
    throw new IndelibleError("ERR_NOT_FOUND", `several groups begin with g-${digits}`, {
      hint: `Give more of it: ${named.join(", ")}.`,
    });
  }
  return first;
}

/** The run whose handle begins with `digits`. @throws ERR_NOT_FOUND when there is none or more than one */
export async function resolveJob(reader: DeadLetterReader, digits: string): Promise<JobRecord> {
  const [first, ...others] = await reader.jobs({ digits, limit: 10 });
  if (first === undefined) {
    throw new IndelibleError("ERR_NOT_FOUND", `there is no job j-${digits}`, {
      hint: "`indelible dlq jobs` lists them.",
    });
  }
  const another = others.find(({ publisherId }) => publisherId !== first.publisherId);
  if (another !== undefined) {
    const named = [first, another].map(({ publisherId }) => jobIdOf(publisherId, longDigits));
    throw new IndelibleError("ERR_NOT_FOUND", `several jobs begin with j-${digits}`, {
      hint: `Give more of it: ${named.join(" and ")} are two of them.`,
    });
  }
  return first;
}

/** What the options of a command mean. @throws ERR_NOT_FOUND of a group or job that is none */
export async function resolveFilter(reader: DeadLetterReader, flags: FilterFlags): Promise<Filter> {
  return {
    ...filterOf(flags),
    ...(flags.group !== undefined && { group: await resolveGroup(reader, flags.group) }),
    ...(flags.job !== undefined && { job: (await resolveJob(reader, flags.job)).publisherId }),
  };
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
  /** How many of those that filters and groups mean were not admitted. */
  readonly leftOut: number;
  /** Whether there may be more than the limit. */
  readonly cut: boolean;
}

/** What a command may act on. */
export interface Wanted {
  /** States of those that filters and groups mean. */
  readonly byFilter: readonly State[];
  /** Which of those. Default: all */
  readonly admits?: (surveyed: Surveyed) => boolean;
  /** States of those that are named by their own ID. */
  readonly byId: readonly State[];
  readonly limit: number;
}

/**
 * The letters that a command is to act on: those that IDs and handles of groups name, if there are any, otherwise those that the filter means.
 * What is named twice is chosen once.
 *
 * @throws ERR_NOT_FOUND of an ID or handle that names nothing, more than one, or what the filter leaves out
 */
export async function choose(
  reader: DeadLetterReader,
  names: readonly string[],
  filter: Filter,
  { byFilter, admits = () => true, byId, limit }: Wanted,
): Promise<Choice> {
  const groups = names.filter((name) => name.toLowerCase().startsWith("g-"));
  const ids = names.filter((name) => !groups.includes(name));
  const named = ids.length === 0 ? [] : await lettersNamed(reader, ids, filter);
  const chosen = new Map<string, Surveyed>();
  for (const one of named) if (byId.includes(one.status.state)) chosen.set(one.letter.id, one);
  const settled = named.filter(({ letter }) => !chosen.has(letter.id));
  const leftOut = new Set<string>();
  const isAdmitted = (one: Surveyed): boolean => {
    if (admits(one)) return true;
    leftOut.add(one.letter.id);
    return false;
  };
  let cut = false;
  const filters: Filter[] = names.length === 0 ? [filter] : [];
  for (const name of groups) {
    const group = await resolveGroupName(reader, name);
    if (filter.group !== undefined && groupKey(filter.group) !== groupKey(group)) {
      throw new IndelibleError("ERR_NOT_FOUND", `${name} and --group are two groups: nothing is in both`, {
        hint: "Leave --group out, and name each group that you mean.",
      });
    }
    filters.push({ ...filter, group });
  }
  for (const one of filters) {
    // One more than may be acted on tells whether that is all.
    const wanted = { filter: one, states: byFilter, admits: isAdmitted, limit: limit + 1, newestFirst: false };
    for (const surveyed of await select(reader, wanted)) {
      if (chosen.size < limit || chosen.has(surveyed.letter.id)) chosen.set(surveyed.letter.id, surveyed);
      else cut = true;
    }
  }
  for (const id of chosen.keys()) leftOut.delete(id);
  return { chosen: [...chosen.values()], settled, leftOut: leftOut.size, cut };
}

async function resolveGroupName(reader: DeadLetterReader, name: string): Promise<GroupKey> {
  const digits = digitsOf("g", name);
  if (digits !== undefined) return resolveGroup(reader, digits);
  throw new IndelibleError("ERR_NOT_FOUND", `${JSON.stringify(name)} is no group`, {
    hint: `Give a group of \`indelible dlq list\`, such as g-3fa91c2b, or g- and ${HANDLE_FORM}.`,
  });
}

async function lettersNamed(reader: DeadLetterReader, ids: readonly string[], filter: Filter): Promise<Surveyed[]> {
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
  return named;
}
