import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { tables, type Event } from "@indelible/schemas/tables.ts";
import { nanosOf } from "../../cli/cost/usd.ts";
import { periodOf } from "../../cli/summarize/period.ts";
import { summaryOf, type Spent, type TableSummary, type Total } from "../../cli/summarize/survey.ts";
import { summaries, summaryTables, type SummaryTable } from "../../cli/summarize/tables.ts";
import { rowsOf } from "../../cli/warehouse.ts";
import { RawWarehouse } from "../e2e/raw-warehouse.ts";
import { shared } from "../shared.ts";
import { hostileEvents, usableTokens } from "./cost-items.ts";
import { airlineEvents, bring, mixed, sampleEvents, type Arrival } from "./mixed-log.ts";
import { entitiesOf } from "./reference.ts";

const airline = shared("data/tau-bench-airline/gpt-4o-airline.json");
const sources = [
  { name: "the sample company's day", agent: "CFO", skip: false, events: async () => sampleEvents("2026-01-31") },
  {
    name: "the airline's runs",
    agent: "support",
    skip: airline.skip,
    events: () => airlineEvents(airline.path, 15),
  },
] as const;
const patience = { deadlineMs: 10_000 };

/** Of the days from `from` to `to`, both included, in the order in which a summary lists them. Nothing here knows SQL. */
function rowsIn(arrivals: readonly Arrival[], table: SummaryTable, from: string, to: string, agent?: string): Event[] {
  const { entity, occurredAt } = tables[table];
  const time = (event: Event): string => new Date(String(event[occurredAt])).toISOString();
  return [...entitiesOf(arrivals, table).values()]
    .filter((event) => time(event).slice(0, 10) >= from && time(event).slice(0, 10) <= to)
    .filter((event) => agent === undefined || event[summaries[table].agent] === agent)
    .toSorted((a, b) =>
      time(a) === time(b) ? (String(a[entity]) < String(b[entity]) ? -1 : 1) : time(a) < time(b) ? 1 : -1,
    );
}

function textOf(table: SummaryTable, event: Event): string | null {
  for (const one of summaries[table].what) {
    const [first, between, second] = typeof one === "string" ? [one, "", ""] : one;
    const text = [event[first], event[second]]
      .filter((part) => part !== undefined)
      .join(between)
      .trim();
    if (text !== "") return [...text].slice(0, 1000).join("");
  }
  return null;
}

function totalOf(
  { label, kind, ...measure }: (typeof summaries)[SummaryTable]["measures"][number],
  table: SummaryTable,
  rows: readonly Event[],
): Total {
  const given = rows.map((row) => row[measure.column ?? ""]).filter((value) => value !== undefined);
  const numbers = given.map(Number);
  switch (kind) {
    case "values": {
      const column = tables[table].columns[measure.column ?? ""];
      const values = column?.type === "string" ? (column.enum ?? []) : [];
      const counted = values.map((value) => ({ value, count: given.filter((one) => one === value).length }));
      return { label, kind, values: [...counted, { value: measure.none ?? "", count: rows.length - given.length }] };
    }
    case "average": {
      const billionths = numbers.reduce((sum, value) => sum + BigInt(Math.round(value * 1e9)), 0n);
      return { label, kind, average: numbers.length === 0 ? null : Number(billionths) / 1e9 / numbers.length };
    }
    case "sum": {
      const counts = given.flatMap((value) => usableTokens(value) ?? []);
      return { label, kind, sum: counts.length === 0 ? null : counts.reduce((sum, value) => sum + value, 0) };
    }
    case "share":
      return { label, kind, met: given.filter((value) => value === true).length, of: given.length };
    case "milliseconds": {
      const sorted = numbers.toSorted((a, b) => a - b);
      return { label, kind, ms: sorted[Math.ceil((sorted.length * (measure.percentile ?? 0)) / 100) - 1] ?? null };
    }
    case "count": {
      const pending = (row: Event): boolean => row["requires_human_review"] === true && row["human_reviewed"] !== true;
      const open = (row: Event): boolean => row["resolved_at"] === undefined;
      return { label, kind, count: rows.filter(table === "decision_logs" ? pending : open).length };
    }
  }
}

/** Averages to a billionth, because an exact one has no end. */
function rounded(summary: TableSummary): Omit<TableSummary, "spent"> {
  const { spent: _, ...rest } = summary;
  const totals = summary.totals.map((total) =>
    total.kind === "average" && total.average !== null ? { ...total, average: total.average.toFixed(9) } : total,
  );
  return { ...rest, totals: totals as Total[] };
}

for (const { name, agent: someAgent, skip, events } of sources) {
  describe(`summaries of ${name} with duplicates, conflicts, late entries and in any order`, { skip }, () => {
    let warehouse: RawWarehouse;
    let arrivals: Arrival[];
    before(async () => {
      arrivals = mixed([...(await events()), ...hostileEvents()], 3);
      warehouse = await RawWarehouse.open("summary-test");
      await bring(warehouse, arrivals);
    });
    after(() => warehouse?.close());

    for (const agent of [undefined, someAgent, "other-1"]) {
      it(`have the rows and totals that there are, of ${agent ?? "all agents"}`, async () => {
        const period = periodOf(3, "2026-02-01");
        const found = await summaryOf(warehouse, patience, { agent, period }, summaryTables, 7);
        let rowsInAll = 0;
        for (const summary of found) {
          const { table } = summary;
          const rows = rowsIn(arrivals, table, "2026-01-30", "2026-02-01", agent);
          rowsInAll += rows.length;
          const expected: TableSummary = {
            table,
            entities: rows.length,
            entries: rows.reduce((sum, row) => sum + Number(row["entries"]), 0),
            recent: rows.slice(0, 7).map((row) => ({
              id: String(row[tables[table].entity]),
              at: new Date(String(row[tables[table].occurredAt])).toISOString(),
              what: textOf(table, row),
              agent: String(row[summaries[table].agent]),
            })),
            totals: summaries[table].measures.map((measure) => totalOf(measure, table, rows)),
            spent: undefined,
          };
          const sameTimes = {
            ...summary,
            recent: summary.recent.map((entry) => ({ ...entry, at: new Date(entry.at).toISOString() })),
          };
          assert.deepEqual(rounded(sameTimes), rounded(expected), table);
        }
        assert.ok(rowsInAll > 2);
      });

      it(`have the cost that cost_daily has, of ${agent ?? "all agents"}`, async () => {
        const period = periodOf(2, "2026-01-31");
        const found = await summaryOf(warehouse, patience, { agent, period }, summaryTables);
        const rows = await rowsOf(warehouse, {
          query: `SELECT kind, SUM(total_tokens) AS tokens, SUM(cost_usd) AS usd FROM cost_daily
WHERE day BETWEEN '2026-01-30' AND '2026-01-31'${agent === undefined ? "" : ` AND agent_position = '${agent}'`} GROUP BY kind`,
        });
        const kinds = { conversations: "conversation", mcp_usage_logs: "tool", action_logs: "action" } as const;
        for (const [table, kind] of Object.entries(kinds)) {
          const spent = found.find((summary) => summary.table === table)?.spent as Spent;
          const row = rows.find((one) => one["kind"] === kind);
          const nanos = typeof row?.["usd"] === "string" ? nanosOf(row["usd"]) : null;
          assert.deepEqual([spent.totalTokens, spent.nanos], [row?.["tokens"] ?? null, nanos], table);
        }
        assert.ok(rows.length > 0);
      });
    }

    it("have nothing of other days and of agents that there are not", async () => {
      for (const scope of [
        { period: periodOf(7, "2020-01-01") },
        { period: periodOf(7, "2026-02-01"), agent: "nobody" },
      ]) {
        const found = await summaryOf(warehouse, patience, scope, summaryTables);
        assert.deepEqual(
          found.map(({ entities, entries, recent }) => [entities, entries, recent.length]),
          summaryTables.map(() => [0, 0, 0]),
        );
      }
    });
  });
}
