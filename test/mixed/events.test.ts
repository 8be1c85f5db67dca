import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { entryLines } from "@indelible/schemas/entry-lines.ts";
import { eventTables, type EventTable } from "@indelible/schemas/events.ts";
import { tables, type Event } from "@indelible/schemas/tables.ts";
import { rowsOf, type PlainRow } from "../../cli/warehouse.ts";
import { RawWarehouse } from "../e2e/raw-warehouse.ts";
import { shared } from "../shared.ts";
import { billionths, hostileEvents, modelCalls, tokensOf, usableCost, usableTokens } from "./cost-items.ts";
import { airlineEvents, bring, mixed, sampleEvents, type Arrival } from "./mixed-log.ts";
import { entitiesOf, historyOf, type HistoryRow } from "./reference.ts";

const airline = shared("data/tau-bench-airline/gpt-4o-airline.json");
const sources = [
  { name: "the sample company's day", skip: false, events: async () => sampleEvents("2026-01-31") },
  { name: "the airline's runs", skip: airline.skip, events: () => airlineEvents(airline.path, 12) },
] as const;

const said = (event: Event, name: string): boolean => event[name] !== undefined && event[name] !== null;

/** What sort of event an entry is. */
const typeOf: { readonly [N in EventTable]: (event: Event) => string } = {
  conversations: (event) => {
    if (event["status"] === "error" || event["status"] === "timeout") return "LLM_ERROR";
    if (["response_preview", "total_tokens", "input_tokens", "output_tokens"].some((name) => said(event, name)))
      return "LLM_RESPONSE";
    if (said(event, "status") || said(event, "ended_at")) return "INVOCATION_COMPLETED";
    return said(event, "user_prompt_preview") ? "USER_MESSAGE_RECEIVED" : "INVOCATION_STARTING";
  },
  thinking_logs: () => "AGENT_THINKING",
  decision_logs: (event) =>
    event["human_reviewed"] === true || said(event, "human_override") ? "DECISION_REVIEWED" : "DECISION_MADE",
  action_logs: (event) => {
    if (event["success"] === true) return "ACTION_COMPLETED";
    return event["success"] === false || said(event, "error_message") ? "ACTION_ERROR" : "ACTION_STARTING";
  },
  mcp_usage_logs: (event) => {
    if (event["success"] === true) return "TOOL_COMPLETED";
    if (event["success"] === false || said(event, "error_message")) return "TOOL_ERROR";
    return said(event, "result_summary") || said(event, "duration_ms") ? "TOOL_COMPLETED" : "TOOL_STARTING";
  },
  escalation_logs: (event) =>
    said(event, "resolved_at")
      ? "ESCALATION_RESOLVED"
      : said(event, "acknowledged_at")
        ? "ESCALATION_ACKNOWLEDGED"
        : "ESCALATION_RAISED",
};

function sum(values: Iterable<unknown>): number {
  let total = 0;
  for (const value of values) total += Number(value ?? 0);
  return total;
}

for (const { name, skip, events } of sources) {
  describe(`agent_events of ${name}, with duplicates, conflicts, late entries and in any order`, { skip }, () => {
    let warehouse: RawWarehouse;
    let arrivals: Arrival[];
    let rows: PlainRow[];
    before(async () => {
      const logged = (await events()).filter(({ table }) => eventTables.some((name) => name === table));
      const conversation = logged.find(({ table }) => table === "conversations")?.event["conversation_id"];
      arrivals = mixed([...logged, ...modelCalls(String(conversation)), ...hostileEvents()], 5);
      warehouse = await RawWarehouse.open("events-test");
      await bring(warehouse, arrivals);
      rows = await rowsOf(warehouse, { query: "SELECT * FROM agent_events" });
    });
    after(() => warehouse?.close());

    /** Every entry of every table once, with its table. */
    const expected = (): Map<string, HistoryRow & { readonly table: EventTable }> =>
      new Map(
        eventTables.flatMap((table) =>
          [...historyOf(arrivals, table)].map(([id, row]) => [id, { ...row, table }] as const),
        ),
      );

    it("has each entry once, as the event that it is, with its agent, time, outcome and conflict", () => {
      const entries = expected();
      assert.equal(rows.length, entries.size);
      for (const row of rows) {
        const entry = entries.get(String(row["log_id"]));
        assert.ok(entry !== undefined);
        const { event, table, publishedAt, conflict } = entry;
        const at = said(event, "logged_at") ? Date.parse(String(event["logged_at"])) : publishedAt / 1000;
        const wrong = event["success"] === false || ["error", "timeout"].includes(String(event["status"]));
        const well = event["success"] === true || event["status"] === "completed";
        const status = wrong || (said(event, "error_message") && !well) ? "ERROR" : well ? "OK" : null;
        const actual = {
          table_name: row["table_name"],
          event_type: row["event_type"],
          agent: row["agent"],
          span_id: row["span_id"],
          status: row["status"],
          conflict: row["conflict"],
          at: Date.parse(String(row["timestamp"])),
        };
        assert.deepEqual(
          actual,
          {
            table_name: table,
            event_type: typeOf[table](event),
            agent: event["agent_position"] ?? event["source_agent"],
            span_id: event[tables[table].entity],
            status,
            conflict,
            at,
          },
          JSON.stringify(event),
        );
      }
    });

    /** What is known of the entity of an entry. */
    const latestOf = (table: EventTable, event: Event): Event =>
      entitiesOf(arrivals, table).get(String(event[tables[table].entity])) ?? {};

    it("adds up to what conversations and tools have cost, however often they have said it", () => {
      for (const table of ["conversations", "mcp_usage_logs"] as const) {
        const entities = [...entitiesOf(arrivals, table).values()];
        const ofTable = rows.filter((row) => row["table_name"] === table);
        const tokens = entities.map((event) =>
          table === "mcp_usage_logs" ? usableTokens(event["tokens_used"]) : tokensOf(event),
        );
        assert.equal(sum(ofTable.map((row) => row["tokens"])), sum(tokens));
        assert.equal(
          sum(ofTable.map((row) => billionths(row["cost_usd"]))),
          sum(entities.map((event) => billionths(usableCost(event["cost_usd"])))),
        );
      }
    });

    it("adds up to what cost_daily says", async () => {
      const [daily] = await rowsOf(warehouse, { query: "SELECT SUM(cost_usd) AS cost FROM cost_daily" });
      assert.equal(sum(rows.map((row) => billionths(row["cost_usd"]))), billionths(daily?.["cost"]));
    });

    it("answers ADK's question for the tokens of responses", async () => {
      const [row] = await rowsOf(warehouse, {
        query: `SELECT SUM(CAST(JSON_VALUE(content, '$.usage.total') AS INT64)) AS of_content,
  SUM(CAST(JSON_VALUE(attributes, '$.usage_metadata.total_token_count') AS INT64)) AS of_attributes
FROM agent_events WHERE event_type IN ('LLM_RESPONSE', 'LLM_ERROR')`,
      });
      const tokens = sum(rows.filter((one) => one["table_name"] === "conversations").map((one) => one["tokens"]));
      assert.equal(sum([row?.["of_content"]]), tokens);
      assert.equal(sum([row?.["of_attributes"]]), tokens);
    });

    it("answers ADK's question for the latency of tools", async () => {
      const found = await rowsOf(warehouse, {
        query: `SELECT JSON_VALUE(content, '$.tool_origin') AS tool_origin, JSON_VALUE(content, '$.tool') AS tool_name, COUNT(*) AS call_count,
  AVG(CAST(JSON_VALUE(latency_ms, '$.total_ms') AS INT64)) AS avg_latency_ms
FROM agent_events WHERE event_type = 'TOOL_COMPLETED' GROUP BY tool_origin, tool_name ORDER BY call_count DESC, tool_name`,
      });
      const completed = [...historyOf(arrivals, "mcp_usage_logs").values()]
        .map(({ event }) => event)
        .filter((event) => typeOf.mcp_usage_logs(event) === "TOOL_COMPLETED");
      const byTool = Map.groupBy(completed, (event) => String(event["tool_name"]));
      assert.equal(found.length, byTool.size);
      for (const row of found) {
        const calls = byTool.get(String(row["tool_name"])) ?? [];
        const timed = calls.filter((event) => said(event, "duration_ms"));
        const mean = timed.length === 0 ? null : sum(timed.map((event) => event["duration_ms"])) / timed.length;
        assert.equal(row["tool_origin"], "MCP");
        assert.equal(row["call_count"], calls.length);
        assert.ok(
          mean === null ? row["avg_latency_ms"] === null : Math.abs(Number(row["avg_latency_ms"]) - mean) < 1e-6,
        );
      }
    });

    it("answers ADK's question for the errors of tools", async () => {
      const found = await rowsOf(warehouse, {
        query: `SELECT timestamp, agent, JSON_VALUE(content, '$.tool') AS tool_name, error_message
FROM agent_events WHERE event_type = 'TOOL_ERROR' ORDER BY timestamp DESC, tool_name LIMIT 1000`,
      });
      const failed = [...historyOf(arrivals, "mcp_usage_logs").values()].filter(
        ({ event }) => typeOf.mcp_usage_logs(event) === "TOOL_ERROR",
      );
      const pairs = (list: readonly (readonly [unknown, unknown])[]): string[] =>
        list.map((pair) => JSON.stringify(pair)).toSorted();
      assert.deepEqual(
        pairs(found.map((row) => [row["tool_name"], row["error_message"]])),
        pairs(failed.map(({ event }) => [event["tool_name"], event["error_message"] ?? null])),
      );
    });

    it("answers ADK's question for one conversation, in order", async () => {
      const [conversation] = entitiesOf(arrivals, "conversations").keys();
      const found = await rowsOf(warehouse, {
        query: `SELECT timestamp, event_type, agent, JSON_VALUE(content, '$.response') AS summary, log_id
FROM agent_events WHERE trace_id = @id ORDER BY timestamp ASC`,
        params: { id: conversation },
      });
      const conversationOf = (table: EventTable, event: Event): unknown => {
        const column = entryLines[table].conversation;
        return column === undefined ? undefined : (event[column] ?? latestOf(table, event)[column]);
      };
      const ids = [...expected()]
        .filter(([, { table, event }]) => conversationOf(table, event) === conversation)
        .map(([id]) => id);
      assert.deepEqual(found.map((row) => row["log_id"]).toSorted(), ids.toSorted());
      assert.ok(found.length >= 2);
      const times = found.map((row) => Date.parse(String(row["timestamp"])));
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );
    });
  });
}
