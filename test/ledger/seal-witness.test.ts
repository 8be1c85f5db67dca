import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { commitName, COMMITS } from "@indelible/ledger/commit.ts";
import { latestCommit, readCommit } from "@indelible/ledger/seal-log.ts";
import { openWitness, type Witness } from "@indelible/ledger/witness.ts";
import { MemoryStore } from "./memory-store.ts";
import { MINUTE, sealedWorld } from "./sealing-world.ts";

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

describe("seal() with a witness", () => {
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
