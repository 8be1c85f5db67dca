import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { Advance, VerifyOptions } from "@indelible/ledger/verify.ts";
import type { CellRow } from "./memory-warehouse.ts";
import { BEGINNING, codesOf, DAY, HOUR, SECOND, sealedWorld, summary, World } from "./verify-world.ts";

const folder = mkdtempSync(join(tmpdir(), "verify-"));
after(() => rmSync(folder, { recursive: true }));

/** Aborts a verification when so many rows have been read. */
async function interrupted(
  world: World,
  file: string,
  rows: number,
  options: Partial<VerifyOptions> = {},
): Promise<void> {
  const controller = new AbortController();
  world.warehouse.rowsRead = 0;
  world.warehouse.onBatch = () => {
    if (world.warehouse.rowsRead >= rows) controller.abort();
  };
  const run = { checkpointing: { file }, ...options, signal: controller.signal, limits: { rowsPerRead: 1 } };
  await assert.rejects(world.verify(run), { name: "AbortError" });
  world.warehouse.onBatch = () => {};
}

describe("verify() - a run", () => {
  it("goes on where it was interrupted, with what it had found, and reads no window twice", async () => {
    const { world, ids } = await sealedWorld(20);
    const file = join(folder, "resumed");
    world.admin.delete("action_logs", ids[0] as string);
    world.admin.update("conversations", world.warehouse.rows("conversations")[0]?.["log_id"] as string, {
      status: "error",
    });
    const whole = await world.verify();
    await interrupted(world, file, 55);
    assert.ok(existsSync(file));
    world.warehouse.reads.length = 0;
    const resumed = await world.verify({ checkpointing: { file, resume: true } });
    assert.deepEqual({ ...resumed, resumed: false }, { ...whole, resumed: false });
    assert.equal(resumed.resumed, true);
    assert.ok(
      !world.warehouse.reads.some(
        ({ table, from }) =>
          table === "conversations" &&
          from !== undefined &&
          from < (world.ends.get(table) ?? 0n) - 3600n * 2n * 1_000_000n,
      ),
    );
    assert.ok(!existsSync(file));
  });

  it("goes on when the log has grown meanwhile", async () => {
    const { world } = await sealedWorld(20);
    const file = join(folder, "grown");
    await interrupted(world, file, 55);
    world.log();
    await world.seal();
    const verification = await world.verify({ checkpointing: { file, resume: true } });
    assert.deepEqual([verification.resumed, verification.verified], [true, true]);
    assert.equal(verification.counts.rows, 61);
  });

  it("begins anew when the range, the tables or the log are others, or the file is damaged", async () => {
    const { world } = await sealedWorld(20);
    const { world: other } = await sealedWorld(21);
    const file = join(folder, "anew");
    const checkpointing = { file, resume: true };
    await interrupted(world, file, 55);
    assert.equal((await other.verify({ checkpointing })).resumed, false);
    await interrupted(world, file, 55);
    assert.equal((await world.verify({ checkpointing, tables: ["action_logs"] })).resumed, false);
    await interrupted(world, file, 55);
    assert.equal((await world.verify({ checkpointing, since: 5n })).resumed, false);
    for (const text of ["", "{}", "null", '{"format":"indelible-verify/1"}']) {
      writeFileSync(file, text);
      const verification = await world.verify({ checkpointing });
      assert.deepEqual([verification.resumed, verification.verified], [false, true]);
    }
  });

  it("goes on with the range that was asked for in the same words, though they mean another time by now", async () => {
    const { world } = await sealedWorld(20);
    const file = join(folder, "words");
    const since = world.clock - 2n * HOUR;
    const until = world.clock - 30n * 60n * SECOND;
    const whole = await world.verify({ since, until });
    await interrupted(world, file, 25, { since, until, checkpointing: { file, rangeText: "2h to 30m" } });
    world.clock += 5n * 60n * SECOND;
    const later = { since: since + 5n * 60n * SECOND, until: until + 5n * 60n * SECOND };
    world.warehouse.rowsRead = 0;
    const resumed = await world.verify({ ...later, checkpointing: { file, resume: true, rangeText: "2h to 30m" } });
    assert.deepEqual({ ...resumed, resumed: false }, { ...whole, resumed: false });
    assert.deepEqual([resumed.resumed, resumed.asked.since, resumed.asked.until], [true, since, until]);
    assert.ok(!existsSync(file));
  });

  it("begins anew when the range was asked for in other words, or in none", async () => {
    const { world } = await sealedWorld(20);
    const file = join(folder, "other-words");
    const since = world.clock - 2n * HOUR;
    for (const [before, after] of [
      ["2h", "120m"],
      ["2h", undefined],
      [undefined, "2h"],
    ]) {
      await interrupted(world, file, 25, { since, checkpointing: { file, rangeText: before } });
      const checkpointing = { file, resume: true, rangeText: after };
      const verification = await world.verify({ since: since + 1n, checkpointing });
      assert.deepEqual([verification.resumed, verification.asked.since], [false, since + 1n]);
    }
    const rangeText = "2h";
    await interrupted(world, file, 25, { since, checkpointing: { file, rangeText } });
    const tables = ["action_logs"] as const;
    assert.equal(
      (await world.verify({ since, tables, checkpointing: { file, resume: true, rangeText } })).resumed,
      false,
    );
    await interrupted(world, file, 25, { since, checkpointing: { file, rangeText } });
    const damaged = readFileSync(file, "utf8").replace(`"since":"${since}"`, '"since":"lately"');
    writeFileSync(file, damaged);
    assert.equal((await world.verify({ since, checkpointing: { file, resume: true, rangeText } })).resumed, false);
  });

  it("begins anew without being told to resume", async () => {
    const { world } = await sealedWorld(20);
    const file = join(folder, "not-told");
    await interrupted(world, file, 55);
    assert.equal((await world.verify({ checkpointing: { file } })).resumed, false);
  });

  it("takes a day that expires during the run for expired, and what comes in meanwhile for what it is", async () => {
    const { world } = await sealedWorld();
    const until = world.ends.get("action_logs") as bigint;
    // Two years, counted from the beginning of the day.
    const expiry = BEGINNING - 8n * HOUR + 731n * DAY;
    world.clock = expiry - 1n;
    world.warehouse.onBatch = () => {
      world.clock = expiry;
      world.admin.truncate("action_logs");
      world.warehouse.onBatch = () => {};
    };
    const tables = ["action_logs", "conversations"] as const;
    const verification = await world.verify({ tables, until, witness: undefined });
    assert.deepEqual([verification.findingCounts.expired, verification.findingCounts.missing], [2, undefined]);

    const { world: other } = await sealedWorld();
    other.warehouse.onBatch = () => {
      other.warehouse.onBatch = () => {};
      other.clock += 5n * HOUR;
      other.log();
    };
    const report = await other.verify();
    assert.deepEqual([codesOf(report), report.counts.unsealedRows], [[], 1]);
  });

  it("says that it cannot remove its position as it says that it cannot write it", async () => {
    const error = { code: "ERR_STORE", retryable: true };
    const checkpointing = { file: folder };
    await assert.rejects(new World().verify({ checkpointing }), error);
    const { world } = await sealedWorld();
    await assert.rejects(world.verify({ checkpointing }), error);
  });

  it("says how far it is, by the rows that were sealed", async () => {
    const { world } = await sealedWorld(20);
    const advances: Advance[] = [];
    await world.verify({ onProgress: (advance) => advances.push(advance), limits: { rowsPerRead: 1 } });
    assert.deepEqual(advances.at(-1), { rowsDone: 60, rowsTotal: 60 });
    assert.ok(advances.every(({ rowsDone }, index) => index === 0 || rowsDone >= (advances[index - 1]?.rowsDone ?? 0)));
  });

  it("reads many windows at once, and none of them again", async () => {
    const { world } = await sealedWorld();
    for (let index = 0; index < 10; index += 1) {
      world.log();
      await world.seal();
    }
    world.warehouse.reads.length = 0;
    await world.verify({ tables: ["action_logs"] });
    assert.equal(world.warehouse.reads.filter(({ table }) => table === "action_logs").length, 3);
    await world.verify({ tables: ["action_logs"], limits: { rowsPerRead: 8 } });
    assert.deepEqual(codesOf(await world.verify({ limits: { rowsPerRead: 8 } })), []);
  });

  it("stops reading a window that never ends, says so, and verifies the others", async () => {
    const { world, ids } = await sealedWorld();
    const [row] = world.warehouse.rows("action_logs") as [CellRow];
    world.warehouse.endless.set("action_logs", function* () {
      for (let number = 0; number < 1e9; number += 1) yield { ...row, log_id: `${number}` };
    });
    world.warehouse.rowsRead = 0;
    const limits = { extraRows: 100 };
    const options = { tables: ["action_logs"] as const, limits, until: world.ends.get("action_logs"), since: 0n };
    const verification = await world.verify(options);
    assert.equal(verification.verified, false);
    assert.ok((verification.findingCounts["window-differs"] ?? 0) > 0);
    assert.ok(world.warehouse.rowsRead < 3000);
    world.warehouse.endless.clear();
    for (let number = 0; number < 300; number += 1)
      world.admin.copy("action_logs", ids[9] as string, { log_id: `${number}` });
    const second = await world.verify(options);
    assert.equal(second.findingCounts["window-differs"], 1);
    assert.equal(second.counts.windows, 2);
  });

  it("stops reading rows of absurd size", async () => {
    const { world, ids } = await sealedWorld();
    for (let number = 0; number < 3; number += 1)
      world.admin.copy("action_logs", ids[9] as string, { message_id: "x".repeat(200_000) });
    const verification = await world.verify({ limits: { extraRows: 100 } });
    assert.equal(verification.findingCounts["window-differs"], 1);
    assert.ok(JSON.stringify(verification.findings.map(({ message }) => message)).length < 1000);
  });

  it("lists so many findings of a code, and counts all", async () => {
    const { world } = await sealedWorld(30);
    world.admin.truncate("action_logs");
    const verification = await world.verify({ limits: { findingsPerCode: 3, strays: 10 } });
    assert.equal(verification.findingCounts.missing, 60);
    assert.equal(summary(verification).length, 3);
  });

  it("lists as many as are asked for of one read, too, though they are more than by default", async () => {
    const { world, ids } = await sealedWorld();
    for (let number = 0; number < 1005; number += 1)
      world.admin.copy("action_logs", ids[0] as string, { log_id: `${number}`, entry: "{}" });
    const { findings, findingCounts } = await world.verify({ limits: { findingsPerCode: 2000 } });
    assert.equal(findingCounts.modified, 1005);
    assert.equal(findings.filter(({ code }) => code === "modified").length, 1005);
  });

  it("survives rows of which every column is NULL or absurd", async () => {
    const { world, ids } = await sealedWorld();
    const row = world.admin.find("action_logs", ids[0] as string);
    const nulls = Object.fromEntries(Object.keys(row).map((name) => [name, null]));
    const rows: CellRow[] = [
      { ...nulls, ingested_at: row["ingested_at"] ?? null },
      { ...row, log_id: "\u0000".repeat(1000) },
      { ...row, log_id: '"},{"', entry: "[".repeat(100_000) },
      { ...row, log_id: "a", published_at: -(2n ** 63n), schema_version: 2n ** 63n - 1n },
      { ...row, log_id: "b", action_details: "{".repeat(10_000), cost_usd: Number.NaN },
      { ...row, log_id: "c", entry_hash: "\ud83d\ude00".repeat(100) },
    ];
    for (const odd of rows) world.admin.insert("action_logs", odd);
    const verification = await world.verify();
    assert.equal(verification.findingCounts.extra, 6);
    assert.equal(verification.verified, false);
  });

  it("passes on that the warehouse cannot be reached, and remembers nothing then", async () => {
    const { world } = await sealedWorld();
    const memory = join(folder, "not-reached");
    world.warehouse.onBatch = () => {
      throw new Error("gone");
    };
    await assert.rejects(world.verify({ memory }), /gone/);
    assert.ok(!existsSync(memory));
  });
});
