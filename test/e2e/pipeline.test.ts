import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { shared } from "../shared.ts";
import { DataFolder, Dev, dev } from "./dev.ts";
import { assertSampleDay } from "./sample-day.ts";

const airline = shared("data/tau-bench-airline/gpt-4o-airline.json");

describe("npm start -- --once", () => {
  it("sends the sample day through everything, accounts for each event, and adds nothing when run again", async () => {
    using data = new DataFolder();
    const first = await dev(data);
    assert.equal(first.exitCode, 0);
    assertSampleDay(first.report);
    assert.deepEqual(
      first.report.costs.map(({ agent }) => agent),
      ["CEO", "CFO", "CMO"],
    );

    const second = await dev(data);
    assert.equal(second.exitCode, 0);
    assert.deepEqual([second.report.totals.rows, second.report.totals.missing, second.report.totals.extra], [0, 0, 0]);
    assert.deepEqual(second.report.costs, first.report.costs, "no cost counts twice");
  });

  it("prints what README.md shows", async () => {
    using data = new DataFolder();
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    const [, shown] = /```text\n([\s\S]*?)```/.exec(readme) ?? [];
    assert.equal((await new Dev(data, ["--once"]).output()).trimEnd(), shown?.trimEnd());
  });

  it(
    "takes 200 real agent runs with 5,308 messages, and adds nothing the second time",
    { skip: airline.skip },
    async () => {
      using data = new DataFolder();
      const first = await dev(data, "--import", airline.path);
      assert.equal(first.exitCode, 0);
      // 1,164 tool calls: an action's start, its completion and the MCP call each; a start and an end of 200 runs; 1,490 user
      // messages; the assistant's texts.
      assert.equal(first.report.tables.find(({ table }) => table === "action_logs")?.rows, 2 * 1164);
      assert.equal(first.report.tables.find(({ table }) => table === "mcp_usage_logs")?.rows, 1164);
      const { totals } = first.report;
      assert.deepEqual(totals, {
        published: totals.rows,
        rows: totals.rows,
        duplicates: 0,
        deadLetters: 0,
        missing: 0,
        extra: 0,
      });
      assert.deepEqual(first.report.hashes, { checked: totals.rows, right: totals.rows });

      const second = await dev(data, "--import", airline.path);
      assert.equal(second.exitCode, 0);
      assert.deepEqual(second.report.totals, { ...totals, rows: 0, duplicates: totals.rows });
    },
  );
});
