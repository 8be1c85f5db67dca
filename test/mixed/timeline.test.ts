import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { costItemsQuery } from "@indelible/schemas/cost.ts";
import { viewRelations } from "@indelible/schemas/relations.ts";
import { tables, type Event } from "@indelible/schemas/tables.ts";
import type { TimelineItem } from "../../cli/timeline/items.ts";
import { timelineOf } from "../../cli/timeline/read.ts";
import { timelineText } from "../../cli/timeline/text.ts";
import { cellWidth } from "../../cli/terminal/cell.ts";
import { rowsOf } from "../../cli/warehouse.ts";
import { RawWarehouse } from "../e2e/raw-warehouse.ts";
import { shared } from "../shared.ts";
import { airlineEvents, bring, mixed, sampleEvents, type Arrival, type Logged } from "./mixed-log.ts";
import { entitiesOf } from "./reference.ts";

const airline = shared("data/tau-bench-airline/gpt-4o-airline.json");
const sources = [
  { name: "the sample company's day", skip: false, events: async () => sampleEvents("2026-01-31"), noise: 2 },
  { name: "the airline's runs", skip: airline.skip, events: () => airlineEvents(airline.path, 8), noise: 2 },
] as const;

const billionths = (usd: unknown): number => Math.round(Number(usd ?? 0) * 1e9);
const micros = (time: unknown): number => Date.parse(String(time));
const parts = [
  ["thinking_logs", "conversation_id"],
  ["action_logs", "conversation_id"],
  ["mcp_usage_logs", "conversation_id"],
  ["escalation_logs", "source_conversation_id"],
] as const;

/** Calls of models, whose cost is part of what their conversation says, where that says any. */
function modelCalls(): Logged[] {
  const common = { business_id: "acme", agent_position: "CFO", started_at: "2026-01-31T13:00:00Z" };
  const action_details = { model_name: "gpt-4o", total_tokens: 15 };
  const call = (n: number, conversation_id: string): Logged => ({
    table: "action_logs",
    event: { ...common, action_id: `call-${n}`, log_id: logId(n), conversation_id, action_details, cost_usd: 0.25 },
  });
  const chat = (n: number, conversation_id: string, more: Event): Logged => ({
    table: "conversations",
    event: { ...common, log_id: logId(n), conversation_id, ...more },
  });
  const [silent, telling] = ["silent-talk", "telling-talk"];
  return [
    chat(1, silent, {}),
    call(2, silent),
    chat(3, telling, { total_tokens: 20, cost_usd: 0.5 }),
    call(4, telling),
  ];
}

const logId = (n: number): string => `00000000-0000-7000-a000-${String(n).padStart(12, "0")}`;

/** Items of one kind for each stage of an entity. */
const firstKinds: ReadonlySet<TimelineItem["kind"]> = new Set(["thinking", "action", "tool", "escalation"]);

for (const { name, skip, events, noise } of sources) {
  describe(`timelines of ${name}, with duplicates, conflicts, late entries and in any order`, { skip }, () => {
    let warehouse: RawWarehouse;
    let arrivals: Arrival[];
    let ids: string[];
    before(async () => {
      arrivals = mixed([...(await events()), ...modelCalls()], noise);
      warehouse = await RawWarehouse.open("timeline-test");
      await bring(warehouse, arrivals);
      ids = [...entitiesOf(arrivals, "conversations").keys()].slice(0, 2);
      ids.push("silent-talk", "telling-talk");
    });
    after(() => warehouse?.close());

    it("have each thing that belongs to the conversation once, in the order of the agent's clock", async () => {
      for (const id of ids) {
        const { items } = await timelineOf(warehouse, id);
        const shown = items
          .filter(({ kind }) => firstKinds.has(kind))
          .map((item) => `${item.table_name}/${item.entity_id}`);
        const expected = parts.flatMap(([table, column]) =>
          [...entitiesOf(arrivals, table)]
            .filter(([, event]) => event[column] === id)
            .map(([entity]) => `${table}/${entity}`),
        );
        assert.deepEqual(shown.toSorted(), expected.toSorted());
        const times = items.map(({ happened_at }) => micros(happened_at));
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
        );
        for (const item of items.filter(({ kind }) => firstKinds.has(kind))) {
          const event = entitiesOf(arrivals, item.table_name).get(item.entity_id) ?? {};
          assert.equal(micros(item.happened_at), micros(event[tables[item.table_name].occurredAt]));
          assert.equal(item.agent, event["agent_position"] ?? event["source_agent"]);
        }
      }
    });

    it("show the latest outcome, and tokens and cost that add up", async () => {
      for (const id of ids) {
        const { items, totals } = await timelineOf(warehouse, id);
        const chat = entitiesOf(arrivals, "conversations").get(id) ?? {};
        const outcome = items.find(({ kind }) => kind === "outcome");
        if (chat["status"] !== undefined) assert.equal(outcome?.outcome, chat["status"]);
        if (outcome !== undefined) assert.equal(outcome.cost_usd, chat["cost_usd"] ?? null);
        const cost = parts.flatMap(([table, column]) =>
          [...entitiesOf(arrivals, table).values()]
            .filter((event) => event[column] === id && event["action_type"] !== "mcp_call" && id !== "telling-talk")
            .map((event) => billionths(event["cost_usd"])),
        );
        const idsOf = (table: string): string[] =>
          items.filter(({ table_name }) => table_name === table).map(({ entity_id }) => entity_id);
        const [row] = await rowsOf(warehouse, {
          query: `SELECT SUM(total_tokens) AS total_tokens, SUM(cost_usd) AS cost_usd
FROM (${costItemsQuery(viewRelations("timeline-test", warehouse.datasets))}) WHERE item_id IN UNNEST(@ids)`,
          params: { ids: [id, ...idsOf("mcp_usage_logs"), ...idsOf("action_logs")] },
        });
        assert.deepEqual(
          [totals.total_tokens, Number(totals.cost_usd)],
          [Number(row?.["total_tokens"] ?? 0), Number(row?.["cost_usd"] ?? 0)],
        );
        assert.equal(
          billionths(totals.cost_usd),
          cost.reduce((a, b) => a + b, billionths(chat["cost_usd"])),
        );
      }
    });

    it("have of its agent's decisions those that were made meanwhile", async () => {
      for (const id of ids) {
        const { items } = await timelineOf(warehouse, id);
        const chat = entitiesOf(arrivals, "conversations").get(id) ?? {};
        if (chat["ended_at"] === undefined) continue;
        const expected = [...entitiesOf(arrivals, "decision_logs")]
          .filter(
            ([, event]) =>
              event["agent_position"] === chat["agent_position"] &&
              micros(event["decided_at"]) >= micros(chat["started_at"]) &&
              micros(event["decided_at"]) <= micros(chat["ended_at"]),
          )
          .map(([entity]) => entity);
        const shown = items.filter(({ kind }) => kind === "decision").map(({ entity_id }) => entity_id);
        assert.deepEqual(shown.toSorted(), expected.toSorted());
      }
    });

    it("fit a terminal of 80 columns", async () => {
      for (const id of ids) {
        const timeline = await timelineOf(warehouse, id);
        for (const full of [true, false])
          for (const line of timelineText(timeline, full, 80).split("\n")) assert.ok(cellWidth(line) <= 80, line);
      }
    });
  });
}
