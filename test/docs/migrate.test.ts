import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { publishedTables, VIEWS_DATASET } from "@indelible/schemas/names.ts";
import { assertEvent } from "@indelible/schemas/validator.ts";
import { RawWarehouse } from "../e2e/raw-warehouse.ts";

const text = readFileSync(fileURLToPath(new URL("../../docs/migrate.md", import.meta.url)), "utf8");
const sample = (name: string): string => readFileSync(fileURLToPath(new URL(`${name}.jsonl`, import.meta.url)), "utf8");

function block(language: string, containing: string): string {
  const found = [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].find(([, body]) =>
    body?.includes(containing),
  );
  assert.ok(found?.[1], `docs/migrate.md has no ${language} with ${containing}`);
  return found[1];
}

function run(args: readonly string[], input: string): string[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { input, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout.split("\n").slice(0, -1);
}

/** What `indelible emit --business-id acme --agent-position support --strict` makes sure of. */
function event(line: string): { readonly [column: string]: unknown } {
  const { table, event } = JSON.parse(line) as { table: string; event: { [column: string]: unknown } };
  const name = publishedTables.find((published) => published === table);
  assert.ok(name, table);
  const whole = { business_id: "acme", agent_position: "support", ...event };
  assertEvent(name, whole);
  return whole;
}

describe("docs/migrate.md", () => {
  it("gives each of Langfuse's observations as an event that its table takes", () => {
    const folder = mkdtempSync(join(tmpdir(), "indelible-migrate-"));
    try {
      const program = join(folder, "langfuse.mjs");
      writeFileSync(program, block("js", "usage_details"));
      const events = run([program], sample("langfuse-observations")).map(event);
      assert.deepEqual(
        events.map((one) => one["conversation_id"]),
        Array.from({ length: 4 }, () => "7d1f0a52c3b94e6f8a1b2c3d4e5f6071"),
      );
      assert.equal(events[0]?.["status"], "completed");
      assert.equal(events[1]?.["cost_usd"], 0.00227);
      assert.equal(events[2]?.["success"], false);
      assert.equal(events[3]?.["completed_at"], undefined);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("takes the rows of the seed's tables out of what BigQuery exports", () => {
    const [, command = ""] = /node -e '(require[^']+)'/.exec(block("sh", "readline")) ?? [];
    const rows = run(["-e", command], sample("seed-conversations")).map((line) => JSON.parse(line) as unknown);
    assert.doesNotThrow(() => assertEvent("conversations", rows[0]));
    assert.throws(() => assertEvent("conversations", rows[1]), /status/);
  });

  it("has a query of ADK's table that runs on the view which has its columns", async () => {
    const warehouse = await RawWarehouse.open("migrate");
    try {
      await warehouse.write("mcp_usage_logs", Date.UTC(2026, 0, 31, 9) * 1000, {
        usage_id: "call-1",
        business_id: "acme",
        agent_position: "CFO",
        conversation_id: "session-1",
        server_name: "ledger",
        tool_name: "get_budget",
        called_at: "2026-01-31T09:00:00Z",
        logged_at: "2026-01-31T09:00:01Z",
        duration_ms: 1000,
        success: true,
        result_summary: "under budget",
      });
      const query = block("sql", "session_start");
      const [rows] = await warehouse.bigquery.query({ query, defaultDataset: { datasetId: VIEWS_DATASET } });
      const [action] = (rows as { line: string }[]).map(({ line }) => event(line));
      assert.equal(action?.["action_target"], "get_budget");
      assert.equal(action["result_summary"], "under budget");
      assert.equal(action["started_at"], "2026-01-31T09:00:00.000000Z");
    } finally {
      await warehouse.close();
    }
  });
});
