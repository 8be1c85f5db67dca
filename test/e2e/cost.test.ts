import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Event } from "@indelible/schemas/tables.ts";
import type { CostSurvey } from "../../cli/cost/survey.ts";
import { nanosOf } from "../../cli/cost/usd.ts";
import { DeliveryWarehouse } from "../../cli/delivery/warehouse.ts";
import { bring, mixed, sampleEvents } from "../mixed/mixed-log.ts";
import { RawWarehouse } from "./raw-warehouse.ts";

const projectId = "cost-cli-test";

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly errors: string;
}

async function cost(...args: readonly string[]): Promise<Outcome> {
  const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
  const child = spawn(process.execPath, [main, "cost", ...args], {
    env: { ...process.env, GOOGLE_CLOUD_PROJECT: projectId },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, errors] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, errors };
}

const surveyOf = ({ out }: Outcome): CostSurvey => JSON.parse(out) as CostSurvey;

describe("indelible cost", () => {
  let warehouse: RawWarehouse;
  before(async () => {
    warehouse = await RawWarehouse.open(projectId);
  });
  after(() => warehouse?.close());

  it("says of a log without anything that nothing was spent", async () => {
    const outcome = await cost("--budget", "1");
    const { groups, total } = surveyOf(outcome);
    assert.deepEqual([outcome.code, outcome.errors, groups, total.cost_usd], [0, "", [], "0"]);
  });

  it("shows what is dated in the future, unless --until says otherwise", async () => {
    const started = (id: string, ms: number): Event => ({
      conversation_id: id,
      business_id: "tomorrow",
      agent_position: "CFO",
      started_at: new Date(Date.now() + ms).toISOString(),
      cost_usd: 1,
    });
    const hour = 3_600_000;
    await warehouse.write("conversations", Date.now() * 1000, started("now", -hour), started("ahead", 24 * hour));
    assert.equal(surveyOf(await cost("--business", "tomorrow")).total.cost_usd, "2");
    assert.equal(surveyOf(await cost("--business", "tomorrow", "--until", "0s")).total.cost_usd, "1");
    assert.equal(surveyOf(await cost("--business", "nobody")).total.cost_usd, "0");
  });

  it("fails with a sentence when the budget is exceeded, and not when it is used up", async () => {
    const within = await cost("--business", "tomorrow", "--budget", "2");
    assert.deepEqual([within.code, within.errors], [0, ""]);
    const beyond = await cost("--business", "tomorrow", "--budget", "1.999999999");
    assert.equal(beyond.code, 1);
    assert.match(beyond.errors, /^over budget: 2 USD since .*, and the budget is 1\.999999999 USD\n$/);
    assert.equal(surveyOf(beyond).total.cost_usd, "2");
  });

  it("is wrong usage with an option that means nothing", async () => {
    for (const args of [
      ["--by", "colour"],
      ["--by", "agent,"],
      ["--budget", "0"],
      ["--budget", "-5"],
      ["--since", "x"],
      ["--since", "1d", "--until", "2d"],
    ]) {
      const { code, out, errors } = await cost(...args);
      assert.deepEqual([code, out], [2, ""], args.join(" "));
      assert.match(errors, /^error: .*\n/);
    }
  });

  it("says by agent what the report of `indelible dev` says", async () => {
    await bring(warehouse, mixed(sampleEvents("2026-01-31"), 9));
    const { groups } = surveyOf(await cost("--since", "2000-01-01T00:00:00Z"));
    const reported = await new DeliveryWarehouse(warehouse, { deadlineMs: 1000 }).costs();
    const sums = reported.map(({ business, agent, conversations, tokens, toolCalls, modelUsd, toolUsd, actionUsd }) => [
      [business, agent],
      conversations,
      toolCalls,
      tokens,
      [modelUsd, toolUsd, actionUsd].reduce((nanos, usd) => nanos + nanosOf(usd.toFixed(9)), 0n),
    ]);
    const shown = groups.map(({ what, conversations, tool_calls, total_tokens, cost_usd }) => [
      Object.values(what),
      conversations,
      tool_calls,
      total_tokens ?? 0,
      nanosOf(cost_usd),
    ]);
    const sorted = (rows: readonly unknown[][]): unknown[][] =>
      rows.toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
    assert.deepEqual(sorted(shown), sorted(sums));
    assert.ok(groups.length > 3);
  });
});
