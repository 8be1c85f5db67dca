import type { Patience } from "../retry.ts";
import { rowsOf, type PlainRow, type Warehouse } from "../warehouse.ts";

/** What is looked at. What is undefined restricts nothing. */
export interface Scope {
  readonly publisher?: string;
  /** Microseconds since 1970. */
  readonly since?: number;
  /** Microseconds since 1970. */
  readonly settled: number;
}

/** Numbers of one publisher that are missing, both ends included. */
export interface Gap {
  readonly publisher_id: string;
  readonly first_missing: number;
  readonly last_missing: number;
  readonly missing: number;
  /** When the number before them was published; null: they begin at 1. */
  readonly seen_before: string | null;
  /** When the number behind them was published. */
  readonly seen_after: string;
  /** That is so long ago that they are no longer on their way. */
  readonly settled: boolean;
}

export interface Amount {
  readonly ranges: number;
  readonly missing: number;
}

export interface Survey {
  /** How many publishers, and how many of their numbers that have arrived, were looked at. */
  readonly publishers: number;
  readonly numbers: number;
  readonly settled: Amount;
  readonly onTheirWay: Amount;
  /** Messages in dead letters that are no text: the numbers in them count as missing. */
  readonly unreadable: number;
  /** The settled ones first; at most 10,000. */
  readonly gaps: readonly Gap[];
}

const MAX_LISTED = 10_000;

/**
 * Asks the views what is missing, each question again while the warehouse is away.
 *
 * @throws ERR_DEADLINE, ERR_QUERY
 */
export async function surveyOf(
  warehouse: Warehouse,
  patience: Patience,
  { publisher, since, settled }: Scope,
  maxListed: number = MAX_LISTED,
): Promise<Survey> {
  const params = { settled, ...(publisher !== undefined && { publisher }), ...(since !== undefined && { since }) };
  const where = (time: string, more: readonly string[] = []): string => {
    const conditions = [...more, ...(since === undefined ? [] : [`UNIX_MICROS(${time}) >= @since`])];
    return conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  };
  const ofPublisher = publisher === undefined ? [] : ["publisher_id = @publisher"];

  function rows(query: string): Promise<PlainRow[]> {
    const used = Object.entries(params).filter(([name]) => query.includes(`@${name}`));
    return rowsOf(warehouse, { query, params: Object.fromEntries(used) }, patience);
  }

  const [[arrived], [unreadable], listed] = await Promise.all([
    rows(
      `SELECT COUNT(DISTINCT publisher_id) AS publishers, COUNT(*) AS numbers FROM sequence_numbers${where("published_at", ofPublisher)}`,
    ),
    rows(
      `SELECT COUNT(DISTINCT source_message_id) AS messages FROM dead_letters_history${where("source_published_at", ["data_base64 IS NOT NULL"])}`,
    ),
    // The amounts, of all and not only of those that are listed, on every row: each question to the view reads every number that there is.
    // As FLOAT64, because the sum of what hostile publishers leave out may be beyond INT64.
    rows(
      `SELECT *, COUNTIF(settled) OVER () AS settled_ranges, SUM(IF(settled, CAST(missing AS FLOAT64), 0)) OVER () AS settled_missing,
  COUNTIF(NOT settled) OVER () AS other_ranges, SUM(IF(settled, 0, CAST(missing AS FLOAT64))) OVER () AS other_missing
FROM (SELECT *, UNIX_MICROS(seen_after) <= @settled AS settled FROM sequence_gaps${where("seen_after", ofPublisher)})
ORDER BY settled DESC, publisher_id, first_missing LIMIT ${maxListed}`,
    ),
  ]);
  const amountOf = (which: "settled" | "other"): Amount => ({
    ranges: Number(listed[0]?.[`${which}_ranges`] ?? 0),
    missing: Number(listed[0]?.[`${which}_missing`] ?? 0),
  });
  return {
    publishers: Number(arrived?.["publishers"] ?? 0),
    numbers: Number(arrived?.["numbers"] ?? 0),
    settled: amountOf("settled"),
    onTheirWay: amountOf("other"),
    unreadable: Number(unreadable?.["messages"] ?? 0),
    gaps: listed.map(gapOf),
  };
}

/** Without the amounts that stand beside it. */
function gapOf(row: PlainRow): Gap {
  const { publisher_id, first_missing, last_missing, missing, seen_before, seen_after, settled } = row;
  const gap = { publisher_id, first_missing, last_missing, missing, seen_before, seen_after, settled };
  return gap as Gap;
}
