import { nanosOf } from "../cost/usd.ts";
import type { Patience } from "../retry.ts";
import { rowsOf, type PlainRow, type Warehouse } from "../warehouse.ts";
import { costQuestion, tableQuestion, type Question, type Scope } from "./question.ts";
import { summaries, valuesOf, type Measure, type SummaryTable } from "./tables.ts";

/** One row of the view `<table>`. */
export interface RecentEntry {
  /** The entity's ID, such as the `decision_id`. */
  readonly id: string;
  /** RFC 3339, in UTC: when it happened. */
  readonly at: string;
  /** The beginning of what says what, at most 1,000 characters; null when nothing does. */
  readonly what: string | null;
  readonly agent: string;
}

/** What is told of all rows together. Null: no row says anything. */
export type Total = { readonly label: string } & (
  | { readonly kind: "values"; readonly values: readonly { readonly value: string; readonly count: number }[] }
  | { readonly kind: "average"; readonly average: number | null }
  | { readonly kind: "sum"; readonly sum: number | null }
  | { readonly kind: "share"; readonly met: number; readonly of: number }
  | { readonly kind: "milliseconds"; readonly ms: number | null }
  | { readonly kind: "count"; readonly count: number }
);

/** What the rows of a table cost themselves, each token and each dollar in one table only. Null: no row says anything. */
export interface Spent {
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly totalTokens: number | null;
  /** Billionths of a dollar. */
  readonly nanos: bigint | null;
}

export interface TableSummary {
  readonly table: SummaryTable;
  /** Rows of the view `<table>`. */
  readonly entities: number;
  /** Their entries in `<table>_history`. */
  readonly entries: number;
  /** The newest first; at most as many as were asked for. */
  readonly recent: readonly RecentEntry[];
  readonly totals: readonly Total[];
  /** Undefined: what is in this table has no cost of its own. */
  readonly spent: Spent | undefined;
}

/** Rows that a summary lists. */
export const MAX_RECENT = 50;

/**
 * Asks the warehouse what there is in these tables, one question a table and one for the cost, each again while the warehouse is away.
 *
 * @returns in the order of `asked`
 * @throws ERR_DEADLINE, ERR_QUERY
 */
export async function summaryOf(
  warehouse: Warehouse,
  patience: Patience,
  scope: Scope,
  asked: readonly SummaryTable[],
  maxRecent: number = MAX_RECENT,
): Promise<TableSummary[]> {
  const ask = (question: Question): Promise<PlainRow[]> =>
    rowsOf(warehouse, { ...question, params: { ...question.params }, types: { ...question.types } }, patience);
  const [costs, ...answers] = await Promise.all([
    asked.some((table) => summaries[table].hasCost) ? ask(costQuestion(warehouse, scope)) : [],
    ...asked.map((table) => ask(tableQuestion(warehouse, table, scope, maxRecent))),
  ]);
  return asked.map((table, index) => {
    const row = answers[index]?.[0] ?? {};
    const { hasCost, measures } = summaries[table];
    const cost = costs.find(({ table_name }) => table_name === table) ?? {};
    return {
      table,
      entities: Number(row["entities"] ?? 0),
      entries: Number(row["entries"] ?? 0),
      recent: ((row["recent"] ?? []) as PlainRow[]).map(recentOf),
      totals: measures.map((measure, at) => totalOf(table, measure, at, row)),
      spent: hasCost ? spentOf(cost) : undefined,
    };
  });
}

function recentOf(row: PlainRow): RecentEntry {
  return {
    id: String(row["id"]),
    at: String(row["occurred_at"]),
    what: typeof row["what"] === "string" ? row["what"] : null,
    agent: String(row["agent"]),
  };
}

function totalOf(table: SummaryTable, measure: Measure, index: number, row: PlainRow): Total {
  const { label, kind } = measure;
  const name = `m${index}`;
  const count = (of: string): number => Number(row[of] ?? 0);
  switch (kind) {
    case "values": {
      const values = valuesOf(table, measure.column ?? "").map((value, at) => ({
        value,
        count: count(`${name}_${at}`),
      }));
      return { kind, label, values: [...values, { value: measure.none ?? "none", count: count(`${name}_none`) }] };
    }
    case "average":
      return { kind, label, average: count(`${name}_of`) === 0 ? null : count(`${name}_sum`) / count(`${name}_of`) };
    case "sum":
      return { kind, label, sum: numberOf(row[name]) };
    case "share":
      return { kind, label, met: count(`${name}_met`), of: count(`${name}_of`) };
    case "milliseconds":
      return { kind, label, ms: numberOf(row[name]) };
    case "count":
      return { kind, label, count: count(name) };
  }
}

function spentOf(row: PlainRow): Spent {
  return {
    inputTokens: numberOf(row["input_tokens"]),
    outputTokens: numberOf(row["output_tokens"]),
    totalTokens: numberOf(row["total_tokens"]),
    nanos: typeof row["cost_usd"] === "string" ? nanosOf(row["cost_usd"]) : null,
  };
}

function numberOf(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}
