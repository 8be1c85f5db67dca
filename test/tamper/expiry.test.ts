import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { retentionMsOf } from "@indelible/ledger/verification/retention.ts";
import type { Verification } from "@indelible/ledger/verify.ts";
import { assertFound, assertFoundOf, logAndSeal } from "./attack.ts";
import { toolCall } from "./events.ts";
import { Arena, conversation, DAY, logIdOf, MINUTE, type World } from "./world.ts";

const midnightOf = (ms: number): number => Math.floor(ms / DAY) * DAY;

/** Lets the log be idle until then: its reads are in the access audit, and its sealer has not slept. */
async function idleUntil(world: World, nowMs: number): Promise<void> {
  world.nowMs = nowMs;
  await world.seal();
  await world.deliverAudit();
}

/** Two conversations and two calls of tools on each of two days. */
async function twoDays(world: World): Promise<void> {
  for (const from of [100, 200]) {
    await logAndSeal(world, [
      ["conversations", logIdOf(from), conversation(`c${from}`)],
      ["conversations", logIdOf(from + 1), conversation(`d${from}`)],
      ["mcp_usage_logs", logIdOf(from + 2), toolCall(`u${from}`)],
      ["mcp_usage_logs", logIdOf(from + 3), toolCall(`v${from}`)],
    ]);
    await idleUntil(world, world.nowMs + DAY);
  }
}

const deleteDay = (table: string, startMs: number): string =>
  `DELETE FROM ${table} WHERE ingested_at >= TIMESTAMP_MILLIS(${startMs}) AND ingested_at < TIMESTAMP_MILLIS(${startMs + DAY})`;

describe("the rows of a day are gone", () => {
  const arena = new Arena();
  before(() => arena.start());
  after(() => arena.stop());

  it("before its time: each of them is missing, and the other day is verified", async () => {
    const world = await arena.world();
    const day = midnightOf(world.nowMs);
    await twoDays(world);
    assertFound(await world.verify());
    await world.admin(deleteDay("conversations", day));
    const verification = await world.verify();
    assertFound(verification, `missing conversations ${logIdOf(100)}`, `missing conversations ${logIdOf(101)}`);
    const [before, after, ...others] =
      verification.tables.find(({ table }) => table === "conversations")?.verified ?? [];
    assert.deepEqual([before?.start, before?.end, others], [0n, BigInt(day) * 1000n, []]);
    assert.ok((after?.start ?? 0n) <= BigInt(day + DAY) * 1000n);
  });

  describe("and its retention", () => {
    let early: Verification;
    let late: Verification;
    let partly: Verification;
    before(async () => {
      const world = await arena.world();
      const day = midnightOf(world.nowMs);
      await twoDays(world);
      const expiresMs = day + retentionMsOf("mcp_usage_logs");
      await idleUntil(world, expiresMs - MINUTE);
      await world.admin(deleteDay("mcp_usage_logs", day));
      early = await world.verify();
      await idleUntil(world, expiresMs);
      late = await world.verify();
      // The next day is over as well, and of its rows one is left.
      await idleUntil(world, expiresMs + DAY);
      await world.admin(`DELETE FROM mcp_usage_logs WHERE log_id = '${logIdOf(202)}'`);
      await world.admin(deleteDay("conversations", day));
      partly = await world.verify();
    });

    it("is over in a minute: they are missing", () =>
      assertFoundOf(
        early,
        "mcp_usage_logs",
        `missing mcp_usage_logs ${logIdOf(102)}`,
        `missing mcp_usage_logs ${logIdOf(103)}`,
      ));

    it("is over: the window has expired, which is a notice, and the log is verified without a hole", () => {
      assert.deepEqual([late.verified, late.findingCounts], [true, { expired: 1 }]);
      assertFoundOf(late, "mcp_usage_logs", "expired mcp_usage_logs");
      const table = late.tables.find((of) => of.table === "mcp_usage_logs");
      assert.deepEqual([table?.expiredWindows, table?.verified.length, table?.rows], [1, 1, 2]);
    });

    it("is over, but not that of another table: there they are missing", () => {
      const expected = [`missing conversations ${logIdOf(100)}`, `missing conversations ${logIdOf(101)}`];
      assertFoundOf(partly, "conversations", ...expected);
    });

    it("is over, and one of them is still there: the warehouse did not do that, and the other is missing", () =>
      assertFoundOf(partly, "mcp_usage_logs", "expired mcp_usage_logs", `missing mcp_usage_logs ${logIdOf(202)}`));
  });
});
