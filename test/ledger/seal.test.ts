import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { sealedTables } from "@indelible/schemas/names.ts";
import { commitName } from "@indelible/ledger/commit.ts";
import { withNewKey } from "@indelible/ledger/key-list.ts";
import { readLeaves } from "@indelible/ledger/leaves.ts";
import { leafHash, rootOf } from "@indelible/ledger/merkle.ts";
import { openNote, verifierKeyOf } from "@indelible/ledger/note.ts";
import type { RowReader } from "@indelible/ledger/row-reader.ts";
import { latestCommit, readCommit } from "@indelible/ledger/seal-log.ts";
import { sealRows } from "@indelible/ledger/seal-rows.ts";
import { testSigner } from "./test-keys.ts";
import { MINUTE, base, micros, origin, signer, World, sealedWorld } from "./sealing-world.ts";

describe("seal()", () => {
  it("seals what is older than the margin, and the rest later", async () => {
    const world = await sealedWorld();
    const first = await latestCommit(world.store, world.keys);
    const [window] = first?.seals.filter(({ rowCount }) => rowCount > 0) ?? [];
    assert.equal(window?.table, "conversations");
    assert.equal(window.rowCount, 1);
    assert.deepEqual(
      new Set(first?.seals.map(({ table }) => table)),
      new Set(sealedTables),
      "tables without rows get a first seal too",
    );

    const { commitNumber, rows, seals } = await world.seal();
    assert.deepEqual({ commitNumber, rows, seals }, { commitNumber: 1, rows: 1, seals: 1 });
    const second = await readCommit(world.store, world.keys, 1);
    assert.equal(second?.seals[0]?.window.start, window.window.end);
    assert.equal(world.sealEntries().length, Number(second?.tree.size));
  });

  it("makes a commit of as much as fits into one, says that there is more, and goes on where it was", async () => {
    const world = await sealedWorld();
    for (let number = 10; number < 15; number += 1)
      world.warehouse.log(number, micros(world.nowMs - 2 * MINUTE + number));
    const limits = { maxWindowRows: 1, maxSeals: 2 };
    const reports = [await world.seal(limits), await world.seal(limits), await world.seal(limits), await world.seal()];
    assert.deepEqual(
      reports.map(({ rows, more }) => [rows, more]),
      [
        [2, true],
        [2, true],
        [2, true],
        [0, false],
      ],
    );
  });

  it("keeps the leaves of each window, which have its root", async () => {
    const world = await sealedWorld();
    const latest = await latestCommit(world.store, world.keys);
    for (const { rootHash, rowCount } of latest?.seals ?? []) {
      const leaves = await readLeaves(world.store, rootHash);
      if (rowCount === 0) assert.equal(leaves, undefined);
      else assert.equal(rootOf((leaves ?? []).map((leaf) => leafHash(leaf))).toString("hex"), rootHash);
    }
  });

  it("does nothing when it is run again and nothing has come in", async () => {
    const world = await sealedWorld();
    await world.seal();
    const objects = world.store.objects.size;
    const report = await world.seal();
    assert.deepEqual([report.commitNumber, report.seals, world.store.objects.size], [undefined, 0, objects]);
  });

  it("seals tables without rows when a heartbeat is due", async () => {
    const world = await sealedWorld();
    await world.seal();
    world.nowMs += 10 * MINUTE;
    const { rows, seals } = await world.seal();
    assert.deepEqual([rows, seals], [0, sealedTables.length]);
  });

  it("of several at once commits one, and the others say so", async () => {
    const world = await sealedWorld();
    const outcomes = await Promise.allSettled([world.seal(), world.seal(), world.seal()]);
    const codes = outcomes.map((outcome) =>
      outcome.status === "fulfilled" ? "sealed" : (outcome.reason as IndelibleError).code,
    );
    assert.deepEqual(codes.sort(), ["ERR_SEAL_CONFLICT", "ERR_SEAL_CONFLICT", "sealed"]);
    assert.equal((await latestCommit(world.store, world.keys))?.commit.number, 1);
    const { seals } = await world.seal();
    assert.equal(seals, 0);
  });

  it("appends in the next run the rows that it could not append after a commit", async () => {
    const world = await sealedWorld();
    world.appendFails = true;
    await assert.rejects(world.seal(), { code: "ERR_APPEND_REFUSED" });
    world.appendFails = false;
    await world.seal();
    const latest = await latestCommit(world.store, world.keys);
    assert.equal(world.sealEntries().length, Number(latest?.tree.size));
    assert.deepEqual(world.sealEntries().slice(-1), latest?.commit.entries);
  });

  it("goes on where it was, when the store failed before or after it created the commit", async () => {
    for (const failure of ["before", "after"] as const) {
      const world = await sealedWorld();
      world.store.beforeCreate = async (name) => {
        world.store.failure = name === commitName(1) ? failure : "none";
      };
      await assert.rejects(world.seal(), { code: "ERR_STORE" });
      world.store.beforeCreate = async () => {};
      world.store.failure = "none";
      const { rows } = await world.seal();
      assert.equal(rows, failure === "before" ? 1 : 0);
      const latest = await latestCommit(world.store, world.keys);
      assert.equal(latest?.commit.number, 1);
      assert.equal(world.sealEntries().length, Number(latest?.tree.size));
    }
  });

  it("does not sign what it does not see again: a row that is added or deleted between its two looks", async () => {
    for (const change of ["add", "delete", "replace"] as const) {
      const world = await sealedWorld();
      const reads = world.warehouse.reads.length;
      world.warehouse.beforeRead = ({ table }) => {
        if (table !== "conversations" || world.warehouse.reads.length < reads + 4) return;
        world.warehouse.beforeRead = () => {};
        if (change !== "add") world.warehouse.rows("conversations").shift();
        if (change !== "delete") world.warehouse.log(9, micros(base + 2 * MINUTE));
      };
      await assert.rejects(world.seal(), { code: "ERR_UNSTABLE" }, change);
      assert.equal((await latestCommit(world.store, world.keys))?.commit.number, 0);
    }
  });

  it("seals nothing of a table that is not there, and when it is back, its rows where they were left", async () => {
    const world = await sealedWorld();
    const conversations = world.warehouse.rows("conversations");
    world.warehouse.tables.delete("conversations");
    world.nowMs += 20 * MINUTE;
    const { seals, rows } = await world.seal();
    assert.deepEqual([seals, rows], [sealedTables.length - 1, 0]);
    world.warehouse.tables.set("conversations", conversations);
    assert.equal((await world.seal()).rows, 1);
  });

  it("does not sign what it has seen of a table that is gone at its second look", async () => {
    const world = await sealedWorld();
    const reads = world.warehouse.reads.length;
    world.warehouse.beforeRead = ({ table }) => {
      if (table !== "conversations" || world.warehouse.reads.length < reads + 4) return;
      world.warehouse.tables.delete("conversations");
    };
    await assert.rejects(world.seal(), { code: "ERR_UNSTABLE", message: /no rows/ });
  });

  it("does not look through the whole log for the seals of a table that is not there", async () => {
    const world = await sealedWorld();
    world.warehouse.tables.delete("mcp_usage_logs");
    for (let minute = 0; minute < 150; minute += 1) {
      world.log(100 + minute);
      await world.seal();
      world.nowMs += MINUTE;
    }
    world.store.reads.length = 0;
    await world.seal();
    assert.ok(world.store.reads.length < 100, `${world.store.reads.length} reads`);
    world.warehouse.tables.set("mcp_usage_logs", []);
    await world.seal();
    const last = await latestCommit(world.store, world.keys);
    const first = await readCommit(world.store, world.keys, 0);
    const of = (commit: typeof last): bigint | undefined =>
      commit?.seals.find(({ table }) => table === "mcp_usage_logs")?.window.end;
    assert.equal(last?.seals.find(({ table }) => table === "mcp_usage_logs")?.window.start, of(first));
  });

  it("refuses to begin a log again of which table seals has rows: the store is gone", async () => {
    const world = await sealedWorld();
    world.store.objects.clear();
    await assert.rejects(world.seal(), { code: "ERR_CHECKPOINT", message: /commit 0/, hint: /mount/i });
    assert.equal(world.store.objects.size, 0);
    // Those of another log do not concern it, nor what is no seal.
    for (const row of world.warehouse.rows("seals"))
      row["entry"] = String(row["entry"]).replaceAll(`${origin}#`, "other#");
    world.warehouse
      .rows("seals")
      .push({ entry: "[", ingested_at: 0n }, { entry: null, ingested_at: 0n }, { entry: "null", ingested_at: 0n });
    assert.equal((await world.seal()).commitNumber, 0);
  });

  it("says that it is late when another sealer begins the log meanwhile", async () => {
    const world = new World();
    world.log(1);
    world.nowMs += 2 * MINUTE;
    const reader: RowReader = {
      close: async () => {},
      async read(request) {
        if (request.table === "seals") await world.seal();
        return world.warehouse.read(request);
      },
    };
    await assert.rejects(world.seal({ reader }), { code: "ERR_SEAL_CONFLICT" });
    assert.equal((await latestCommit(world.store, world.keys))?.commit.number, 0);
  });

  it("refuses to seal when table seals has rows of a commit that the store does not have", async () => {
    const world = await sealedWorld();
    await world.seal();
    const rows = sealRows({ append: async () => [], close: async () => {} }, world.warehouse);
    const newest = world.store.objects.get(commitName(1)) as Buffer;
    world.store.objects.delete(commitName(1));
    await assert.rejects(world.seal({ rows }), { code: "ERR_CHECKPOINT", message: /commit 1/ });
    assert.ok(!world.store.objects.has(commitName(1)));
    world.warehouse.beforeRead = () => world.store.objects.set(commitName(1), newest);
    await assert.rejects(world.seal({ rows }), { code: "ERR_SEAL_CONFLICT" }, "another sealer has just made it");
    await world.seal({ rows });
  });

  it("refuses to seal when the clock stands before the last seal", async () => {
    const world = await sealedWorld();
    world.nowMs = base;
    await assert.rejects(world.seal(), { code: "ERR_CLOCK", message: /2026-06-01T12:00:00.000000Z.*2026-06-01T12:02/ });
  });

  it("puts nothing on top of a commit that does not hold", async () => {
    const changes: { readonly [name: string]: (commit: { [member: string]: unknown }) => void } = {
      "another entry": (commit) => (commit["entries"] = (commit["entries"] as string[]).toReversed()),
      "an entry less": (commit) => (commit["entries"] as string[]).pop(),
      "another tree before it": (commit) => (commit["before"] = { size: "1", hashes: ["A".repeat(43) + "="] }),
      "another number": (commit) => (commit["number"] = 7),
      "no signature": (commit) => (commit["checkpoint"] = String(commit["checkpoint"]).split("\n\n")[0] + "\n\n"),
      "no JSON": (commit) => (commit["format"] = "other"),
    };
    for (const [name, change] of Object.entries(changes)) {
      const world = await sealedWorld();
      const stored = JSON.parse(String(world.store.objects.get(commitName(0)))) as { [member: string]: unknown };
      change(stored);
      world.store.objects.set(commitName(0), Buffer.from(JSON.stringify(stored)));
      await assert.rejects(world.seal(), { code: "ERR_CHECKPOINT" }, name);
      assert.ok(!world.store.objects.has(commitName(1)));
    }
  });

  it("makes no commit that its own list of keys would not take", async () => {
    const world = await sealedWorld();
    world.signers = [testSigner(origin, "unknown to the list")];
    await assert.rejects(world.seal(), { code: "ERR_CHECKPOINT" });
    assert.ok(!world.store.objects.has(commitName(1)));
  });

  it("signs with both keys while one replaces the other, and afterwards with the new one only", async () => {
    const world = await sealedWorld();
    const next = testSigner(origin, "second");
    world.keys = withNewKey(world.keys, verifierKeyOf(next), micros(world.nowMs), 5 * MINUTE);
    world.signers = [signer, next];
    await world.seal();
    const both = await readCommit(world.store, world.keys, 1);
    const known = [signer, next].map(verifierKeyOf);
    assert.equal(openNote(both?.commit.checkpoint ?? "", known).signedBy.length, 2);

    world.nowMs += 20 * MINUTE;
    world.signers = [signer];
    await assert.rejects(world.seal(), { code: "ERR_CHECKPOINT" }, "the old key is over");
    world.signers = [next];
    await world.seal();
    assert.equal((await latestCommit(world.store, world.keys))?.commit.number, 2);
  });
});
