import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Command } from "commander";
import { defaultDatasets } from "@indelible/schemas/names.ts";
import { declareSummarize } from "../../../cli/summarize.ts";
import { nanosOf } from "../../../cli/cost/usd.ts";
import { dollarText } from "../../../cli/summarize/dollars.ts";
import { dayOption, daysOption, periodOf } from "../../../cli/summarize/period.ts";
import { rowsSql } from "../../../cli/summarize/places.ts";
import { reportText, type Report } from "../../../cli/summarize/report.ts";

describe("indelible summarize", () => {
  const parse = (...args: readonly string[]): Promise<unknown> => {
    const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
    declareSummarize(program);
    return program.parseAsync(["node", "indelible", "summarize", ...args]);
  };
  for (const args of [
    [],
    ["--out", ""],
    ["--out", "x", "--days", "0"],
    ["--out", "x", "--days", "3661"],
    ["--out", "x", "--days", "a week"],
    ["--out", "x", "--until", "2026-02-30"],
    ["--out", "x", "--until", "7d"],
    ["--out", "x", "--until", "2026-01-31T00:00:00Z"],
    ["--out", "x", "--table", "seals"],
    ["--out", "x", "--table", "log_access_audit"],
    ["--out", "x", "--colour"],
  ])
    it(`is used wrongly with ${JSON.stringify(args)}`, () =>
      assert.rejects(parse(...args), { name: /CommanderError|InvalidArgumentError/ }));

  it("has an example in its help, in 80 columns", () => {
    const program = new Command();
    declareSummarize(program);
    const [command] = program.commands;
    const lines: string[] = [];
    command?.configureOutput({ writeOut: (text) => lines.push(text), getOutHelpWidth: () => 80 }).outputHelp();
    const help = lines.join("");
    assert.match(help, /\$ indelible summarize --agent CFO --days 7 --out agents\/cfo\/logs/);
  });
});

describe("periodOf()", () => {
  it("counts whole days of UTC back from the last one", () => {
    assert.deepEqual(periodOf(daysOption("7"), dayOption("2026-03-01")), {
      days: 7,
      from: "2026-02-23",
      to: "2026-03-01",
      since: "2026-02-23T00:00:00.000Z",
      until: "2026-03-02T00:00:00.000Z",
    });
    assert.equal(periodOf(1, "2024-02-29").from, "2024-02-29");
  });
});

describe("dollars", () => {
  for (const [text, shown] of [
    ["0", "0.00"],
    ["0.083115", "0.083115"],
    ["1234567.5", "1,234,567.50"],
    ["1e-9", "0.000000001"],
    ["12", "12.00"],
    ["-0.25", "-0.25"],
    ["0.100000000", "0.10"],
    ["1e+25", "10,000,000,000,000,000,000,000,000.00"],
    ["1.5e-8", "0.000000015"],
  ] as const)
    it(`are shown of ${text} as ${shown}`, () => assert.equal(dollarText(nanosOf(text)), shown));
});

describe("rowsSql()", () => {
  it("stays one statement of three lines, whatever the agent is called", () => {
    const scope = { agent: "O'Neil\\\n```\u{202e}", period: periodOf(1, "2026-01-31") };
    const sql = rowsSql("decision_logs", scope, { project: "p", local: true, datasets: defaultDatasets });
    assert.equal(sql.split("\n").length, 3);
    assert.ok(sql.includes("agent_position = 'O\\'Neil\\\\\\U0000000a```\\U0000202e'"), sql);
  });
});

describe("reportText()", () => {
  it("fits 80 columns", () => {
    const file = {
      file: "escalation_logs.md",
      status: "written" as const,
      lines_added: 1234,
      lines_removed: 1000,
      table: "escalation_logs",
      rows: 12_345_678,
      entries: 1,
      total_tokens: 1,
      cost_usd: "12345.123456789",
      error: null,
    };
    const report: Report = {
      folder: "agents/cfo/logs",
      agent: "CFO",
      business: null,
      days: 7,
      from: "2026-01-25",
      to: "2026-01-31",
      files: [file, { ...file, status: "unchanged" }, { ...file, status: "failed" }],
    };
    const text = reportText(report, false, 80);
    assert.ok(
      text.split("\n").every((line) => [...line].length <= 80),
      text,
    );
    assert.match(text, /\n1 written, 1 unchanged, 1 failed in agents\/cfo\/logs \(2026-01-25 to 2026-01-31\)\.\n$/);
  });
});
