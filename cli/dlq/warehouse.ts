import { relationsWhere } from "@indelible/schemas/relations.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { parts } from "../delivery/warehouse.ts";
import type { Patience } from "../retry.ts";
import { rowsOf, type PlainRow, type Warehouse } from "../warehouse.ts";
import { joinParts, type Content, type Part } from "./content.ts";
import type { Filter } from "./filter.ts";
import type { JobFilter, JobRecord } from "./job.ts";
import type { Decision, Failure, Group, GroupCounts, GroupKey, Letter } from "./letter.ts";
import {
  countsQuestion,
  groupsMatchingQuestion,
  groupsQuestion,
  jobsQuestion,
  lettersQuestion,
  patternOf,
  type PageOptions,
  type Question,
} from "./queries.ts";

/** A decision about one dead letter, as it is stored. */
export interface Review {
  readonly review_id: string;
  readonly reviewed_at: string;
  readonly reviewer: string;
  readonly decision: "replay" | "discard";
  readonly patch: unknown;
  readonly note: string | null;
}

/** How many letters of what kind came since. */
export type Newcomers = GroupKey & Pick<Group, "count">;

/** What is asked about dead letters; tests answer it themselves. */
export interface DeadLetterReader {
  /** Groups of letters whose latest review is `decision`, the largest first. */
  groups(filter: Filter, decision: Decision["kind"] | undefined, limit: number): Promise<Group[]>;
  /** How many of a group have been decided about, and how; undefined when there are none. */
  counts(group: GroupKey): Promise<GroupCounts | undefined>;
  /** Groups whose handle begins with these hex digits; at most ten. */
  groupsMatching(digits: string): Promise<GroupKey[]>;
  /** Runs of commands, the newest first. Reviews of programs that name no `publisher_id` are none. */
  jobs(filter: JobFilter): Promise<JobRecord[]>;
  /** A page of letters, by the time of their messages. */
  letters(filter: Filter, options: PageOptions): Promise<Letter[]>;
  /** Data and attributes, by ID, all parts together. The caller bounds their number and size. */
  contents(letters: readonly Letter[]): Promise<Map<string, Content>>;
  /** Which of `logIds` the history of `table` has. */
  present(table: TableName, logIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Dead letters that replays of these left, each once. */
  failures(ids: readonly string[]): Promise<Failure[]>;
  /** Decisions about one, the first one first. */
  reviews(id: string): Promise<Review[]>;
  /** IDs that begin with `prefix`; two at most. */
  matching(prefix: string): Promise<string[]>;
  /** When the newest dead letter was appended, in microseconds since 1970; 0 when there is none. */
  newestMicros(): Promise<number>;
  /** Dead letters appended after that, without failed replays, by group. */
  since(micros: number): Promise<Newcomers[]>;
}

const idsPerQuery = 5000;
const maxNewcomers = 1000;
const maxMatching = 10;

type Parameters = { readonly [name: string]: unknown };

/**
 * Reads the views. Every question is asked again while the warehouse is away. Of few dead letters the history is computed of those alone
 * (see schemas/relations.ts), of many see queries.ts. Throws what `retry` throws, and ERR_QUERY.
 */
export class DeadLetterWarehouse implements DeadLetterReader {
  readonly #warehouse: Warehouse;
  readonly #patience: Patience;

  constructor(warehouse: Warehouse, patience: Patience) {
    this.#warehouse = warehouse;
    this.#patience = patience;
  }

  async groups(filter: Filter, decision: Decision["kind"] | undefined, limit: number): Promise<Group[]> {
    const rows = await this.#answer(groupsQuestion(filter, decision, limit));
    return rows.map((row) => ({
      ...groupKeyOf(row),
      count: Number(row["letter_count"]),
      open: Number(row["open_count"]),
      firstSeen: String(row["first_seen"]),
      lastSeen: String(row["last_seen"]),
      example: String(row["example"]),
    }));
  }

  async counts(group: GroupKey): Promise<GroupCounts | undefined> {
    const [row] = await this.#answer(countsQuestion(group));
    if (row === undefined) return undefined;
    return {
      open: Number(row["open_count"]),
      replay: Number(row["replay_count"]),
      discarded: Number(row["discarded_count"]),
      firstSeen: String(row["first_seen"]),
      lastSeen: String(row["last_seen"]),
    };
  }

  async groupsMatching(digits: string): Promise<GroupKey[]> {
    return (await this.#answer(groupsMatchingQuestion(digits, maxMatching))).map(groupKeyOf);
  }

  async jobs(filter: JobFilter): Promise<JobRecord[]> {
    return (await this.#answer(jobsQuestion(filter))).map(jobOf);
  }

  async letters(filter: Filter, options: PageOptions): Promise<Letter[]> {
    return (await this.#answer(lettersQuestion(filter, options))).map(letterOf);
  }

  async contents(letters: readonly Letter[]): Promise<Map<string, Content>> {
    const ids = letters.filter((letter) => letter.parts === 1).map(({ id }) => id);
    const messages = letters.filter((letter) => letter.parts > 1).map(({ messageId }) => messageId);
    const found: Part[] = [];
    for (const [condition, params] of [
      ["dead_letter_id IN UNNEST(@ids)", { ids }],
      ["part IS NOT NULL AND source_message_id IN UNNEST(@messages)", { messages: [...new Set(messages)] }],
    ] as const) {
      if (Object.values(params).every(({ length }) => length === 0)) continue;
      const query = `SELECT dead_letter_id, source_message_id, source_index, source_table, part, parts, source_attributes, data, data_base64, data_bytes,
  message_id FROM ${this.#historyWhere("dead_letters", condition)} WHERE ${condition}`;
      found.push(...((await this.#rows(query, params)) as unknown as Part[]));
    }
    return joinParts(letters, found);
  }

  async present(table: TableName, logIds: readonly string[]): Promise<ReadonlySet<string>> {
    const present = new Set<string>();
    for (const ids of parts(logIds, idsPerQuery)) {
      const query = `SELECT DISTINCT log_id FROM ${table}_arrivals WHERE log_id IN UNNEST(@ids)`;
      for (const row of await this.#rows(query, { ids })) present.add(String(row["log_id"]));
    }
    return present;
  }

  async failures(letterIds: readonly string[]): Promise<Failure[]> {
    const failures: Failure[] = [];
    const condition = "replay_of IN UNNEST(@ids) AND (part IS NULL OR part = 1)";
    for (const ids of parts(letterIds, idsPerQuery)) {
      const rows = await this.#rows(
        `SELECT dead_letter_id, replay_of, source_table, reason, reason_detail, ${patternOf("letter.")} AS pattern,
  UNIX_MICROS(source_published_at) AS published_micros
FROM ${this.#historyWhere("dead_letters", condition)} AS letter WHERE ${condition}`,
        { ids },
      );
      for (const row of rows) {
        failures.push({
          ...groupKeyOf(row),
          id: String(row["dead_letter_id"]),
          replayOf: String(row["replay_of"]),
          detail: text(row["reason_detail"]) ?? "",
          publishedMicros: Number(row["published_micros"]),
        });
      }
    }
    return failures;
  }

  async reviews(id: string): Promise<Review[]> {
    const condition = "dead_letter_id = @id";
    const rows = await this.#rows(
      `SELECT review_id, reviewed_at, reviewer, decision, patch, note FROM ${this.#historyWhere("dead_letter_reviews", condition)}
WHERE ${condition} ORDER BY published_at, message_id LIMIT 100`,
      { id },
    );
    return rows as unknown as Review[];
  }

  async matching(prefix: string): Promise<string[]> {
    const rows = await this.#rows(
      `SELECT DISTINCT dead_letter_id FROM dead_letters_arrivals
WHERE STARTS_WITH(dead_letter_id, @prefix) AND (part IS NULL OR part = 1) LIMIT 2`,
      { prefix },
    );
    return rows.map((row) => String(row["dead_letter_id"]));
  }

  async newestMicros(): Promise<number> {
    const query = `SELECT MAX(UNIX_MICROS(ingested_at)) AS newest FROM dead_letters_arrivals`;
    const [row] = await this.#rows(query, {});
    return Number(row?.["newest"] ?? 0);
  }

  async since(micros: number): Promise<Newcomers[]> {
    const condition = "UNIX_MICROS(ingested_at) > @micros AND replay_of IS NULL AND (part IS NULL OR part = 1)";
    const rows = await this.#rows(
      `SELECT source_table, reason, ${patternOf("letter.")} AS pattern, COUNT(*) AS letter_count
FROM ${this.#historyWhere("dead_letters", condition)} AS letter
WHERE ${condition} GROUP BY source_table, reason, pattern LIMIT ${maxNewcomers}`,
      { micros },
    );
    return rows.map((row) => ({ ...groupKeyOf(row), count: Number(row["letter_count"]) }));
  }

  /** The rows of the history that meet a condition, and some more. */
  #historyWhere(table: TableName, condition: string): string {
    const { bigquery, datasets } = this.#warehouse;
    return relationsWhere(bigquery.projectId, datasets, () => condition).history(table);
  }

  #answer({ query, params }: Question): Promise<PlainRow[]> {
    return this.#rows(query, params);
  }

  #rows(query: string, params: Parameters): Promise<PlainRow[]> {
    return rowsOf(this.#warehouse, { query, params }, this.#patience);
  }
}

function groupKeyOf(row: PlainRow): GroupKey {
  return { table: text(row["source_table"]), reason: String(row["reason"]), pattern: String(row["pattern"]) };
}

function jobOf(row: PlainRow): JobRecord {
  return {
    publisherId: String(row["publisher_id"]),
    reviewer: String(row["reviewer"]),
    decision: row["decision"] === "discard" ? "discard" : "replay",
    startedAt: String(row["started_at"]),
    endedAt: String(row["ended_at"]),
    letters: Number(row["letter_count"]),
    note: text(row["note"]) ?? null,
    patch: text(row["patch"]) ?? null,
  };
}

function letterOf(row: PlainRow): Letter {
  const decision = text(row["decision"]);
  return {
    ...groupKeyOf(row),
    id: String(row["dead_letter_id"]),
    detail: String(row["detail"]),
    publishedAt: String(row["source_published_at"]),
    publishedMicros: Number(row["published_micros"]),
    messageId: String(row["source_message_id"]),
    index: number(row["source_index"]),
    originMessageId: text(row["origin_message_id"]),
    originIndex: number(row["origin_index"]),
    replayOf: text(row["replay_of"]),
    logId: text(row["source_log_id"]),
    parts: Number(row["parts"]),
    bytes: Number(row["data_bytes"]),
    deadLetterMessageId: String(row["message_id"]),
    decision:
      decision === "replay" || decision === "discard"
        ? {
            kind: decision,
            job: text(row["job"]),
            micros: Number(row["decided_micros"]),
            patch: row["patch"] ?? undefined,
          }
        : undefined,
  };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
