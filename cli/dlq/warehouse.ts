import type { BigQuery } from "@google-cloud/bigquery";
import type { TableName } from "@indelible/schemas/tables.ts";
import { parts, Warehouse } from "../delivery/warehouse.ts";
import type { Patience } from "../retry.ts";
import { rowsOf, type PlainRow } from "../warehouse.ts";
import { joinParts, type Content, type Part } from "./content.ts";
import type { Filter } from "./filter.ts";
import type { Decision, Failure, Group, Letter } from "./letter.ts";

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
export type Newcomers = Pick<Group, "table" | "reason" | "pattern" | "count">;

export interface PageOptions {
  /** Only letters whose latest review is one of these; undefined: those without one. */
  readonly decisions: readonly (Decision["kind"] | undefined)[];
  /** The last one of the page before. */
  readonly after?: Letter | undefined;
  readonly newestFirst: boolean;
  readonly limit: number;
}

/** What is asked about dead letters; tests answer it themselves. */
export interface DeadLetterReader {
  /** Groups of letters whose latest review is `decision`, the largest first. */
  groups(filter: Filter, decision: "discard" | undefined, limit: number): Promise<Group[]>;
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

type Parameters = { readonly [name: string]: unknown };

/** Reads the views. Every question is asked again while the warehouse is away. Throws what `retry` throws, and ERR_QUERY. */
export class DeadLetterWarehouse implements DeadLetterReader {
  readonly #bigquery: BigQuery;
  readonly #patience: Patience;
  readonly #entries: Warehouse;

  constructor(bigquery: BigQuery, patience: Patience) {
    this.#bigquery = bigquery;
    this.#patience = patience;
    this.#entries = new Warehouse(bigquery, patience);
  }

  async groups(filter: Filter, decision: "discard" | undefined, limit: number): Promise<Group[]> {
    const { conditions, params } = conditionsOf(filter);
    const counted = decision === undefined ? "decision IS NULL" : "decision = 'discard'";
    const rows = await this.#rows(
      `${this.#lettersWith(conditions)}
SELECT source_table, reason, pattern, COUNTIF(${counted}) AS letter_count, COUNTIF(decision IS NULL) AS open_count,
  MIN(IF(${counted}, source_published_at, NULL)) AS first_seen, MAX(IF(${counted}, source_published_at, NULL)) AS last_seen,
  MIN(IF(${counted}, dead_letter_id, NULL)) AS example
FROM letters GROUP BY source_table, reason, pattern HAVING COUNTIF(${counted}) > 0
ORDER BY letter_count DESC, last_seen DESC LIMIT @limit`,
      { ...params, limit },
    );
    return rows.map((row) => ({
      table: text(row["source_table"]),
      reason: String(row["reason"]),
      pattern: String(row["pattern"]),
      count: Number(row["letter_count"]),
      open: Number(row["open_count"]),
      firstSeen: String(row["first_seen"]),
      lastSeen: String(row["last_seen"]),
      example: String(row["example"]),
    }));
  }

  async letters(filter: Filter, { decisions, after, newestFirst, limit }: PageOptions): Promise<Letter[]> {
    const { conditions, params } = conditionsOf(filter);
    const wanted = decisions.map((kind) => (kind === undefined ? "decision IS NULL" : `decision = '${kind}'`));
    const [beyond, order] = newestFirst ? ["<", "DESC"] : [">", "ASC"];
    const page =
      after === undefined
        ? ""
        : `AND (published_micros ${beyond} @micros OR published_micros = @micros AND dead_letter_id ${beyond} @after)`;
    const rows = await this.#rows(
      `${this.#lettersWith(conditions)}
SELECT * FROM letters WHERE (${wanted.join(" OR ")}) ${page}
ORDER BY published_micros ${order}, dead_letter_id ${order} LIMIT @limit`,
      { ...params, limit, ...(after !== undefined && { micros: after.publishedMicros, after: after.id }) },
    );
    return rows.map(letterOf);
  }

  async contents(letters: readonly Letter[]): Promise<Map<string, Content>> {
    const columns = `dead_letter_id, source_message_id, source_index, source_table, part, parts, source_attributes, data, data_base64, data_bytes,
  message_id FROM dead_letters_history`;
    const ids = letters.filter((letter) => letter.parts === 1).map(({ id }) => id);
    const messages = letters.filter((letter) => letter.parts > 1).map(({ messageId }) => messageId);
    const found: Part[] = [];
    if (ids.length > 0) {
      const query = `SELECT ${columns} WHERE dead_letter_id IN UNNEST(@ids)`;
      found.push(...((await this.#rows(query, { ids })) as unknown as Part[]));
    }
    if (messages.length > 0) {
      const query = `SELECT ${columns} WHERE part IS NOT NULL AND source_message_id IN UNNEST(@messages)`;
      found.push(...((await this.#rows(query, { messages: [...new Set(messages)] })) as unknown as Part[]));
    }
    return joinParts(letters, found);
  }

  present(table: TableName, logIds: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#entries.present(table, logIds);
  }

  async failures(letterIds: readonly string[]): Promise<Failure[]> {
    const failures: Failure[] = [];
    for (const ids of parts(letterIds, idsPerQuery)) {
      const rows = await this.#rows(
        `SELECT dead_letter_id, replay_of, reason, reason_detail, UNIX_MICROS(source_published_at) AS published_micros
FROM dead_letters_history WHERE replay_of IN UNNEST(@ids) AND (part IS NULL OR part = 1)`,
        { ids },
      );
      for (const row of rows) {
        failures.push({
          id: String(row["dead_letter_id"]),
          replayOf: String(row["replay_of"]),
          reason: String(row["reason"]),
          detail: text(row["reason_detail"]) ?? "",
          publishedMicros: Number(row["published_micros"]),
        });
      }
    }
    return failures;
  }

  async reviews(id: string): Promise<Review[]> {
    const rows = await this.#rows(
      `SELECT review_id, reviewed_at, reviewer, decision, patch, note FROM dead_letter_reviews_history
WHERE dead_letter_id = @id ORDER BY published_at, message_id LIMIT 100`,
      { id },
    );
    return rows as unknown as Review[];
  }

  async matching(prefix: string): Promise<string[]> {
    const rows = await this.#rows(
      `SELECT dead_letter_id FROM dead_letters_history
WHERE STARTS_WITH(dead_letter_id, @prefix) AND (part IS NULL OR part = 1) LIMIT 2`,
      { prefix },
    );
    return rows.map((row) => String(row["dead_letter_id"]));
  }

  async newestMicros(): Promise<number> {
    const query = `SELECT MAX(UNIX_MICROS(ingested_at)) AS newest FROM dead_letters_history`;
    const [row] = await this.#rows(query, {});
    return Number(row?.["newest"] ?? 0);
  }

  async since(micros: number): Promise<Newcomers[]> {
    const rows = await this.#rows(
      `SELECT source_table, reason, ${patternOf("")} AS pattern, COUNT(*) AS letter_count FROM dead_letters_history
WHERE UNIX_MICROS(ingested_at) > @micros AND replay_of IS NULL AND (part IS NULL OR part = 1)
GROUP BY source_table, reason, pattern LIMIT ${maxNewcomers}`,
      { micros },
    );
    return rows.map((row) => ({
      table: text(row["source_table"]),
      reason: String(row["reason"]),
      pattern: String(row["pattern"]),
      count: Number(row["letter_count"]),
    }));
  }

  /** Letters, one for all parts, with the latest review. */
  #lettersWith(conditions: string): string {
    return `WITH decisions AS (
  SELECT dead_letter_id AS decided_id, decision, patch, UNIX_MICROS(published_at) AS decided_micros
  FROM dead_letter_reviews_history WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY dead_letter_id ORDER BY published_at DESC, message_id DESC) = 1
), letters AS (
  SELECT letter.dead_letter_id, letter.reason, COALESCE(letter.reason_detail, '') AS detail, ${patternOf("letter.")} AS pattern,
    letter.source_table, letter.source_published_at, UNIX_MICROS(letter.source_published_at) AS published_micros,
    letter.source_message_id, letter.source_index, letter.origin_message_id, letter.origin_index, letter.replay_of, letter.source_log_id,
    COALESCE(letter.parts, 1) AS parts, letter.data_bytes, letter.message_id, decision, patch, decided_micros
  FROM dead_letters_history AS letter LEFT JOIN decisions ON decided_id = letter.dead_letter_id
  WHERE (letter.part IS NULL OR letter.part = 1)${conditions}
)`;
  }

  #rows(query: string, params: Parameters): Promise<PlainRow[]> {
    return rowsOf(this.#bigquery, { query, params }, this.#patience);
  }
}

/** Rows of version 1 have no pattern. Columns are qualified, because results have columns of the same names. */
function patternOf(prefix: string): string {
  return `COALESCE(${prefix}reason_pattern, ${prefix}reason_detail, '')`;
}

function conditionsOf({ ids, reason, table, pattern: wanted, sinceMicros }: Filter): {
  conditions: string;
  params: Parameters;
} {
  const params: Parameters = {
    ...(ids !== undefined && { ids }),
    ...(reason !== undefined && { reason }),
    ...(table !== undefined && { table }),
    ...(wanted !== undefined && { pattern: wanted }),
    ...(sinceMicros !== undefined && { since: sinceMicros }),
  };
  const texts: { readonly [name: string]: string } = {
    ids: "letter.dead_letter_id IN UNNEST(@ids)",
    reason: "letter.reason = @reason",
    table: "letter.source_table = @table",
    pattern: `${patternOf("letter.")} = @pattern`,
    since: "UNIX_MICROS(letter.source_published_at) >= @since",
  };
  return {
    conditions: Object.keys(params)
      .map((name) => ` AND ${texts[name]}`)
      .join(""),
    params,
  };
}

function letterOf(row: PlainRow): Letter {
  const decision = text(row["decision"]);
  return {
    id: String(row["dead_letter_id"]),
    reason: String(row["reason"]),
    detail: String(row["detail"]),
    pattern: String(row["pattern"]),
    table: text(row["source_table"]),
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
        ? { kind: decision, micros: Number(row["decided_micros"]), patch: row["patch"] ?? undefined }
        : undefined,
  };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
