import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { costItemColumns, costItemsQuery, costRelationsSince } from "@indelible/schemas/cost.ts";
import { viewRelations } from "@indelible/schemas/relations.ts";
import type { Event } from "@indelible/schemas/tables.ts";
import { rowsOf } from "../../cli/warehouse.ts";
import { RawWarehouse } from "../e2e/raw-warehouse.ts";
import { bring, mixed, type Arrival } from "./mixed-log.ts";
import { sources } from "./mixed-sources.ts";
import { entitiesOf } from "./reference.ts";

const project = "cost-test";
/** Billionths of a dollar, which can be added up without rounding. */
const billionths = (usd: unknown): number => Math.round(Number(usd ?? 0) * 1e9);

interface Item {
  readonly key: string;
  readonly tokens: number;
  readonly nanos: number;
}

/** What each thing costs, from what came in; nothing here knows SQL. */
function itemsOf(arrivals: readonly Arrival[]): Item[] {
  const day = (time: unknown): string => new Date(String(time)).toISOString().slice(0, 10);
  const keyOf = (event: Event, kind: string, time: unknown, ...names: unknown[]): string =>
    [day(time), event["business_id"], event["agent_position"], kind, ...names.map((name) => name ?? "")].join("|");
  const conversations = entitiesOf(arrivals, "conversations");
  const items: Item[] = [];
  for (const event of conversations.values()) {
    const tokens = Number(
      event["total_tokens"] ?? Number(event["input_tokens"] ?? 0) + Number(event["output_tokens"] ?? 0),
    );
    const key = keyOf(event, "conversation", event["started_at"], event["model_name"], "");
    items.push({ key, tokens, nanos: billionths(event["cost_usd"]) });
  }
  for (const event of entitiesOf(arrivals, "mcp_usage_logs").values()) {
    const key = keyOf(event, "tool", event["called_at"], "", `${event["server_name"]}/${event["tool_name"]}`);
    items.push({ key, tokens: Number(event["tokens_used"] ?? 0), nanos: billionths(event["cost_usd"]) });
  }
  for (const event of entitiesOf(arrivals, "action_logs").values()) {
    if (event["action_type"] === "mcp_call") continue;
    const details = (event["action_details"] ?? {}) as Event;
    const chat = details["model_name"] === undefined ? undefined : conversations.get(String(event["conversation_id"]));
    const hasTokens = ["total_tokens", "input_tokens", "output_tokens"].some((name) => chat?.[name] !== undefined);
    items.push({
      key: keyOf(event, "action", event["started_at"], details["model_name"], ""),
      tokens: hasTokens ? 0 : Number(details["total_tokens"] ?? 0),
      nanos: chat?.["cost_usd"] === undefined ? billionths(event["cost_usd"]) : 0,
    });
  }
  return items;
}

function sumsOf(items: readonly Item[]): { readonly [key: string]: readonly [number, number, number] } {
  const sums: Record<string, [number, number, number]> = {};
  for (const { key, tokens, nanos } of items) {
    const [count, allTokens, allNanos] = sums[key] ?? [0, 0, 0];
    sums[key] = [count + 1, allTokens + tokens, allNanos + nanos];
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
      arrivals = mixed([...logged, ...modelCalls(String(conversation))], 2);
      warehouse = await RawWarehouse.open(project);
      await bring(warehouse, arrivals);
    });
    after(() => warehouse?.close());

    it("cost_daily has by day, agent, model and tool what each thing has cost, each once", async () => {
      const rows = await rowsOf(warehouse.bigquery, { query: "SELECT * FROM cost_daily" });
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
          [row["items"], Number(row["total_tokens"] ?? 0), billionths(row["cost_usd"])],
        ] as const;
      });
      assert.deepEqual(Object.fromEntries(found), sumsOf(itemsOf(arrivals)));
      assert.ok(rows.length > 5);
    });

    it("of what happened since a moment, the items are those of the views", async () => {
      const since = "2026-01-31T12:00:00Z";
      const itemsSince = (query: string): Promise<unknown> =>
        rowsOf(warehouse.bigquery, {
          query: `SELECT ${costItemColumns.join(", ")} FROM (${query}) WHERE occurred_at >= @since ORDER BY table_name, item_id`,
          params: { since: { value: since } },
          types: { since: "TIMESTAMP" },
        });
      const all = await itemsSince(costItemsQuery(viewRelations(project)));
      assert.deepEqual(await itemsSince(costItemsQuery(costRelationsSince(project))), all);
      assert.ok(Array.isArray(all) && all.length > 5);
    });
  });
}

/** Calls of models inside conversations: of one that says what it cost, of one that says nothing, of one that nobody has logged. */
function modelCalls(conversation: string): Pick<Arrival, "table" | "event">[] {
  const common = { business_id: "acme", agent_position: "CFO", started_at: "2026-01-31T13:00:00Z" };
  const action_details = { model_name: "gpt-4o", input_tokens: 10, output_tokens: 5, total_tokens: 15 };
  const call = (n: number, conversation_id?: string): Pick<Arrival, "table" | "event"> => ({
    table: "action_logs",
    event: {
      ...common,
      action_id: `call-${n}`,
      log_id: `00000000-0000-7000-a000-${String(n).padStart(12, "0")}`,
      action_details,
      cost_usd: 0.25,
      ...(conversation_id !== undefined && { conversation_id }),
    },
  });
  const silent = { ...common, conversation_id: "silent", log_id: "00000000-0000-7000-b000-000000000000" };
  return [
    { table: "conversations", event: silent },
    call(1, conversation),
    call(2, "silent"),
    call(3, "nobody's"),
    call(4),
  ];
}
