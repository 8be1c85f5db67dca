import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { costItemColumns, costItemsQuery, costRelationsSince } from "@indelible/schemas/cost.ts";
import { viewRelations } from "@indelible/schemas/relations.ts";
import { rowsOf } from "../../cli/warehouse.ts";
import { RawWarehouse } from "../e2e/raw-warehouse.ts";
import { billionths, hostileEvents, itemsOf, modelCalls, type Item } from "./cost-items.ts";
import { bring, mixed, type Arrival } from "./mixed-log.ts";
import { sources } from "./mixed-sources.ts";

const project = "cost-test";
function sumsOf(items: readonly Item[]): { readonly [key: string]: readonly number[] } {
  const sums: Record<string, [number, number, number, number]> = {};
  for (const item of items) {
    const { business, agent, kind, model = "", server, tool, tokens, nanos, isKnown } = item;
    const toolKey = tool === undefined ? "" : `${server}/${tool}`;
    const day = new Date(item.occurredAt).toISOString().slice(0, 10);
    const key = [day, business, agent, kind, model, toolKey].join("|");
    const [count, allTokens, allNanos, unknown] = sums[key] ?? [0, 0, 0, 0];
    sums[key] = [count + 1, allTokens + tokens, allNanos + nanos, unknown + (isKnown ? 0 : 1)];
  }
  return sums;
}

for (const { name, skip, events } of sources) {
  describe(`what was spent, of ${name} with duplicates, conflicts, late entries and in any order`, { skip }, () => {
    let warehouse: RawWarehouse;
    let arrivals: Arrival[];
    before(async () => {
      const logged = await events();
      const conversation = logged.find(({ table }) => table === "conversations")?.event["conversation_id"];
      arrivals = mixed([...logged, ...modelCalls(String(conversation)), ...hostileEvents()], 2);
      warehouse = await RawWarehouse.open(project);
      await bring(warehouse, arrivals);
    });
    after(() => warehouse?.close());

    it("cost_daily has by day, agent, model and tool what each thing has cost, each once", async () => {
      const rows = await rowsOf(warehouse, { query: "SELECT * FROM cost_daily" });
      const found = rows.map((row) => {
        const tool = row["tool_name"] === null ? "" : `${row["server_name"]}/${row["tool_name"]}`;
        const names = [
          row["day"],
          row["business_id"],
          row["agent_position"],
          row["kind"],
          row["model_name"] ?? "",
          tool,
        ];
        return [
          names.join("|"),
          [row["items"], Number(row["total_tokens"] ?? 0), billionths(row["cost_usd"]), row["unknown_costs"]],
        ] as const;
      });
      assert.deepEqual(Object.fromEntries(found), sumsOf(itemsOf(arrivals)));
      assert.ok(rows.length > 5);
    });

    it("of what happened since a moment, the items are those of the views", async () => {
      const since = "2026-01-31T12:00:00Z";
      const itemsSince = (query: string): Promise<unknown> =>
        rowsOf(warehouse, {
          query: `SELECT ${costItemColumns.join(", ")} FROM (${query}) WHERE occurred_at >= @since ORDER BY table_name, item_id`,
          params: { since: { value: since } },
          types: { since: "TIMESTAMP" },
        });
      const all = await itemsSince(costItemsQuery(viewRelations(project, warehouse.datasets)));
      assert.deepEqual(await itemsSince(costItemsQuery(costRelationsSince(project, warehouse.datasets))), all);
      assert.ok(Array.isArray(all) && all.length > 5);
    });
  });
}
