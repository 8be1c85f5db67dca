import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { costOf, createCostOf, loadPrices, type PricedCall } from "@indelible/publisher/cost";

const manifest = new URL("../../../node_modules/@pydantic/genai-prices/package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
const source = `@pydantic/genai-prices@${version}`;

/** Dollars for counts of tokens at prices in dollars for a million, by hand. */
function dollars(...parts: readonly (readonly [tokens: number, perMillion: number])[]): number {
  return parts.reduce((sum, [tokens, perMillion]) => sum + (tokens * perMillion) / 1e6, 0);
}

function assertCost(call: PricedCall, expected: number): void {
  const cost = costOf(call);
  assert.equal(cost?.cost_source, source);
  const actual = cost?.cost_usd ?? Number.NaN;
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);
}

test("costOf() - the provider's own figure goes before the price list, zero too", () => {
  const usage = { input_tokens: 1_000, output_tokens: 100 };
  for (const cost_usd of [0.0123, 0]) {
    const call = { provider: "openai", model: "gpt-4o", usage: { ...usage, cost_usd } };
    assert.deepEqual(costOf(call), { cost_usd, cost_source: "provider" });
  }
  for (const cost_usd of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assertCost({ provider: "openai", model: "gpt-4o", usage: { ...usage, cost_usd } }, 0.0035);
  }
});

test("costOf() - OpenAI: cached tokens are part of the input, and cost what cached ones cost", () => {
  assertCost(
    {
      provider: "openai",
      model: "gpt-4o-2024-08-06",
      usage: { input_tokens: 10_000, cache_read_tokens: 4_000, output_tokens: 500 },
    },
    dollars([6_000, 2.5], [4_000, 1.25], [500, 10]),
  );
});

test("costOf() - OpenAI: reasoning is part of the output and not paid for twice", () => {
  const usage = { input_tokens: 1_000, output_tokens: 2_000 };
  const expected = dollars([1_000, 1.1], [2_000, 4.4]);
  assertCost({ provider: "openai", model: "o3-mini", usage }, expected);
  assertCost({ provider: "openai", model: "o3-mini", usage: { ...usage, output_reasoning_tokens: 1_800 } }, expected);
});

test("costOf() - Anthropic: what was read from and written to the cache has prices of its own", () => {
  assertCost(
    {
      provider: "anthropic",
      model: "claude-sonnet-4-20250514",
      usage: { input_tokens: 20_000, cache_read_tokens: 12_000, cache_write_tokens: 5_000, output_tokens: 700 },
      at: new Date("2026-01-01"),
    },
    dollars([3_000, 3], [12_000, 0.3], [5_000, 3.75], [700, 15]),
  );
});

test("costOf() - a tiered price: beyond the tier all tokens cost the tier's price", () => {
  const call = { provider: "google", model: "gemini-2.5-pro" };
  const usage = { input_tokens: 200_000, output_tokens: 1_000 };
  assertCost({ ...call, usage }, dollars([200_000, 1.25], [1_000, 10]));
  assertCost({ ...call, usage: { ...usage, input_tokens: 200_001 } }, dollars([200_001, 2.5], [1_000, 15]));
});

test("costOf() - the price is that of the day of the call", () => {
  const usage = { input_tokens: 300_000, output_tokens: 1_000 };
  const call = { provider: "anthropic", model: "claude-opus-4-6", usage };
  assertCost({ ...call, at: new Date("2026-03-12") }, dollars([300_000, 10], [1_000, 37.5]));
  assertCost({ ...call, at: new Date("2026-03-13") }, dollars([300_000, 5], [1_000, 25]));
});

test("costOf() - a model by OpenRouter's name is found at OpenRouter", () => {
  const usage = { input_tokens: 1_000, output_tokens: 100 };
  assertCost({ provider: "openrouter", model: "anthropic/claude-3.5-sonnet", usage }, dollars([1_000, 3], [100, 15]));
});

test("costOf() - nothing for an unknown model or provider, no tokens, or counts that contradict each other", () => {
  const usage = { input_tokens: 1_000, output_tokens: 100 };
  assert.equal(costOf({ provider: "openai", model: "gpt-of-my-own", usage }), undefined);
  assert.equal(costOf({ provider: "localhost", model: "gpt-4o", usage }), undefined);
  assert.equal(costOf({ model: "gpt-4o", usage }), undefined);
  assert.equal(costOf({ provider: "openai", usage }), undefined);
  assert.equal(costOf({ provider: "openai", model: "gpt-4o", usage: {} }), undefined);
  const contradictory = { input_tokens: 10, cache_read_tokens: 20 };
  assert.equal(costOf({ provider: "openai", model: "gpt-4o", usage: contradictory }), undefined);
  const invalid = { input_tokens: Number.NaN, output_tokens: -1 };
  assert.equal(costOf({ provider: "openai", model: "gpt-4o", usage: invalid }), undefined);
  assert.equal(costOf({ provider: "openai", model: "gpt-4o", usage, at: new Date(Number.NaN) })?.cost_source, source);
});

test("costOf() - without the price list only the provider's own figures are costs, and it is asked for once", () => {
  for (const load of [
    () => undefined,
    () => {
      throw new Error("Cannot find module");
    },
  ]) {
    let loads = 0;
    const costWithout = createCostOf(() => {
      loads += 1;
      return load();
    });
    const call = { provider: "openai", model: "gpt-4o", usage: { input_tokens: 1 } };
    assert.deepEqual(costWithout({ ...call, usage: { cost_usd: 1 } }), { cost_usd: 1, cost_source: "provider" });
    assert.equal(loads, 0);
    assert.equal(costWithout(call), undefined);
    assert.equal(costWithout(call), undefined);
    assert.equal(loads, 1);
  }
});

test("loadPrices() - gives the same list each time, with the version that was loaded", () => {
  assert.equal(loadPrices()?.version, version);
  assert.equal(loadPrices(), loadPrices());
});
