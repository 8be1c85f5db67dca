import { costItemsQuery, costRelationsSince, usableCost } from "@indelible/schemas/cost.ts";
import { copiesWhere, relationsWhere } from "@indelible/schemas/relations.ts";
import { tables } from "@indelible/schemas/tables.ts";
import type { PlainRow, Warehouse } from "../warehouse.ts";
import { costTables } from "./readings.ts";
import { conditionOf, type CostScope } from "./scope.ts";
import { decimalOf, nanosOf } from "./usd.ts";

/** Why rows are not in the sum, each row for one reason, in the order in which they are looked at. */
export const reasons = [
  "duplicate",
  "conflict",
  "superseded",
  "counted as a call of a tool",
  "part of its conversation",
  "out of scope",
] as const;

export type Reason = (typeof reasons)[number];

export interface BridgeStep {
  readonly rows: number;
  /** Exact, as a decimal. */
  readonly cost_usd: string;
}

/** How the sum comes from what the raw rows in the scope say: `raw`, less everything in `less`, plus `into_scope`, is `total`. */
export interface Bridge {
  /** Rows with a cost (below `MAX_COST_USD`) whose own time, agent and business are in the scope. */
  readonly raw: BridgeStep;
  readonly less: { readonly [reason in Reason]: BridgeStep };
  /** Rows that are not in the scope by what they say themselves, of things that are by what was said of them last. */
  readonly into_scope: BridgeStep;
  readonly total: BridgeStep;
}

/** Sums of rows by `class` (a reason or `counted`) and `in_scope`, of rows that have a cost. */
export function bridgeQuery({ bigquery: { projectId }, datasets }: Warehouse, scope: CostScope): string {
  const happened = relationsWhere(projectId, datasets, (name) => `${tables[name].occurredAt} >= @since`);
  const rows = costTables.map((name) => {
    const { entity, occurredAt } = tables[name];
    const copies = copiesWhere(projectId, datasets, name, `${occurredAt} >= @since`);
    // Of the entries of an entity, the latest that has a cost gives it, also if that is none that can be counted.
    return `SELECT '${name}' AS table_name, ${entity} AS item_id, said_usd, in_scope, copy, same,
    ROW_NUMBER() OVER (PARTITION BY ${entity}, copy = 1 ORDER BY is_silent, said_at DESC, seq DESC, log_id DESC) AS age
  FROM (
    SELECT ${entity}, cost_usd IS NULL AS is_silent, ${usableCost()} AS said_usd, IFNULL(${conditionOf(scope, occurredAt)}, FALSE) AS in_scope,
      COALESCE(logged_at, published_at) AS said_at, seq, log_id, ROW_NUMBER() OVER first AS copy,
      entry_hash = FIRST_VALUE(entry_hash) OVER first AS same
    FROM ${copies}
    WINDOW first AS (PARTITION BY log_id ORDER BY published_at, message_id, ingested_at)
  )`;
  });
  return `SELECT class, in_scope, COUNT(*) AS row_count, SUM(said_usd) AS usd
FROM (
  SELECT said.in_scope, said.said_usd, CASE
    WHEN said.copy > 1 THEN IF(said.same, 'duplicate', 'conflict')
    WHEN said.age > 1 THEN 'superseded'
    WHEN call.item_id IS NOT NULL THEN 'counted as a call of a tool'
    WHEN item.item_id IS NULL THEN 'out of scope'
    WHEN item.cost_usd IS NULL THEN 'part of its conversation'
    ELSE 'counted' END AS class
  FROM (
  ${rows.join("\n  UNION ALL\n  ")}
  ) AS said
  LEFT JOIN (
    SELECT * FROM (
${costItemsQuery(costRelationsSince(projectId, datasets))}
    ) WHERE ${conditionOf(scope, "occurred_at")}
  ) AS item ON item.table_name = said.table_name AND item.item_id = said.item_id
  LEFT JOIN (
    SELECT action_id AS item_id, 'action_logs' AS table_name FROM ${happened.entities("action_logs", ["action_type"])} WHERE action_type = 'mcp_call'
  ) AS call ON call.table_name = said.table_name AND call.item_id = said.item_id
  WHERE said.said_usd IS NOT NULL
)
GROUP BY class, in_scope`;
}

/** Of the rows of `bridgeQuery`. */
export function bridgeOf(rows: readonly PlainRow[]): Bridge {
  const step = (has: (row: PlainRow) => boolean): BridgeStep => {
    const some = rows.filter(has);
    return {
      rows: some.reduce((sum, row) => sum + Number(row["row_count"]), 0),
      cost_usd: decimalOf(some.reduce((sum, row) => sum + nanosOf(row["usd"]), 0n)),
    };
  };
  const less = reasons.map((reason) => [reason, step((row) => row["in_scope"] === true && row["class"] === reason)]);
  return {
    raw: step((row) => row["in_scope"] === true),
    less: Object.fromEntries(less) as Bridge["less"],
    into_scope: step((row) => row["in_scope"] === false && row["class"] === "counted"),
    total: step((row) => row["class"] === "counted"),
  };
}
