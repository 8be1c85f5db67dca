import type { Filter } from "./filter.ts";
import type { Decision, GroupKey, Letter } from "./letter.ts";
import type { JobFilter } from "./job.ts";

/*
 * The questions about many dead letters, in GoogleSQL. They read `dead_letters_arrivals`, a few columns of it, and make each dead letter one row by
 * themselves, as `dead_letters_history` does: through its window function all columns of all rows would go, the data too.
 */

export interface Question {
  readonly query: string;
  readonly params: { readonly [name: string]: unknown };
}

type DecisionKind = Decision["kind"] | undefined;

/** Rows of version 1 have no pattern. Columns are qualified, because results have columns of the same names. */
export function patternOf(prefix: string): string {
  return `COALESCE(${prefix}reason_pattern, ${prefix}reason_detail, '')`;
}

/** Of several copies of an entry the one that the history has. */
export const firstCopy = "ROW_NUMBER() OVER (PARTITION BY log_id ORDER BY published_at, message_id, ingested_at) = 1";

/**
 * The latest decision about each dead letter. Each review counts once, at the time of its first copy: one that was delivered again is not a newer one.
 *
 * @param columns more ones of the review
 */
function latestDecisions(columns: string): string {
  return `SELECT dead_letter_id AS decided_id, decision, UNIX_MICROS(published_at) AS decided_micros, publisher_id AS job${columns}
  FROM dead_letter_reviews_history WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY dead_letter_id ORDER BY published_at DESC, message_id DESC) = 1`;
}

/** Dead letters without any decision: those that `dead_letters_open` has. */
const undecided = "log_id NOT IN (SELECT dead_letter_id FROM dead_letter_reviews_arrivals)";

/** The first rows of dead letters that the filter means, each once, as `heads`. */
function headsOf(
  filter: Filter,
  columns: string,
  onlyOpen: boolean,
): { readonly heads: string; readonly params: Question["params"] } {
  const { conditions, params } = conditionsOf(filter);
  const found = [
    "(part IS NULL OR part = 1)",
    ...(onlyOpen ? [undecided] : []),
    // Whichever copy meets the conditions: the one that counts must do so too, below.
    ...(conditions.length === 0
      ? []
      : [`log_id IN (SELECT log_id FROM dead_letters_arrivals AS letter WHERE ${conditions.join(" AND ")})`]),
  ];
  const copies = `SELECT * FROM dead_letters_arrivals WHERE ${found.join(" AND ")} QUALIFY ${firstCopy}`;
  const met = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  return { heads: `heads AS (\n  SELECT ${columns} FROM (${copies}) AS letter${met}\n)`, params };
}

/** Groups of those whose latest decision is `decision`, the largest first. */
export function groupsQuestion(filter: Filter, decision: DecisionKind, limit: number): Question {
  const columns = `letter.log_id, letter.source_table, letter.reason, ${patternOf("letter.")} AS pattern, letter.source_published_at`;
  const { heads, params } = headsOf(filter, columns, decision === undefined);
  const counted = decision === undefined ? "TRUE" : "decision = @decision";
  const [decisions, joined] =
    decision === undefined
      ? ["", ""]
      : [`, decisions AS (\n  ${latestDecisions("")}\n)`, " LEFT JOIN decisions ON decided_id = log_id"];
  return {
    query: `WITH ${heads}${decisions}
SELECT source_table, reason, pattern, COUNTIF(${counted}) AS letter_count,
  ${decision === undefined ? "COUNT(*)" : "COUNTIF(decision IS NULL)"} AS open_count,
  MIN(IF(${counted}, source_published_at, NULL)) AS first_seen, MAX(IF(${counted}, source_published_at, NULL)) AS last_seen,
  MIN(IF(${counted}, log_id, NULL)) AS example
FROM heads${joined}
GROUP BY source_table, reason, pattern HAVING COUNTIF(${counted}) > 0
ORDER BY letter_count DESC, last_seen DESC LIMIT @limit`,
    params: { ...params, limit, ...(decision !== undefined && { decision }) },
  };
}

/** How many of a group have been decided about, and how. No row when there are none. */
export function countsQuestion(group: GroupKey): Question {
  const { heads, params } = headsOf({ group }, "letter.log_id, letter.source_published_at", false);
  return {
    query: `WITH ${heads}, decisions AS (
  ${latestDecisions("")}
)
SELECT COUNTIF(decision IS NULL) AS open_count, COUNTIF(decision = 'replay') AS replay_count, COUNTIF(decision = 'discard') AS discarded_count,
  MIN(source_published_at) AS first_seen, MAX(source_published_at) AS last_seen
FROM heads LEFT JOIN decisions ON decided_id = log_id HAVING COUNT(*) > 0`,
    params,
  };
}

export interface PageOptions {
  /** Only letters whose latest review is one of these; undefined: those without one. */
  readonly decisions: readonly DecisionKind[];
  /** The last one of the page before. */
  readonly after?: Letter | undefined;
  readonly newestFirst: boolean;
  readonly limit: number;
}

/** A page of letters with their latest decisions, by the time of their messages. */
export function lettersQuestion(filter: Filter, { decisions, after, newestFirst, limit }: PageOptions): Question {
  const onlyOpen = decisions.every((kind) => kind === undefined);
  const small = "letter.log_id, UNIX_MICROS(letter.source_published_at) AS published_micros";
  const { heads, params } = headsOf(filter, small, onlyOpen);
  const wanted = decisions.map((kind) => (kind === undefined ? "decision IS NULL" : `decision = '${kind}'`));
  const [beyond, order] = newestFirst ? ["<", "DESC"] : [">", "ASC"];
  const conditions = [
    `(${wanted.join(" OR ")})`,
    ...(after === undefined
      ? []
      : [`(published_micros ${beyond} @micros OR published_micros = @micros AND log_id ${beyond} @after)`]),
  ];
  // The page is found by a few columns, and the others are read for it alone.
  return {
    query: `WITH ${heads}, decisions AS (
  ${latestDecisions(", patch")}
), page AS (
  SELECT log_id, published_micros, decision, decided_micros, job, patch FROM heads LEFT JOIN decisions ON decided_id = log_id
  WHERE ${conditions.join(" AND ")}
  ORDER BY published_micros ${order}, log_id ${order} LIMIT @limit
), firsts AS (
  SELECT * FROM dead_letters_arrivals WHERE log_id IN (SELECT log_id FROM page) QUALIFY ${firstCopy}
)
SELECT letter.log_id AS dead_letter_id, letter.reason, COALESCE(letter.reason_detail, '') AS detail, ${patternOf("letter.")} AS pattern,
  letter.source_table, letter.source_published_at, published_micros, letter.source_message_id, letter.source_index,
  letter.origin_message_id, letter.origin_index, letter.replay_of, letter.source_log_id, COALESCE(letter.parts, 1) AS parts,
  letter.data_bytes, letter.message_id, decision, decided_micros, job, patch
FROM page JOIN firsts AS letter ON letter.log_id = page.log_id
ORDER BY published_micros ${order}, dead_letter_id ${order}`,
    params: { ...params, limit, ...(after !== undefined && { micros: after.publishedMicros, after: after.id }) },
  };
}

/** Groups whose handle begins with `digits`. The hash is of an aggregate, so that it is made once a group and not for each row. */
export function groupsMatchingQuestion(digits: string, limit: number): Question {
  const pattern = patternOf("");
  return {
    query: `SELECT source_table, reason, pattern FROM (
  SELECT source_table, reason, ${pattern} AS pattern,
    MIN(CONCAT(COALESCE(source_table, ''), '\\n', reason, '\\n', ${pattern})) AS name
  FROM dead_letters_arrivals WHERE part IS NULL OR part = 1
  GROUP BY source_table, reason, pattern
)
WHERE STARTS_WITH(TO_HEX(SHA256(name)), @digits)
ORDER BY source_table, reason, pattern LIMIT @limit`,
    params: { digits, limit },
  };
}

/** Runs of commands that decided about dead letters, by the `publisher_id` of their reviews, the newest first. */
export function jobsQuestion({ digits, sinceMicros, limit }: JobFilter): Question {
  const ofHandle = digits === undefined ? "" : " AND STARTS_WITH(TO_HEX(SHA256(publisher_id)), @digits)";
  const ofTime = sinceMicros === undefined ? "" : "\nHAVING MAX(UNIX_MICROS(reviewed_at)) >= @since";
  return {
    query: `SELECT publisher_id, reviewer, decision, MIN(reviewed_at) AS started_at, MAX(reviewed_at) AS ended_at,
  COUNT(DISTINCT dead_letter_id) AS letter_count, MIN(note) AS note, MIN(TO_JSON_STRING(patch)) AS patch
FROM dead_letter_reviews_arrivals WHERE publisher_id IS NOT NULL${ofHandle}
GROUP BY publisher_id, reviewer, decision${ofTime}
ORDER BY ended_at DESC, publisher_id LIMIT @limit`,
    params: {
      limit,
      ...(digits !== undefined && { digits }),
      ...(sinceMicros !== undefined && { since: sinceMicros }),
    },
  };
}

function conditionsOf({ ids, group, job, reason, table, pattern: wanted, sinceMicros }: Filter): {
  readonly conditions: readonly string[];
  readonly params: Question["params"];
} {
  const params = {
    ...(ids !== undefined && { ids }),
    ...(job !== undefined && { job }),
    ...(group !== undefined && {
      groupTable: group.table ?? "",
      groupReason: group.reason,
      groupPattern: group.pattern,
    }),
    ...(reason !== undefined && { reason }),
    ...(table !== undefined && { table }),
    ...(wanted !== undefined && { pattern: wanted }),
    ...(sinceMicros !== undefined && { since: sinceMicros }),
  };
  const texts: { readonly [name: string]: string } = {
    ids: "letter.log_id IN UNNEST(@ids)",
    job: "letter.log_id IN (SELECT dead_letter_id FROM dead_letter_reviews_arrivals WHERE publisher_id = @job)",
    groupTable: "COALESCE(letter.source_table, '') = @groupTable",
    groupReason: "letter.reason = @groupReason",
    groupPattern: `${patternOf("letter.")} = @groupPattern`,
    reason: "letter.reason = @reason",
    table: "letter.source_table = @table",
    pattern: `${patternOf("letter.")} = @pattern`,
    since: "UNIX_MICROS(letter.source_published_at) >= @since",
  };
  return { conditions: Object.keys(params).map((name) => texts[name] ?? "TRUE"), params };
}
