import { costItemsQuery, costRelationsSince, type CostKind } from "@indelible/schemas/cost.ts";
import { formatTimestamp } from "@indelible/schemas/timestamp.ts";
import type { Patience } from "../retry.ts";
import { rowsOf, type PlainRow, type Warehouse } from "../warehouse.ts";
import { bridgeOf, bridgeQuery, type Bridge } from "./bridge.ts";
import { readingsQuery } from "./readings.ts";
import { conditionOf, dimensions, parametersOf, type CostScope, type Dimension } from "./scope.ts";
import { decimalOf, nanosOf } from "./usd.ts";

export interface CostSums {
  readonly conversations: number;
  readonly tool_calls: number;
  /** Other actions. */
  readonly actions: number;
  /** Null where nobody says any. */
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  /** Also of what says a total only. */
  readonly total_tokens: number | null;
  /** Exact, as a decimal: floating point does not hold a cent. */
  readonly cost_usd: string;
  /** How many of each do not say what they cost. The sums are without it. */
  readonly unknown: { readonly [kind in CostKind]: number };
}

export interface CostGroup extends CostSums {
  /** By the columns of `dimensions`; null: it has none, such as the model of a tool call. `day` is of UTC. */
  readonly what: { readonly [column: string]: string | null };
}

/** Rows of the three tables that have a cost, whose time is in the window. */
export interface Readings {
  readonly rows: number;
  /** Different `log_id`s. */
  readonly entries: number;
  /** `log_id`s of which there are entries with different content: the one that was published first counts. */
  readonly conflicts: number;
}

export interface CostSurvey {
  /** RFC 3339. */
  readonly since: string;
  readonly until: string | null;
  readonly by: readonly Dimension[];
  /** Days in their order, or else the dearest first; at most 10,000. */
  readonly groups: readonly CostGroup[];
  /** How many groups there are. */
  readonly group_count: number;
  /** Of all, not only of those that are listed. */
  readonly total: CostSums;
  /** Both where it was asked for. */
  readonly readings?: Readings;
  readonly bridge?: Bridge;
  /** The log changed twice between its questions, so that `bridge` does not lead to `total`. */
  readonly changed_meanwhile?: true;
}

const MAX_LISTED = 10_000;

/**
 * What was spent: each thing once, whatever number of rows tell of it (docs/cost.md).
 *
 * @param reconcile whether to tell how the sum comes from those of the raw rows, which takes as long again. Default: no
 * @throws ERR_DEADLINE, ERR_QUERY
 */
export async function costOf(
  warehouse: Warehouse,
  patience: Patience,
  scope: CostScope,
  reconcile: boolean = false,
): Promise<CostSurvey> {
  const ask = (query: string): Promise<PlainRow[]> => rowsOf(warehouse, { query, ...parametersOf(scope) }, patience);
  if (!reconcile) return surveyOf(scope, await ask(groupsQuery(warehouse, scope)));
  // Three questions, and a log that is written to between them: once more is enough where that is seldom.
  const first = await reconciled(ask, warehouse, scope);
  if (first.changed_meanwhile !== true) return first;
  return reconciled(ask, warehouse, scope);
}

async function reconciled(
  ask: (query: string) => Promise<PlainRow[]>,
  warehouse: Warehouse,
  scope: CostScope,
): Promise<CostSurvey> {
  const [groups, [readings], steps] = await Promise.all([
    ask(groupsQuery(warehouse, scope)),
    ask(readingsQuery(scope)),
    ask(bridgeQuery(warehouse, scope)),
  ]);
  const survey = surveyOf(scope, groups);
  const bridge = bridgeOf(steps);
  return {
    ...survey,
    readings: readingsOf(readings ?? {}),
    bridge,
    ...(bridge.total.cost_usd !== survey.total.cost_usd && { changed_meanwhile: true }),
  };
}

function surveyOf(scope: CostScope, groups: readonly PlainRow[]): CostSurvey {
  return {
    since: formatTimestamp(scope.since),
    until: scope.until === undefined ? null : formatTimestamp(scope.until),
    by: scope.by,
    groups: groups.map((row) => ({ what: whatOf(row, scope.by), ...sumsOf(row, "") })),
    group_count: Number(groups[0]?.["group_count"] ?? 0),
    total: sumsOf(groups[0] ?? {}, "all_"),
  };
}

function readingsOf({ copies, entries, conflicts }: PlainRow): Readings {
  return { rows: Number(copies ?? 0), entries: Number(entries ?? 0), conflicts: Number(conflicts ?? 0) };
}

/** When the newest conversation began that there is a row of, in RFC 3339; undefined: there is none. */
export async function newestConversation(warehouse: Warehouse, patience: Patience): Promise<string | undefined> {
  const query = "SELECT MAX(started_at) AS newest FROM conversations_arrivals";
  const [row] = await rowsOf(warehouse, { query }, patience);
  return typeof row?.["newest"] === "string" ? row["newest"] : undefined;
}

const kinds = { conversation: "conversations", tool: "tool_calls", action: "actions" } as const;
const sums = ["input_tokens", "output_tokens", "total_tokens", "cost_usd"];
const counts = Object.entries(kinds).flatMap(([kind, name]) => [
  [name, `COUNTIF(kind = '${kind}')`],
  [`unknown_${kind}`, `COUNTIF(kind = '${kind}' AND NOT cost_known)`],
]);
const measures: readonly (readonly [name: string, aggregate: string])[] = [
  ...counts.map(([name = "", aggregate = ""]) => [name, aggregate] as const),
  ...sums.map((name) => [name, `SUM(${name})`] as const),
];

function groupsQuery({ bigquery, datasets }: Warehouse, scope: CostScope): string {
  const columns = scope.by.flatMap((dimension) => dimensions[dimension]);
  const order = scope.by[0] === "day" ? ["day"] : [];
  return `SELECT *, COUNT(*) OVER () AS group_count,
  ${measures.map(([name]) => `SUM(${name}) OVER () AS all_${name}`).join(", ")}
FROM (
  SELECT ${columns.join(", ")}, ${measures.map(([name, aggregate]) => `${aggregate} AS ${name}`).join(", ")}
  FROM (
    SELECT *, DATE(occurred_at, 'UTC') AS day
    FROM (
${costItemsQuery(costRelationsSince(bigquery.projectId, datasets))}
    )
    WHERE ${conditionOf(scope, "occurred_at")}
  )
  GROUP BY ${columns.join(", ")}
)
ORDER BY ${[...order, "cost_usd DESC", "total_tokens DESC", ...columns].join(", ")}
LIMIT ${MAX_LISTED}`;
}

function whatOf(row: PlainRow, by: readonly Dimension[]): CostGroup["what"] {
  const columns = by.flatMap((dimension): readonly string[] => dimensions[dimension]);
  return Object.fromEntries(columns.map((name) => [name, row[name] === null ? null : String(row[name])]));
}

function sumsOf(row: PlainRow, prefix: string): CostSums {
  const count = (name: string): number => Number(row[`${prefix}${name}`] ?? 0);
  const tokens = (name: string): number | null =>
    row[`${prefix}${name}`] === null || row[`${prefix}${name}`] === undefined ? null : count(name);
  return {
    conversations: count(kinds.conversation),
    tool_calls: count(kinds.tool),
    actions: count(kinds.action),
    input_tokens: tokens("input_tokens"),
    output_tokens: tokens("output_tokens"),
    total_tokens: tokens("total_tokens"),
    cost_usd: decimalOf(nanosOf(row[`${prefix}cost_usd`])),
    unknown: {
      conversation: count("unknown_conversation"),
      tool: count("unknown_tool"),
      action: count("unknown_action"),
    },
  };
}
