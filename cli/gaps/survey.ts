import type { BigQuery } from "@google-cloud/bigquery";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { VIEWS_DATASET } from "@indelible/schemas/names.ts";
import { refusalOf } from "../query/refusal.ts";
import { plainValue } from "../query/values.ts";
import { retry, type Patience } from "../retry.ts";

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
  /** The settled ones first; at most {@link MAX_LISTED}. */
  readonly gaps: readonly Gap[];
}

export const MAX_LISTED = 10_000;

type Row = { readonly [column: string]: unknown };

/**
 * Asks the views what is missing, each question again while the warehouse is away.
 *
 * @throws ERR_DEADLINE, ERR_QUERY
 */
export async function surveyOf(
  bigquery: BigQuery,
  projectId: string,
  patience: Patience,
  { publisher, since, settled }: Scope,
): Promise<Survey> {
  const params = {
    settled,
    ...(publisher !== undefined && { publisher }),
    ...(since !== undefined && { since }),
  };
  const view = (name: string): string => `\`${projectId}.${VIEWS_DATASET}.${name}\``;
  const where = (time: string, more: readonly string[] = []): string => {
    const conditions = [...more, ...(since === undefined ? [] : [`UNIX_MICROS(${time}) >= @since`])];
    return conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  };
  const ofPublisher = publisher === undefined ? [] : ["publisher_id = @publisher"];
  const gaps = `SELECT *, UNIX_MICROS(seen_after) <= @settled AS settled FROM ${view("sequence_gaps")}${where("seen_after", ofPublisher)}`;

  async function rows(query: string): Promise<Row[]> {
    const used = Object.entries(params).filter(([name]) => query.includes(`@${name}`));
    try {
      const [found] = await retry("the warehouse", patience, () =>
        bigquery.query({ query, params: Object.fromEntries(used) }, { wrapIntegers: true }),
      );
      return (found as unknown[]).map((row) => plainValue(row) as Row);
    } catch (error) {
      if (IndelibleError.is(error)) throw error;
      throw refusalOf(error);
    }
  }

  const [arrived, amounts, unreadable, listed] = await Promise.all([
    rows(
      `SELECT COUNT(DISTINCT publisher_id) AS publishers, COUNT(*) AS numbers FROM ${view("sequence_numbers")}${where("published_at", ofPublisher)}`,
    ),
    // As FLOAT64, because the sum of what hostile publishers leave out may be beyond INT64.
    rows(
      `SELECT settled, COUNT(*) AS ranges, SUM(CAST(missing AS FLOAT64)) AS missing FROM (${gaps}) GROUP BY settled`,
    ),
    rows(
      `SELECT COUNT(DISTINCT source_message_id) AS messages FROM ${view("dead_letters_history")}${where("source_published_at", ["data_base64 IS NOT NULL"])}`,
    ),
    rows(`${gaps} ORDER BY settled DESC, publisher_id, first_missing LIMIT ${MAX_LISTED}`),
  ]);
  const amountOf = (isSettled: boolean): Amount => {
    const row = amounts.find((amount) => amount["settled"] === isSettled);
    return { ranges: Number(row?.["ranges"] ?? 0), missing: Number(row?.["missing"] ?? 0) };
  };
  return {
    publishers: Number(arrived[0]?.["publishers"] ?? 0),
    numbers: Number(arrived[0]?.["numbers"] ?? 0),
    settled: amountOf(true),
    onTheirWay: amountOf(false),
    unreadable: Number(unreadable[0]?.["messages"] ?? 0),
    gaps: listed as unknown as Gap[],
  };
}
