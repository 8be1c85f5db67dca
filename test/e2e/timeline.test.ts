import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { Event, TableName } from "@indelible/schemas/tables.ts";
import type { Entity } from "../../cli/timeline/fold.ts";
import { timelineOf, type Timeline } from "../../cli/timeline/read.ts";
import { timelineText } from "../../cli/timeline/text.ts";
import { totalsOf } from "../../cli/timeline/totals.ts";
import { cellWidth } from "../../cli/terminal/cell.ts";
import { airlineEvents } from "../mixed/mixed-log.ts";
import { RawWarehouse } from "./raw-warehouse.ts";

describe("totalsOf()", () => {
  const entity = (table: TableName, latest: Event): Entity => ({
    table,
    id: "x",
    latest,
    entries: [latest],
    corrected: [],
    conflict: false,
  });

  it("leaves out amounts that nobody can have paid or used", () => {
    for (const cost_usd of [1e305, 1e9, -1, Number.NaN, Infinity, "7"]) {
      for (const tokens_used of [2e12, -5, 1.5, "9".repeat(400)]) {
        const totals = totalsOf([
          entity("mcp_usage_logs", { cost_usd, tokens_used }),
          entity("mcp_usage_logs", { cost_usd: 0.5, tokens_used: 7 }),
        ]);
        assert.deepEqual(totals, { total_tokens: 7, cost_usd: "0.5" });
      }
    }
    const chat = entity("conversations", { cost_usd: 1e305, total_tokens: -1 });
    const call = entity("action_logs", { cost_usd: 0.25, action_details: { model_name: "m", total_tokens: 3 } });
    assert.deepEqual(totalsOf([chat, call]), { total_tokens: 3, cost_usd: "0.25" });
  });

  it("counts what a model's call read and wrote when it gives no total", () => {
    const action_details = { model_name: "m", input_tokens: "12", output_tokens: 5 };
    assert.equal(totalsOf([entity("action_logs", { action_details })]).total_tokens, 17);
  });
});

describe("the timeline of a conversation", () => {
  const base = Date.parse("2026-02-01T00:00:00Z") * 1000;
  const common = { business_id: "acme", agent_position: "CFO", publisher_id: "p" };
  const at = (second: number): string => `2026-01-31T09:30:${String(second).padStart(2, "0")}Z`;
  let warehouse: RawWarehouse;
  let seq = 0;
  async function log(table: TableName, second: number, event: Event): Promise<void> {
    seq += 1;
    await warehouse.write(table, base + seq, { ...common, logged_at: at(second), seq, ...event });
  }
  const chat = { conversation_id: "budget-talk", started_at: at(0) };
  before(async () => {
    warehouse = await RawWarehouse.open("timeline-one-test");
    await log("conversations", 0, { ...chat, user_prompt_preview: "May we?\u001b[2J\u202e 漢字".repeat(8) });
    await log("thinking_logs", 5, {
      ...chat,
      started_at: undefined,
      thinking_id: "t-1",
      timestamp: at(5),
      thinking_content: "Hm. ".repeat(200),
    });
    const options = [
      { option: "all", pros: ["quick"], cons: [], score: 3 },
      { option: "half", pros: [], cons: ["slow"], score: 8.5 },
    ];
    await log("decision_logs", 6, {
      decision_id: "d-1",
      decided_at: at(6),
      decision_summary: "half",
      options_evaluated: options,
      chosen_option: "half",
    });
    const call = {
      ...chat,
      started_at: undefined,
      usage_id: "u-1",
      server_name: "s",
      tool_name: "x",
      called_at: at(7),
    };
    await log("mcp_usage_logs", 8, { ...call, success: true, duration_ms: 900, cost_usd: 0.5 });
    await log("mcp_usage_logs", 20, { ...call, success: false, error_message: "it had failed" });
    const raised = { escalation_id: "e-1", source_agent: "CFO", agent_position: undefined, escalated_at: at(9) };
    await log("escalation_logs", 9, {
      ...raised,
      source_conversation_id: "budget-talk",
      subject: "Greenlight",
      sla_target: at(30),
    });
    await log("escalation_logs", 10, { ...raised, acknowledged_at: at(10) });
    seq += 1;
    await log("escalation_logs", 12, {
      ...raised,
      resolved_at: at(12),
      resolution: "granted",
      resolved_by: "CEO",
      sla_met: true,
    });
    await log("conversations", 15, {
      ...chat,
      ended_at: at(15),
      status: "completed",
      response_preview: "Half.",
      total_tokens: 30,
      cost_usd: 0.25,
    });
    await log("conversations", 15, { ...chat, conversation_id: "budget-walk", ended_at: at(15) });
  });
  after(() => warehouse?.close());
  const timeline = (id = "budget-t"): Promise<Timeline> => timelineOf(warehouse, id);

  it("has every stage in order, with how long it took, what was corrected, and what is missing", async () => {
    const { items, totals, missing, overlapping } = await timeline();
    assert.deepEqual(
      items.map(({ kind, elapsed_ms, outcome, failed }) => [kind, elapsed_ms / 1000, outcome, failed]),
      [
        ["prompt", 0, null, false],
        ["thinking", 5, null, false],
        ["decision", 6, null, false],
        ["tool", 7, "failed", true],
        ["escalation", 9, null, false],
        ["acknowledged", 10, null, false],
        ["resolved", 12, "SLA met", false],
        ["outcome", 15, "completed", false],
      ],
    );
    assert.deepEqual(items.find(({ kind }) => kind === "tool")?.corrected, ["success"]);
    assert.deepEqual(items.find(({ kind }) => kind === "resolved")?.duration_ms, 3000);
    assert.deepEqual([totals.total_tokens, Number(totals.cost_usd), overlapping], [30, 0.75, 1]);
    assert.deepEqual(missing, [{ publisher_id: "p", first_missing: 8, last_missing: 8 }]);
  });

  it("marks the option that was chosen, shows nothing that moves the cursor, and cuts long texts unless asked", async () => {
    const one = await timeline();
    const text = timelineText(one, false, 80);
    assert.match(text, /option all \[3\]: \+ quick\n +option \* half \[8\.5\]: - slow/);
    assert.match(text, /\+0:07 {2}tool !/);
    assert.match(text, /corrected: success/);
    assert.ok(!text.includes("\u001b[2J") && !text.includes("\u202e"));
    assert.ok(timelineText(one, true, 80).length > text.length);
    for (const line of text.split("\n")) assert.ok(cellWidth(line) <= 80, line);
  });

  it("counts conversations that are still running as those at the same time", async () => {
    const of = { agent_position: "COO", publisher_id: "o" };
    await log("conversations", 1, { ...chat, ...of, conversation_id: "measured", ended_at: at(9), started_at: at(5) });
    await log("conversations", 1, { ...chat, ...of, conversation_id: "running", started_at: at(1) });
    await log("conversations", 1, { ...chat, ...of, conversation_id: "before", started_at: at(1) });
    await log("conversations", 2, { ...chat, ...of, conversation_id: "before", started_at: at(1), ended_at: at(2) });
    await log("conversations", 1, { ...chat, ...of, conversation_id: "later", started_at: at(11) });
    assert.equal((await timeline("measured")).overlapping, 1);
  });

  it("says what is missing, and not what is in dead letters that are whole messages", async () => {
    const numbered = { agent_position: "CTO", publisher_id: "whole", conversation_id: "numbered-talk" };
    await log("conversations", 1, { ...chat, ...numbered, seq: 1 });
    await log("conversations", 2, { ...chat, ...numbered, seq: 9 });
    const refused = [3, 4, 8].map((number) => JSON.stringify({ ...numbered, seq: number }));
    await warehouse.bury(base + 900, refused.join("\n"), {
      "indelible.reason": "ERR_ENCODING",
      "indelible.table": "conversations",
      "indelible.message_id": "whole-1",
      "indelible.published_at": "2026-02-01T00:00:00Z",
    });
    const one = await timeline("numbered-talk");
    assert.deepEqual(
      one.missing.map(({ first_missing, last_missing }) => [first_missing, last_missing]),
      [
        [2, 2],
        [5, 7],
      ],
    );
    const letter = String(one.dead_letters[0]?.["dead_letter_id"]);
    assert.match(timelineText(one, false, 40), new RegExp(`\\n  indelible dlq show ${letter}\\n`));
  });

  it("says that totals are of the whole conversation when one agent's items are listed", async () => {
    const one = await timelineOf(warehouse, "budget-talk", { agent: "nobody" });
    assert.deepEqual([one.items.length, one.totals.total_tokens, one.only_agent], [0, 30, "nobody"]);
    assert.match(timelineText(one, false, 80), /0 items of nobody\. Total of the whole conversation/);
  });

  it("prints commands that do nothing an agent has written", async () => {
    const hostile = "x; touch p #\u001b[2J";
    await log("conversations", 1, { ...chat, conversation_id: hostile, publisher_id: "h" });
    const text = timelineText(await timeline(hostile), false, 80);
    assert.match(text, /\n {2}indelible show \$'x; touch p #\\x1b\[2J'\n/);
    await log("conversations", 1, { ...chat, conversation_id: "--data=p", publisher_id: "h" });
    assert.match(timelineText(await timeline("--data=p"), false, 80), /\n {2}indelible show -- --data=p\n/);
  });

  it("takes a tool's call and the action that is one for the same, as an import writes them, and no other action", async () => {
    const folder = mkdtempSync(join(tmpdir(), "indelible-timeline-"));
    after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "run.json");
    const call = (id: string) => ({ id, type: "function", function: { name: "get_user", arguments: "{}" } });
    const run = [
      { role: "user", content: "Who am I?" },
      { role: "assistant", content: null, tool_calls: [call("a"), call("b")] },
      { role: "tool", tool_call_id: "a", name: "get_user", content: "Mara" },
      { role: "tool", tool_call_id: "b", name: "get_user", content: "Mara" },
      { role: "assistant", content: "Mara." },
    ];
    writeFileSync(path, JSON.stringify(run));
    const events = await airlineEvents(path, 1);
    for (const [index, { table, event }] of events.entries()) await warehouse.write(table, base + 2000 + index, event);
    const id = String(events[0]?.event["conversation_id"]);
    const calls = events.find(({ table }) => table === "mcp_usage_logs")?.event ?? {};
    const other = { conversation_id: id, business_id: "airline", agent_position: "support", action_id: "written" };
    const written = { action_type: "file_write", action_target: "airline/get_user", started_at: calls["called_at"] };
    await warehouse.write("action_logs", base + 2900, { ...other, ...written });
    const { items } = await timeline(id);
    const tools = items.filter(({ kind }) => kind === "tool").map(({ entity_id }) => entity_id);
    const actions = items.filter(({ kind }) => kind === "action");
    assert.equal(tools.length, 2);
    assert.deepEqual(actions.flatMap(({ same_as }) => same_as ?? []).toSorted(), tools.toSorted());
    assert.deepEqual(
      actions.filter(({ same_as }) => same_as === null).map(({ entity_id }) => entity_id),
      ["written"],
    );
  });

  it("says which conversations a beginning may be, and what to try when there is none", async () => {
    const refusal = async (id: string): Promise<string> => {
      try {
        await timeline(id);
      } catch (error) {
        if (IndelibleError.is(error) && error.code === "ERR_NOT_FOUND") return `${error.message}. ${error.hint}`;
        throw error;
      }
      return "found";
    };
    assert.match(await refusal("budget-"), /budget-talk, budget-walk/);
    assert.match(await refusal("nothing"), /indelible tail/);
    assert.match(await refusal("bud"), /at least 4/);
  });
});
