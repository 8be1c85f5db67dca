import { tables, type TableName } from "@indelible/schemas/tables.ts";
import { conditionOf, type CostScope } from "./scope.ts";

/** The tables whose rows have a cost. */
export const costTables: readonly TableName[] = ["conversations", "mcp_usage_logs", "action_logs"];

/** How many rows are in the scope, by what each says itself, and how many entries they are. One row. */
export function readingsQuery(scope: CostScope): string {
  const rows = costTables.map(
    (name) =>
      `SELECT '${name}' AS table_name, log_id, entry_hash FROM ${name}_arrivals WHERE ${conditionOf(scope, tables[name].occurredAt)}`,
  );
  return `SELECT SUM(copies) AS copies, COUNT(*) AS entries, COUNTIF(conflict) AS conflicts
FROM (
  SELECT COUNT(*) AS copies, MIN(entry_hash) != MAX(entry_hash) AS conflict
  FROM (
    ${rows.join("\n    UNION ALL\n    ")}
  )
  GROUP BY table_name, log_id
)`;
}
