import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Line } from "../../cli/explore/line.ts";
import { dollars, lineText, wrapped } from "../../cli/explore/text.ts";
import { cellWidth } from "../../cli/terminal/cell.ts";

const line: Line = {
  table_name: "mcp_usage_logs",
  kind: "tool",
  log_id: "00000000-0000-7000-8000-000000000001",
  entity_id: "u-1",
  happened_at: "2026-01-31T09:30:00.123456Z",
  agent: "CFO",
  conversation_id: null,
  title: "bank/list_transfers",
  outcome: "ok",
  tokens: null,
  cost_usd: 0.0003,
  ingested_at: "2026-01-31T09:30:01Z",
};
const hostile = ["\u001b[2J\u202eevil\nline\ttab", "漢字".repeat(200), "x".repeat(3000), "👩‍👩‍👧‍👦 ".repeat(90), "", " "];

describe("lineText()", () => {
  it("has time, agent, what it is, title, outcome and cost", () => {
    assert.equal(lineText(line, 80), "01-31 09:30:00  CFO         tool          bank/list_transfers  ok $0.0003");
  });

  it("fits 80 columns and is one line without controls, whatever agents have written", () => {
    for (const text of hostile) {
      const shown = lineText({ ...line, agent: text, title: text, outcome: text }, 80);
      assert.ok(cellWidth(shown) <= 80, shown);
      assert.doesNotMatch(shown, /[\p{Cc}\u202e]/u);
    }
  });
});

describe("dollars()", () => {
  it("has three digits that say something below a cent, and no exponent", () => {
    const shown = [5e-10, 0.00034567, 0.0099999, 0.0482, 0, 12.5].map(dollars);
    assert.deepEqual(shown, ["$0.0000000005", "$0.000346", "$0.01", "$0.0482", "$0.0000", "$12.50"]);
    for (const usd of [5e-324, -3e-9, 1.5e-120]) assert.doesNotMatch(dollars(usd), /e/);
  });
});

describe("wrapped()", () => {
  it("breaks between words, and within those that are too long, at whole characters", () => {
    assert.deepEqual(wrapped("one two three\nfour", 9), ["one two", "three", "four"]);
    assert.deepEqual(wrapped("abcdefghijkl", 8), ["abcdefgh", "ijkl"]);
    for (const text of hostile)
      for (const part of wrapped(text, 20)) {
        assert.ok(cellWidth(part) <= 20, part);
        assert.doesNotMatch(part, /[\p{Cc}\u202e]/u);
      }
  });
});
