import assert from "node:assert/strict";
import { after, before, describe, it, mock } from "node:test";
import { BigQuery } from "@google-cloud/bigquery";
import { defaultDatasets } from "@indelible/schemas/names.ts";
import type { Event, TableName } from "@indelible/schemas/tables.ts";
import { costOf, type CostSurvey } from "../../cli/cost/survey.ts";
import type { CostScope, Dimension } from "../../cli/cost/scope.ts";
import { nanosOf } from "../../cli/cost/usd.ts";
import { RawWarehouse } from "../e2e/raw-warehouse.ts";
import { hostileEvents, itemsOf, modelCalls, usableCost, type Item } from "./cost-items.ts";
import { bring, mixed, type Arrival } from "./mixed-log.ts";
import { sources } from "./mixed-sources.ts";
import { historyOf } from "./reference.ts";

const patience = { deadlineMs: 1000 };
const micros = (time: unknown): number => Date.parse(String(time)) * 1000;
const start = micros("2026-01-31T00:00:00Z");

/** A scope's items, from what came in; nothing here knows SQL. */
function inScope(items: readonly Item[], { since, until = Infinity, agent, business }: CostScope): Item[] {
  return items.filter(
    (item) =>
      micros(item.occurredAt) >= since &&
      micros(item.occurredAt) < until &&
      (agent === undefined || item.agent === agent) &&
      (business === undefined || item.business === business),
  );
}

const names: { readonly [D in Dimension]: (item: Item) => readonly unknown[] } = {
  agent: ({ business, agent }) => [business, agent],
  model: ({ provider, model }) => [provider ?? null, model ?? null],
  tool: ({ server, tool }) => [server ?? null, tool ?? null],
  day: ({ occurredAt }) => [new Date(occurredAt).toISOString().slice(0, 10)],
};

type Sums = [conversations: number, tools: number, actions: number, unknown: number, tokens: number, nanos: bigint];

function add(sums: Sums | undefined, { kind, isKnown, tokens, nanos }: Item): Sums {
  const [conversations, tools, actions, unknown, allTokens, allNanos] = sums ?? [0, 0, 0, 0, 0, 0n];
  return [
    conversations + (kind === "conversation" ? 1 : 0),
    tools + (kind === "tool" ? 1 : 0),
    actions + (kind === "action" ? 1 : 0),
    unknown + (isKnown ? 0 : 1),
    allTokens + tokens,
    allNanos + BigInt(nanos),
  ];
}

function shown({ conversations, tool_calls, actions, unknown, total_tokens, cost_usd }: CostSurvey["total"]): Sums {
  const unknowns = unknown.conversation + unknown.tool + unknown.action;
  return [conversations, tool_calls, actions, unknowns, total_tokens ?? 0, nanosOf(cost_usd)];
}

const costTables: ReadonlySet<TableName> = new Set(["conversations", "mcp_usage_logs", "action_logs"]);
const timeOf = (event: Event): unknown => event["started_at"] ?? event["called_at"];

for (const { name, skip, events } of sources) {
  describe(
    `what was spent, as the command says it, of ${name} with duplicates, conflicts, late entries and in any order`,
    { skip },
    () => {
      let warehouse: RawWarehouse;
      let arrivals: Arrival[];
      before(async () => {
        const logged = await events();
        const conversation = logged.find(({ table }) => table === "conversations")?.event["conversation_id"];
        arrivals = mixed([...logged, ...modelCalls(String(conversation)), ...hostileEvents()], 8);
        warehouse = await RawWarehouse.open("cost-survey-test");
        await bring(warehouse, arrivals);
      });
      after(() => warehouse?.close());

      const survey = (scope: CostScope, reconcile?: boolean): Promise<CostSurvey> =>
        costOf(warehouse, patience, scope, reconcile);

      /** In the middle of what happened. */
      function middle(): number {
        const times = itemsOf(arrivals).map(({ occurredAt }) => micros(occurredAt));
        return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
      }
      const scopes: { readonly [text: string]: () => Omit<CostScope, "by"> } = {
        "of all days": () => ({ since: start }),
        "since a moment": () => ({ since: middle() }),
        "until a moment": () => ({ since: start, until: middle() }),
        "of one agent": () => ({ since: start, agent: "other-1" }),
        "of one business": () => ({ since: start, business: "acme" }),
      };
      const questions: readonly (readonly [text: string, by: readonly Dimension[]])[] = [
        ...Object.keys(scopes).map((text) => [text, ["agent"]] as const),
        ...(["model", "tool", "day"] as const).map((by) => ["since a moment", [by]] as const),
        ["since a moment", ["day", "agent", "model"]],
      ];
      for (const [text, by] of questions) {
        it(`by ${by.join(", ")}, ${text}, is each thing once, to the billionth of a dollar`, async () => {
          const scope: CostScope = { by, ...(scopes[text] ?? assert.fail)() };
          const items = inScope(itemsOf(arrivals), scope);
          const expected = new Map<string, Sums>();
          for (const item of items) {
            const key = JSON.stringify(by.flatMap((dimension) => names[dimension](item)));
            expected.set(key, add(expected.get(key), item));
          }
          const { groups, total, group_count } = await survey(scope);
          const found = groups.map((group) => [JSON.stringify(Object.values(group.what)), shown(group)] as const);
          assert.deepEqual(new Map(found), expected);
          assert.equal(found.length, expected.size);
          assert.equal(group_count, expected.size);
          assert.deepEqual(shown(total), items.reduce<Sums>(add, [0, 0, 0, 0, 0, 0n]));
          assert.ok(items.length > 0);
          assert.ok(items.length < itemsOf(arrivals).length || text === "of all days");
        });
      }

      for (const [text, scopeOf] of Object.entries(scopes)) {
        it(`the raw rows ${text} and what is left out of them are its total`, async () => {
          const scope: CostScope = { by: ["agent"], ...scopeOf() };
          const { bridge, total, readings } = await survey(scope, true);
          assert.ok(bridge);
          const rows = arrivals.filter(({ table, event }) => {
            const { agent, business, since, until = Infinity } = scope;
            const time = micros(timeOf(event));
            return (
              costTables.has(table) &&
              time >= since &&
              time < until &&
              (agent === undefined || event["agent_position"] === agent) &&
              (business === undefined || event["business_id"] === business)
            );
          });
          const priced = rows.filter(({ event }) => usableCost(event["cost_usd"]) !== undefined);
          const sum = (some: readonly Arrival[]): bigint =>
            some.reduce((nanos, { event }) => nanos + BigInt(Math.round(Number(event["cost_usd"]) * 1e9)), 0n);
          assert.deepEqual([bridge.raw.rows, nanosOf(bridge.raw.cost_usd)], [priced.length, sum(priced)]);
          const isFirst = ({ table, event, publishedAt }: Arrival): boolean =>
            historyOf(arrivals, table).get(String(event["log_id"]))?.publishedAt === publishedAt;
          const again = priced.filter((arrival) => !isFirst(arrival));
          const { duplicate, conflict } = bridge.less;
          assert.equal(nanosOf(duplicate.cost_usd) + nanosOf(conflict.cost_usd), sum(again));
          assert.equal(duplicate.rows + conflict.rows, again.length);
          const less = Object.values(bridge.less).reduce((nanos, step) => nanos + nanosOf(step.cost_usd), 0n);
          assert.equal(
            nanosOf(bridge.raw.cost_usd) - less + nanosOf(bridge.into_scope.cost_usd),
            nanosOf(total.cost_usd),
          );
          assert.equal(bridge.total.cost_usd, total.cost_usd);

          const ids = Map.groupBy(rows, ({ table, event }) => `${table} ${String(event["log_id"])}`);
          const differing = [...ids.values()].filter(
            (copies) => new Set(copies.map(({ event }) => JSON.stringify(event))).size > 1,
          );
          assert.deepEqual(readings, { rows: rows.length, entries: ids.size, conflicts: differing.length });
        });
      }
    },
  );
}

describe("what was spent, of very many very small amounts", () => {
  it("is exact", async () => {
    const warehouse = await RawWarehouse.open("cost-tiny-test");
    try {
      const count = 100_000;
      const perMessage = 10_000;
      for (let from = 0; from < count; from += perMessage) {
        const events = Array.from({ length: perMessage }, (_, at): Event => {
          const n = from + at;
          const id = String(n).padStart(12, "0");
          return {
            log_id: `00000000-0000-7000-8000-${id}`,
            usage_id: `usage-${n}`,
            business_id: "acme",
            agent_position: "CFO",
            server_name: "s",
            tool_name: "t",
            called_at: "2026-01-31T09:00:00Z",
            cost_usd: 0.000000003,
          };
        });
        await warehouse.write("mcp_usage_logs", start + from, ...events);
      }
      const scope: CostScope = { by: ["tool"], since: start };
      const { groups, total, bridge } = await costOf(warehouse, { deadlineMs: 30_000 }, scope, true);
      assert.equal(total.cost_usd, "0.0003");
      assert.deepEqual(
        groups.map(({ cost_usd, tool_calls }) => [cost_usd, tool_calls]),
        [["0.0003", count]],
      );
      assert.equal(bridge?.raw.cost_usd, "0.0003");
    } finally {
      await warehouse.close();
    }
  });
});

describe("what was spent, of a log that changes between the questions", () => {
  /** A warehouse whose bridge has an amount of its own each time. */
  async function asked(...totals: readonly string[]): Promise<readonly [CostSurvey, times: number]> {
    const bigquery = new BigQuery({ projectId: "cost-changing-test" });
    let times = 0;
    mock.method(bigquery, "query", async ({ query }: { readonly query: string }) => {
      if (query.includes("AS group_count")) return [[{ group_count: 1, all_cost_usd: "2" }]];
      if (!query.includes("AS row_count")) return [[{ copies: 1, entries: 1, conflicts: 0 }]];
      const usd = totals[times] ?? assert.fail("asked too often");
      times += 1;
      return [[{ class: "counted", in_scope: true, row_count: 1, usd }]];
    });
    return [
      await costOf({ bigquery, datasets: defaultDatasets }, patience, { by: ["tool"], since: start }, true),
      times,
    ];
  }

  it("is asked once more, and once only", async () => {
    const [mended, twice] = await asked("1", "2");
    assert.deepEqual([mended.bridge?.total.cost_usd, mended.changed_meanwhile, twice], ["2", undefined, 2]);
    const [changed, again] = await asked("1", "1.5");
    assert.deepEqual([changed.bridge?.total.cost_usd, changed.changed_meanwhile, again], ["1.5", true, 2]);
    const [, once] = await asked("2");
    assert.equal(once, 1);
  });
});
