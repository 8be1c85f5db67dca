import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { Event, TableName } from "@indelible/schemas/tables.ts";
import { timelineOf, type Timeline } from "../../cli/timeline/read.ts";
import { timelineText } from "../../cli/timeline/text.ts";
import { cellWidth } from "../../cli/terminal/cell.ts";
import { RawWarehouse } from "./raw-warehouse.ts";

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
  const timeline = (id = "budget-t"): Promise<Timeline> => timelineOf(warehouse.bigquery, id);

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
