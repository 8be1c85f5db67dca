import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { retentionMsOf } from "@indelible/ledger/verification/retention.ts";
import type { Verification } from "@indelible/ledger/verify.ts";
import { assertFound, assertFoundOf, logAndSeal } from "./attack.ts";
import { toolCall } from "./events.ts";
import { Arena, conversation, DAY, logIdOf, MINUTE, type World } from "./world.ts";

/** Rows that are sealed, and then years pass, for the log and for its warehouse, which takes away by itself what is over. */
describe("the warehouse goes on for years", () => {
  const arena = new Arena();
  let world: World;
  let firstDay: number;
  before(async () => {
    await arena.start();
    world = await arena.world();
    firstDay = Math.floor(world.nowMs / DAY) * DAY;
    for (const from of [100, 200]) {
      await logAndSeal(world, [
        ["conversations", logIdOf(from), conversation(`c${from}`)],
        ["conversations", logIdOf(from + 1), conversation(`d${from}`)],
        ["mcp_usage_logs", logIdOf(from + 2), toolCall(`u${from}`)],
        ["mcp_usage_logs", logIdOf(from + 3), toolCall(`v${from}`)],
      ]);
      world.nowMs += DAY;
      await world.seal();
      await world.deliverAudit();
    }
    assertFound(await world.verify());
  });
  after(() => arena.stop());

  /** Until then nobody logs anything. */
  async function passUntil(nowMs: number): Promise<void> {
    await arena.restart(nowMs);
    world.nowMs = nowMs;
    await world.seal();
    await world.deliverAudit();
  }
  const idsIn = async (table: string): Promise<string[]> => {
    const rows = await world.select<{ log_id: string }>(`SELECT log_id FROM ${table} ORDER BY log_id`);
    return rows.map((row) => row.log_id);
  };
  const expired = (verification: Verification): Record<string, number> =>
    Object.fromEntries(
      verification.tables
        .filter(({ expiredWindows }) => expiredWindows > 0)
        .map(({ table, expiredWindows }) => [table, expiredWindows]),
    );

  it("a minute before the first day of a table is over, everything is there and verified", async () => {
    await passUntil(firstDay + retentionMsOf("mcp_usage_logs") - MINUTE);
    assert.deepEqual(await idsIn("mcp_usage_logs"), [102, 103, 202, 203].map(logIdOf));
    const verification = await world.verify();
    assert.deepEqual([verification.verified, verification.findingCounts], [true, {}]);
  });

  it("when it is over, its rows are gone, which is a notice: the log is verified", async () => {
    await passUntil(firstDay + retentionMsOf("mcp_usage_logs"));
    assert.deepEqual(await idsIn("mcp_usage_logs"), [202, 203].map(logIdOf));
    const verification = await world.verify();
    assert.deepEqual([verification.verified, verification.findingCounts], [true, { expired: 1 }]);
    assert.deepEqual(expired(verification), { mcp_usage_logs: 1 });
  });

  it("a row that is deleted, or backdated, in a day that is not over is missing, beside the day that is", async () => {
    await world.admin(`DELETE FROM mcp_usage_logs WHERE log_id = '${logIdOf(202)}'`);
    await world.admin(`DELETE FROM conversations WHERE log_id = '${logIdOf(100)}'`);
    // Into a day that was over long ago, where the warehouse itself does away with it.
    await world.admin(
      `UPDATE conversations SET ingested_at = TIMESTAMP '1971-01-01 00:00:00+00' WHERE log_id = '${logIdOf(201)}'`,
    );
    assert.deepEqual(await idsIn("conversations"), [101, 200].map(logIdOf));
    const verification = await world.verify();
    assert.equal(verification.verified, false);
    assertFoundOf(verification, "mcp_usage_logs", "expired mcp_usage_logs", `missing mcp_usage_logs ${logIdOf(202)}`);
    const missing = [100, 201].map((id) => `missing conversations ${logIdOf(id)}`);
    assertFoundOf(verification, "conversations", ...missing);
  });

  it("when that day is over too, nobody can tell any more that one of its rows went before", async () => {
    await passUntil(firstDay + DAY + retentionMsOf("mcp_usage_logs"));
    assert.deepEqual(await idsIn("mcp_usage_logs"), []);
    const verification = await world.verify();
    assertFoundOf(verification, "mcp_usage_logs", "expired mcp_usage_logs", "expired mcp_usage_logs");
    const missing = [100, 201].map((id) => `missing conversations ${logIdOf(id)}`);
    assertFoundOf(verification, "conversations", ...missing);
  });

  it("a time that was shortened, so that rows went early: it is shortened, and each row is missing", async () => {
    await world.retain("conversations", 30);
    assert.deepEqual(await idsIn("conversations"), []);
    const verification = await world.verify();
    const missing = [100, 101, 200, 201].map((id) => `missing conversations ${logIdOf(id)}`);
    assertFoundOf(verification, "conversations", "retention-shortened conversations", ...missing);
  });

  it("and lengthened again, as if nothing had been: each row is missing", async () => {
    await world.retain("conversations", 2557);
    const verification = await world.verify();
    const missing = [100, 101, 200, 201].map((id) => `missing conversations ${logIdOf(id)}`);
    assertFoundOf(verification, "conversations", ...missing);
  });

  it("when all is over, the seals among it, the log is verified: all that was sealed in its first days has expired", async () => {
    const later = firstDay + 3 * DAY + retentionMsOf("conversations") + retentionMsOf("mcp_usage_logs");
    await passUntil(later);
    const verification = await world.verify();
    assert.equal(verification.verified, true, JSON.stringify(verification.findingCounts));
    assert.deepEqual(Object.keys(verification.findingCounts), ["expired"]);
    const { conversations = 0, mcp_usage_logs: calls = 0 } = expired(verification);
    assert.deepEqual([conversations, calls], [2, 2]);
  });

  it("and a clock that is set back brings nothing back", async () => {
    await arena.restart();
    assert.deepEqual([await idsIn("conversations"), await idsIn("mcp_usage_logs")], [[], []]);
  });
});
