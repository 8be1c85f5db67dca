import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { entryHash } from "@indelible/schemas/entry.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { sealedTables } from "@indelible/schemas/names.ts";
import { commitName, COMMITS } from "@indelible/ledger/commit.ts";
import { parseKeyList, withNewKey, type KeyList } from "@indelible/ledger/key-list.ts";
import { readLeaves } from "@indelible/ledger/leaves.ts";
import { leafHash, rootOf } from "@indelible/ledger/merkle.ts";
import { formatVerifierKey, openNote, verifierKeyOf } from "@indelible/ledger/note.ts";
import type { RowReader } from "@indelible/ledger/row-reader.ts";
import { latestCommit, readCommit } from "@indelible/ledger/seal-log.ts";
import { sealRows, type SealRows } from "@indelible/ledger/seal-rows.ts";
import { seal, type SealOptions, type SealReport } from "@indelible/ledger/seal.ts";
import { openWitness, type Witness } from "@indelible/ledger/witness.ts";
import { MemoryStore } from "./memory-store.ts";
import { SealedWarehouse } from "./sealed-warehouse.ts";
import { testSigner } from "./test-keys.ts";

const MINUTE = 60_000;
const base = Date.parse("2026-06-01T12:00:00Z");
const micros = (ms: number): bigint => BigInt(ms) * 1000n;
const origin = "indelible/test/agent_logs_raw";
const signer = testSigner(origin, "first");

function keyListOf(...vkeys: readonly string[]): KeyList {
  const keys = vkeys.map((vkey) => ({ vkey, from: "2026-01-01T00:00:00Z" }));
  return parseKeyList(JSON.stringify({ format: "indelible-keys/1", origin, keys }));
}

/** A warehouse, a store and a sealer whose clock the test sets. */
class World {
  readonly warehouse = new SealedWarehouse();
  readonly store = new MemoryStore();
  nowMs = base;
  keys = keyListOf(formatVerifierKey(verifierKeyOf(signer)));
  signers = [signer];
  appendFails = false;

  /** Logs a row that is ingested now. */
  log(number: number): void {
    this.warehouse.log(number, micros(this.nowMs));
  }

  get rows(): SealRows {
    const append = async (entries: readonly string[]): Promise<void> => {
      if (this.appendFails) throw new IndelibleError("ERR_APPEND_REFUSED", "it failed on purpose");
      for (const entry of entries) {
        this.warehouse
          .rows("seals")
          .push({ entry, entry_hash: entryHash(entry), ingested_at: micros(this.nowMs), log_id: entry.slice(0, 36) });
      }
    };
    return {
      append: ({ commit }) => append(commit.entries),
      complete: async ({ commit }) => {
        const present = new Set(this.warehouse.rows("seals").map(({ entry }) => entry));
        await append(commit.entries.filter((entry) => !present.has(entry)));
        return undefined;
      },
    };
  }

  seal(options: Partial<SealOptions> = {}): Promise<SealReport> {
    const { warehouse: reader, store, keys, signers, rows } = this;
    return seal({ reader, store, keys, signers, rows, now: () => this.nowMs, ...options });
  }

  sealEntries(): unknown[] {
    return this.warehouse.rows("seals").map(({ entry }) => entry);
  }
}

/** A world in which one row is sealed and another one, a minute younger, is closed but not sealed. */
async function sealedWorld(): Promise<World> {
  const world = new World();
  world.log(1);
  world.nowMs += 2 * MINUTE;
  world.log(2);
  await world.seal();
  world.nowMs += 2 * MINUTE;
  return world;
}

const readOf = (number: number): string => `read ${commitName(number)}`;
const takeOf = (number: number): string => `take witness/${String(number).padStart(12, "0")}`;

/** From now on, each commit that is read and each checkpoint that the witness takes, in order. */
function traceOf(store: MemoryStore, witnessStore: MemoryStore): string[] {
  const trace: string[] = [];
  const read = store.read.bind(store);
  store.read = (name) => {
    if (name.startsWith(COMMITS)) trace.push(`read ${name}`);
    return read(name);
  };
  witnessStore.beforeCreate = async (name) => void trace.push(`take ${name}`);
  return trace;
}

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

  it("shows the witness each checkpoint, also those that it missed, and seals without it", async () => {
    const world = await sealedWorld();
    const witnessStore = new MemoryStore();
    const witness = openWitness({ store: witnessStore, keys: world.keys });
    witnessStore.failure = "before";
    const { witnessFailure } = await world.seal({ witness });
    assert.equal((witnessFailure as IndelibleError).code, "ERR_STORE");
    witnessStore.failure = "none";
    world.nowMs += 10 * MINUTE;
    assert.equal((await world.seal({ witness })).witnessFailure, undefined);
    let notes = 0;
    for await (const _ of witness.notes()) notes += 1;
    assert.equal(notes, 3);
    const latest = await latestCommit(world.store, world.keys);
    assert.equal((await witness.latest())?.checkpoint.size, latest?.tree.size);
  });

  for (const [what, known] of [
    ["a new witness every checkpoint", 0],
    ["a witness that is some behind those that it lacks", 3],
    ["a witness that is one behind the last one", 5],
  ] as const) {
    it(`shows ${what}, in order, and holds one commit at a time`, async () => {
      const world = await sealedWorld();
      const witnessStore = new MemoryStore();
      const witness = openWitness({ store: witnessStore, keys: world.keys });
      for (let number = 1; number < 6; number += 1) {
        world.nowMs += 10 * MINUTE;
        await world.seal(number < known ? { witness } : {});
      }
      const trace = traceOf(world.store, witnessStore);
      const { commitNumber, witnessFailure } = await world.seal({ witness });
      assert.deepEqual([commitNumber, witnessFailure], [undefined, undefined]);

      const commits = [0, 1, 2, 3, 4, 5].slice(known);
      const forward = commits.flatMap((number) => (number === 5 ? [takeOf(5)] : [readOf(number), takeOf(number)]));
      assert.deepEqual(trace.slice(-forward.length), forward);
      const search = trace.slice(0, -forward.length);
      assert.equal(search[0], readOf(5));
      assert.ok(search.length <= 4, `${search.join()} to find the first`);
      const notes: string[] = [];
      for await (const note of witness.notes()) notes.push(note);
      const log = await Promise.all([0, 1, 2, 3, 4, 5].map((number) => readCommit(world.store, world.keys, number)));
      assert.deepEqual(
        notes,
        log.map((commit) => commit?.commit.checkpoint),
      );
    });
  }

  it("shows a witness that is far behind a hundred checkpoints a run, and begins a new one with the last hundred", async () => {
    const world = await sealedWorld();
    const witness = openWitness({ store: new MemoryStore(), keys: world.keys });
    assert.equal((await world.seal({ witness })).witnessFailure, undefined);
    for (let number = 1; number < 230; number += 1) {
      world.nowMs += 10 * MINUTE;
      await world.seal();
    }
    const commits = (await latestCommit(world.store, world.keys))?.commit.number ?? 0;
    const shown: number[] = [];
    for (let run = 0; run < 4; run += 1) {
      assert.equal((await world.seal({ witness })).witnessFailure, undefined);
      shown.push((await witness.latest())?.number ?? -1);
    }
    assert.deepEqual(shown, [101, 201, commits, commits]);

    const late = openWitness({ store: new MemoryStore(), keys: world.keys });
    assert.equal((await world.seal({ witness: late })).witnessFailure, undefined);
    const [newest, known] = await Promise.all([late.latest(), witness.latest()]);
    assert.deepEqual([newest?.number, newest?.checkpoint], [99, known?.checkpoint]);
  });

  it("seals while the witness cannot be read, and says so", async () => {
    const world = await sealedWorld();
    const away = new IndelibleError("ERR_STORE", "it is away");
    const witness: Witness = {
      latest: () => Promise.reject(away),
      add: () => Promise.reject(away),
      notes: () => {
        throw away;
      },
    };
    const { rows, witnessFailure } = await world.seal({ witness });
    assert.deepEqual([rows, witnessFailure], [1, away]);
  });

  it("refuses to seal when the witness has seen more than the store has", async () => {
    const world = await sealedWorld();
    const witness = openWitness({ store: new MemoryStore(), keys: world.keys });
    await world.seal({ witness });
    world.store.objects.delete(commitName(1));
    await assert.rejects(world.seal({ witness }), { code: "ERR_CHECKPOINT", message: /set back/ });
  });
});
