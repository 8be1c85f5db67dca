import type { Query } from "@google-cloud/bigquery";
import { entryLines } from "@indelible/schemas/entry-lines.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { ingestedTables } from "@indelible/schemas/names.ts";
import { relationsWhere, viewRelations, type Relations } from "@indelible/schemas/relations.ts";
import { tables, type TableName } from "@indelible/schemas/tables.ts";
import type { Patience } from "../retry.ts";
import { rowsOf, type PlainRow, type Warehouse } from "../warehouse.ts";
import { entitiesOf, microsOf, type Entity } from "./fold.ts";
import { itemsOf, type TimelineItem } from "./items.ts";
import { totalsOf, type Totals } from "./totals.ts";

export interface Timeline {
  readonly conversation_id: string;
  readonly business_id: string | null;
  readonly agent: string | null;
  /** The agent whose items alone are listed; null: everybody's are. */
  readonly only_agent: string | null;
  readonly items: readonly TimelineItem[];
  /** Of the whole conversation, whoever's items are listed. As in `costItemsQuery`: each token and each dollar once. */
  readonly totals: Totals;
  /** Other conversations of the agent at the same time: decisions may belong to those. */
  readonly overlapping: number;
  /** Tables of which not all entries were read: there are more than 20,000. */
  readonly cut: readonly TableName[];
  /** Numbers that are missing between the first and the last entry of the conversation. */
  readonly missing: readonly Missing[];
  /** Events that name the conversation and were refused; 20 at most. */
  readonly dead_letters: readonly PlainRow[];
}

export interface Missing {
  readonly publisher_id: string;
  readonly first_missing: number;
  readonly last_missing: number;
}

const partTables = ["conversations", "thinking_logs", "action_logs", "mcp_usage_logs", "escalation_logs"] as const;
const minPrefix = 4;
const maxCandidates = 20;
/** Entries of one table, the earliest ones. */
export const MAX_ENTRIES = 20_000;
/** Wider ranges of numbers are not looked at: the publisher does much else at the same time. */
const maxRange = 100_000;

export interface TimelineOptions {
  /** Only what this agent did. */
  readonly agent?: string;
  readonly patience?: Patience;
}

/**
 * Everything of one conversation, in order.
 *
 * @param prefix its ID, or the beginning of one that no other has
 * @throws ERR_NOT_FOUND, ERR_QUERY, ERR_DEADLINE
 */
export async function timelineOf(
  warehouse: Warehouse,
  prefix: string,
  options: TimelineOptions = {},
): Promise<Timeline> {
  const { bigquery, datasets } = warehouse;
  const views = viewRelations(bigquery.projectId, datasets);
  const { agent, patience } = options;
  const ask = (query: string, params: object, types: Query["types"] = {}): Promise<PlainRow[]> =>
    rowsOf(warehouse, { query, params: { ...params }, types }, patience);
  const cut = new Set<TableName>();
  const entries: HistoryReader = async (name, condition, params) => {
    const history = relationsWhere(bigquery.projectId, datasets, () => condition).history(name);
    const rows = await ask(
      `SELECT * EXCEPT (entry, entry_hash) FROM ${history} ORDER BY published_at, log_id LIMIT ${MAX_ENTRIES}`,
      params,
    );
    if (rows.length === MAX_ENTRIES) cut.add(name);
    return entitiesOf(name, rows);
  };
  const { id, found } = await findConversation(views, prefix, ask, entries);
  const chat = found.find(({ table }) => table === "conversations");
  const mine = chat ?? found[0];
  const business = textOf(mine?.latest["business_id"]);
  const by = textOf(mine?.latest["agent_position"] ?? mine?.latest["source_agent"]);
  const items = itemsOf(found);
  const times = items.map(({ happened_at }) => microsOf(happened_at) ?? 0);
  const from = microsOf(chat?.latest["started_at"]) ?? least(times);
  const to = microsOf(chat?.latest["ended_at"]) ?? -least(times.map((time) => -time));
  const [decisions, overlapping, missing, deadLetters] = await Promise.all([
    decisionsOf(views, { business, agent: by, from, to }, found, entries),
    overlapOf(warehouse, { id, business, agent: by, from, to }, ask),
    missingOf(views, found, ask),
    ask(
      `SELECT DISTINCT dead_letter_id, reason, reason_detail, source_table, source_log_id
FROM ${views.arrivals("dead_letters")}
WHERE STRPOS(data, @id) > 0 AND (part IS NULL OR part = 1) ORDER BY dead_letter_id LIMIT 20`,
      { id },
    ),
  ]);
  const all = itemsOf([...found, ...decisions]);
  return {
    conversation_id: id,
    business_id: business,
    agent: by,
    only_agent: agent ?? null,
    items: agent === undefined ? all : all.filter((item) => item.agent === agent),
    totals: totalsOf(found),
    overlapping,
    cut: [...cut],
    missing,
    dead_letters: deadLetters,
  };
}

/** Infinity when there is none. There may be more numbers than a call can have arguments. */
function least(numbers: readonly number[]): number {
  return numbers.reduce((one, other) => Math.min(one, other), Infinity);
}

/** Entities of all entries that meet a condition, at most `MAX_ENTRIES` of them. */
type HistoryReader = (name: TableName, condition: string, params: object) => Promise<Entity[]>;
type Ask = (query: string, params: object, types?: Query["types"]) => Promise<PlainRow[]>;

function conversationOf(name: TableName): string {
  return entryLines[name].conversation ?? "CAST(NULL AS STRING)";
}

interface Conversation {
  readonly id: string;
  /** Its parts; none where others have taken its entries since. */
  readonly found: readonly Entity[];
}

/** A whole ID is what people have copied: what begins with it is looked for only where there is no such conversation. */
async function findConversation(
  views: Relations,
  prefix: string,
  ask: Ask,
  entries: HistoryReader,
): Promise<Conversation> {
  if (prefix.length < minPrefix)
    throw absence(`${prefix} is too short`, `Give at least ${minPrefix} characters of the ID.`);
  const partsOf = async (id: string): Promise<Entity[]> =>
    (await Promise.all(partTables.map((name) => entitiesIn(views, name, id, entries)))).flat();
  const found = await partsOf(prefix);
  if (found.length > 0) return { id: prefix, found };
  const id = await wholeIdOf(views, prefix, ask);
  return { id, found: await partsOf(id) };
}

async function wholeIdOf(views: Relations, prefix: string, ask: Ask): Promise<string> {
  const branches = partTables.map(
    (name) =>
      `SELECT * FROM (SELECT DISTINCT ${conversationOf(name)} AS id FROM ${views.arrivals(name)}
WHERE STARTS_WITH(${conversationOf(name)}, @prefix) ORDER BY id LIMIT ${maxCandidates + 1})`,
  );
  const rows = await ask(
    `SELECT DISTINCT id FROM (\n${branches.join("\nUNION ALL\n")}\n) ORDER BY id LIMIT ${maxCandidates + 1}`,
    { prefix },
  );
  const ids = rows.map((row) => String(row["id"]));
  const [first, ...others] = ids;
  if (first === undefined) {
    throw absence(
      `no conversation begins with ${prefix}`,
      "Look at what came last: indelible tail --table conversations. An entry of any sort: indelible show ID.",
    );
  }
  // The whole ID comes first of all that begin with it.
  if (others.length === 0 || first === prefix) return first;
  throw absence(
    `${prefix} may be ${ids.slice(0, maxCandidates).join(", ")}${ids.length > maxCandidates ? ", and more" : ""}`,
    "Give more of the ID.",
  );
}

function absence(message: string, hint: string): IndelibleError {
  return new IndelibleError("ERR_NOT_FOUND", message, { hint });
}

/** Entities of a table that are part of the conversation, with all of their entries. */
async function entitiesIn(views: Relations, name: TableName, id: string, entries: HistoryReader): Promise<Entity[]> {
  const { entity } = tables[name];
  const column = conversationOf(name);
  const condition = `${entity} IN (SELECT ${entity} FROM ${views.arrivals(name)} WHERE ${column} = @id)`;
  const found = await entries(name, condition, { id });
  // Of a conflict, and of what has been corrected, some are another conversation's after all.
  return found.filter(({ latest }) => latest[column] === id);
}

interface Span {
  readonly business: string | null;
  readonly agent: string | null;
  /** Microseconds since 1970. */
  readonly from: number;
  readonly to: number;
}

/** Decisions of the agent in that time, but for those of publishers that have nothing to do with the conversation. */
async function decisionsOf(
  views: Relations,
  span: Span,
  found: readonly Entity[],
  entries: HistoryReader,
): Promise<Entity[]> {
  if (span.agent === null || !Number.isFinite(span.from)) return [];
  const condition =
    "business_id = @business AND agent_position = @agent AND decided_at >= TIMESTAMP_MICROS(@from) AND decided_at <= TIMESTAMP_MICROS(@to)";
  const entity = `decision_id IN (SELECT decision_id FROM ${views.arrivals("decision_logs")} WHERE ${condition})`;
  const decisions = await entries("decision_logs", entity, { ...span, business: span.business ?? "" });
  const publishers = new Set(found.flatMap(({ entries }) => entries.map((row) => row["publisher_id"])));
  return decisions.filter(({ latest, entries: [first] }) => {
    const at = microsOf(latest["decided_at"]) ?? 0;
    const publisher = first?.["publisher_id"] ?? null;
    const isOurs = publisher === null || publishers.has(publisher) || [...publishers].every((one) => one === null);
    return at >= span.from && at <= span.to && latest["agent_position"] === span.agent && isOurs;
  });
}

async function overlapOf(
  { bigquery: { projectId }, datasets }: Warehouse,
  span: Span & { readonly id: string },
  ask: Ask,
): Promise<number> {
  if (span.agent === null || !Number.isFinite(span.from)) return 0;
  const ofAgent = "business_id = @business AND agent_position = @agent AND conversation_id != @id";
  // One that has no end yet goes on.
  const atThatTime = (start: string, end: string): string =>
    `${start} <= TIMESTAMP_MICROS(@to) AND (${end} IS NULL OR ${end} >= TIMESTAMP_MICROS(@from))`;
  const candidates = `conversation_id IN (SELECT conversation_id FROM ${viewRelations(projectId, datasets).arrivals("conversations")}
WHERE ${ofAgent} GROUP BY conversation_id HAVING ${atThatTime("MIN(started_at)", "MAX(ended_at)")})`;
  const columns = ["business_id", "agent_position", "started_at", "ended_at"];
  const [row] = await ask(
    `SELECT COUNT(*) AS n FROM ${relationsWhere(projectId, datasets, () => candidates).entities("conversations", columns)}
WHERE ${ofAgent} AND ${atThatTime("started_at", "ended_at")}`,
    { ...span, business: span.business ?? "" },
  );
  return Number(row?.["n"] ?? 0);
}

/**
 * Numbers of the conversation's publishers that are in no table and no dead letter, between its first and its last. Dead letters, which are whole
 * messages and in parts, are looked into only for numbers that are in no table.
 */
async function missingOf(views: Relations, found: readonly Entity[], ask: Ask): Promise<Missing[]> {
  const numbers = new Map<string, number[]>();
  for (const row of found.flatMap(({ entries }) => entries)) {
    const { publisher_id: publisher, seq } = row;
    if (typeof publisher !== "string" || typeof seq !== "number") continue;
    numbers.set(publisher, [...(numbers.get(publisher) ?? []), seq]);
  }
  const missing: Missing[] = [];
  for (const [publisher, seqs] of [...numbers].slice(0, 5)) {
    const sorted = seqs.toSorted((a, b) => a - b);
    const [from, to] = [sorted[0] ?? 0, sorted.at(-1) ?? 0];
    if (to - from > maxRange || new Set(seqs).size === to - from + 1) continue;
    const selects = ingestedTables.map(
      (name) => `SELECT seq FROM ${views.arrivals(name)} WHERE publisher_id = @publisher AND seq BETWEEN @from AND @to`,
    );
    const rows = await ask(`SELECT DISTINCT seq FROM (\n${selects.join("\nUNION ALL\n")}\n)`, { publisher, from, to });
    const arrived = rows.map(({ seq }) => Number(seq));
    const absent = rangesWithout(arrived, from, to);
    const [first, last] = [absent[0], absent.at(-1)];
    if (first === undefined || last === undefined) continue;
    const others = await ask(
      "SELECT seq FROM sequence_numbers WHERE publisher_id = @publisher AND seq BETWEEN @from AND @to",
      { publisher, from: first[0], to: last[1] },
    );
    const all = [...arrived, ...others.map(({ seq }) => Number(seq))];
    for (const [first_missing, last_missing] of rangesWithout(all, from, to))
      missing.push({ publisher_id: publisher, first_missing, last_missing });
  }
  return missing;
}

/** The ranges of whole numbers from `from` to `to` that are not among `present`. */
function rangesWithout(present: readonly number[], from: number, to: number): [first: number, last: number][] {
  const ranges: [first: number, last: number][] = [];
  let next = from;
  for (const number of [...present.toSorted((a, b) => a - b), to + 1]) {
    if (number > next) ranges.push([next, number - 1]);
    next = number + 1;
  }
  return ranges;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
