import { IndelibleError } from "@indelible/schemas/errors.ts";
import { isObject } from "../json.ts";
import { adviceOf, type Advice } from "./advice.ts";
import { eventTexts, type Content } from "./content.ts";
import { groupIdOf } from "./handle.ts";
import type { GroupCounts, GroupKey, Letter } from "./letter.ts";
import { chunksBySize } from "./survey.ts";
import type { DeadLetterReader } from "./warehouse.ts";

/** Where dead letters come from, as far as they say so. */
export interface Source {
  readonly business: string | undefined;
  readonly agent: string | undefined;
  readonly publisher: string | undefined;
  readonly count: number;
}

/** Everything that is known of a group. */
export interface GroupReport extends GroupKey, GroupCounts {
  readonly id: string;
  /** How many were looked into for what follows: the newest ones, open ones if there are any. */
  readonly sampled: number;
  /** The most frequent first. */
  readonly details: readonly { readonly detail: string; readonly count: number }[];
  readonly sources: readonly Source[];
  /** IDs of the newest ones. */
  readonly examples: readonly string[];
  readonly advice: Advice;
}

const maxSampled = 100;
const maxExamples = 3;

/** Reads a group: numbers of all of it, details and sources of the newest 100 at most, or of as many as have 16 MiB. */
export async function readGroup(reader: DeadLetterReader, key: GroupKey): Promise<GroupReport> {
  const filter = { group: key };
  const counts = await reader.counts(key);
  if (counts === undefined) throw new IndelibleError("ERR_NOT_FOUND", `there is nothing in group ${groupIdOf(key)}`);
  const decisions = counts.open === 0 ? (["replay", "discard"] as const) : [undefined];
  const newest = await reader.letters(filter, { decisions, newestFirst: true, limit: maxSampled });
  const [sample = []] = chunksBySize(newest, maxSampled);
  const contents = await reader.contents(sample);
  const details = tally(sample.map(({ detail }) => detail)).map(([detail, count]) => ({ detail, count }));
  const id = groupIdOf(key);
  return {
    ...key,
    id,
    ...counts,
    sampled: sample.length,
    details,
    sources: sourcesOf(sample, contents),
    examples: newest.slice(0, maxExamples).map((letter) => letter.id),
    advice: adviceOf(key, details[0]?.detail ?? "", id),
  };
}

function sourcesOf(letters: readonly Letter[], contents: ReadonlyMap<string, Content>): Source[] {
  const sources = letters.map((letter) => JSON.stringify(sourceOf(letter, contents.get(letter.id))));
  return tally(sources).map(([source, count]) => ({ ...(JSON.parse(source) as Source), count }));
}

/** Of a whole message, its first event's. */
function sourceOf(letter: Letter, content: Content | undefined): Omit<Source, "count"> {
  const [text = ""] = content === undefined ? [] : (eventTexts(letter, content) ?? []);
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch {
    // It says nothing of where it comes from.
  }
  const of = (name: string): string | undefined => {
    const value = isObject(event) ? event[name] : undefined;
    return typeof value === "string" ? value : undefined;
  };
  return { business: of("business_id"), agent: of("agent_position"), publisher: of("publisher_id") };
}

/** How often each text is there, the most frequent first. */
function tally(texts: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a);
}
