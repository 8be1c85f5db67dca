import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { bridgeOf } from "../../cli/cost/bridge.ts";
import { budgetOf } from "../../cli/cost/budget.ts";
import type { CostGroup, CostSums, CostSurvey } from "../../cli/cost/survey.ts";
import { costText, exceededText, nothingText } from "../../cli/cost/text.ts";
import { decimalOf, decimalsFor, nanosOf, usdText } from "../../cli/cost/usd.ts";
import { bar } from "../../cli/terminal/bar.ts";
import { cellWidth } from "../../cli/terminal/cell.ts";

const sums = (cost_usd: string, more: Partial<CostSums> = {}): CostSums => ({
  conversations: 2,
  tool_calls: 0,
  actions: 0,
  input_tokens: 1000,
  output_tokens: 200,
  total_tokens: 1200,
  cost_usd,
  unknown: { conversation: 0, tool: 0, action: 0 },
  ...more,
});
const group = (agent: string, cost: string, more: Partial<CostSums> = {}, business = "acme"): CostGroup => ({
  what: { business_id: business, agent_position: agent },
  ...sums(cost, more),
});
const survey = (groups: readonly CostGroup[], total: CostSums): CostSurvey => ({
  since: "2026-01-01T00:00:00Z",
  until: null,
  by: ["agent"],
  groups,
  group_count: groups.length,
  total,
  readings: { rows: 10, entries: 8, conflicts: 1 },
});

describe("amounts of dollars", () => {
  it("are exact from and to decimals, whatever their size", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), (nanos) => {
        assert.equal(nanosOf(decimalOf(nanos)), nanos);
      }),
    );
    assert.equal(decimalOf(nanosOf("1200")), "1200");
    assert.equal(decimalOf(nanosOf("0.10")), "0.1");
    assert.equal(decimalOf(0n), "0");
  });

  it("may come with an exponent", () => {
    assert.equal(decimalOf(nanosOf("1e-9")), "0.000000001");
    assert.equal(decimalOf(nanosOf("-2.5E+3")), "-2500");
    assert.throws(() => nanosOf("12 USD"), TypeError);
  });

  it("are shown in cents, rounded half up, with thousands, and never as nothing when they are something", () => {
    const cents = (decimal: string): string => usdText(nanosOf(decimal), 2);
    assert.deepEqual(["0", "0.004999999", "0.005", "1.005", "1234567.895", "999.995", "-0.001"].map(cents), [
      "0.00",
      "<0.01",
      "0.01",
      "1.01",
      "1,234,567.90",
      "1,000.00",
      "0.00",
    ]);
  });

  it("are shown in hundredths of a cent where all of it is less than a dollar", () => {
    assert.equal(decimalsFor(nanosOf("0.999999999")), 4);
    assert.equal(decimalsFor(nanosOf("1")), 2);
    assert.equal(usdText(nanosOf("0.00004"), 4), "<0.0001");
    assert.equal(usdText(nanosOf("0.0506"), 4), "0.0506");
  });
});

describe("a bar", () => {
  it("is as long as its share, to an eighth of a column, and never empty for more than nothing", () => {
    assert.deepEqual(
      [0, 0.0001, 0.5, 0.53125, 1, 7].map((share) => bar(share, 4)),
      ["", "▏", "██", "██▏", "████", "████"],
    );
  });
});

describe("what was spent, for people", () => {
  const many = [
    group("CFO", "120.5"),
    group("CMO", "0.001"),
    group("CEO", "0", { unknown: { conversation: 2, tool: 0, action: 0 } }),
  ];
  const total = sums("120.501", { conversations: 6, unknown: { conversation: 2, tool: 1, action: 1 } });

  it("has a line for each, a total, and what is unknown", () => {
    const text = costText(survey(many, total), undefined, 80);
    assert.match(text, /^CFO +2 +1,000 +200 +1,200 +120\.50 +100% █+$/m);
    assert.match(text, /^CMO .* <0\.01 +0% ▏$/m);
    assert.match(text, /^CEO .* unknown +0%$/m);
    assert.match(text, /^all +6 .* 120\.50$/m);
    assert.match(
      text,
      /^Unknown cost: 2 conversations and 1 tool call and 1 call of a model do not say what they cost\./m,
    );
    assert.match(text, /^Read 10 rows: 2 copies left out\.\n1 entry has copies that say something else/m);
  });

  it("calls a sum unknown only where nothing in it is known", () => {
    const unknown = (tool: number): CostSums["unknown"] => ({ conversation: 0, tool, action: 0 });
    const free = sums("0", { conversations: 0, tool_calls: 2, unknown: unknown(1) });
    assert.match(costText(survey([], free), undefined, 80), /^all +2 .* 0\.0000$/m);
    assert.match(costText(survey([], { ...free, unknown: unknown(2) }), undefined, 80), /^all +2 .* unknown$/m);
  });

  it("says that the log changed meanwhile", () => {
    const bridge = bridgeOf([{ class: "counted", in_scope: true, row_count: 1, usd: "120" }]);
    const changed = { ...survey(many, total), bridge, changed_meanwhile: true as const };
    assert.match(costText(changed, undefined, 80), /^The log changed while it was asked/m);
    assert.doesNotMatch(costText({ ...survey(many, total), bridge }, undefined, 80), /The log changed/);
  });

  it("tells an exceeded budget by exact amounts where rounded ones are the same", () => {
    const told = (used_usd: string, budget_usd: string): string =>
      exceededText(
        { used_usd, budget_usd, used_share: 1, is_exceeded: true, per_30_days_usd: null },
        "2026-01-01T00:00:00Z",
      );
    assert.match(told("2", "1.999999999"), /: 2 USD since .* is 1\.999999999 USD/);
    assert.match(told("0.004", "0.003"), /: 0\.004 USD since .* is 0\.003 USD/);
    assert.match(told("2.01", "1.999999999"), /: 2\.01 USD since .* is 2\.00 USD/);
  });

  it("fits the terminal, whatever agents are called", () => {
    const evil = group(`\u001b[31m${"漢".repeat(60)}\n| x`, "1", {}, "b".repeat(200));
    for (const width of [40, 60, 80, 120, 200]) {
      for (const line of costText(survey([...many, evil], total), undefined, width).split("\n")) {
        if (/^(Unknown|Read|1 entry)/.test(line)) continue;
        assert.ok(cellWidth(line) <= width, `${width}: ${line}`);
        assert.ok(!line.includes("\u001b"));
      }
    }
  });

  it("names the business only where there are several", () => {
    assert.doesNotMatch(costText(survey(many, total), undefined, 80), /acme/);
    const several = [...many, group("CFO", "1", {}, "bravo")];
    assert.match(costText(survey(several, total), undefined, 80), /^acme +CFO/m);
  });

  it("says how much of the budget is used, and what a month costs at this rate", () => {
    const day = 86_400_000_000;
    const budget = budgetOf({ total }, nanosOf("100"), { since: 0, until: 10 * day });
    assert.deepEqual(budget, {
      budget_usd: "100",
      used_usd: "120.501",
      used_share: 1.205,
      is_exceeded: true,
      per_30_days_usd: "361.503",
    });
    const text = costText(survey(many, total), budget, 80);
    assert.match(text, /^Budget {2}120\.50 of 100\.00 USD, 121% {2}█+$/m);
    assert.match(text, /^At this rate 361\.50 USD in 30 days\.$/m);
    assert.match(exceededText(budget, "2026-01-01T00:00:00Z"), /^over budget: 120\.50 USD since 2026-01-01 00:00:00Z/);
  });

  it("is not over a budget that is used to the last billionth, and has no rate for less than a day", () => {
    const budget = budgetOf({ total }, nanosOf("120.501"), { since: 0, until: 1 });
    assert.deepEqual([budget.is_exceeded, budget.used_share, budget.per_30_days_usd], [false, 1, null]);
    assert.equal(budgetOf({ total }, nanosOf("120.500999999"), { since: 0, until: 1 }).is_exceeded, true);
  });

  it("is a sentence where nothing was spent", () => {
    const window = { since: "2026-01-01T00:00:00Z", until: null };
    assert.match(nothingText(window, undefined), /^No cost since 2026-01-01 00:00:00Z\.\nThe log has no conversation/);
    assert.match(nothingText(window, "2025-01-01T00:00:00Z"), /began at 2025-01-01 00:00:00Z\./);
  });
});
