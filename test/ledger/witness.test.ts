import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatCheckpoint } from "@indelible/ledger/checkpoint.ts";
import type { KeyList } from "@indelible/ledger/key-list.ts";
import { CompactRange, consistencyProof, leafHash, rootOf } from "@indelible/ledger/merkle.ts";
import { signNote, verifierKeyOf } from "@indelible/ledger/note.ts";
import { openWitness, type Witness } from "@indelible/ledger/witness.ts";
import { MemoryStore } from "./memory-store.ts";
import { testSigner } from "./test-keys.ts";

const origin = "log.example/test";
const old = testSigner(origin, "old");
const current = testSigner(origin, "current");
const stranger = testSigner(origin, "stranger");
const now = 1_000_000n;
const keys: KeyList = {
  origin,
  keys: [
    { key: verifierKeyOf(old), from: 0n, until: 500_000n },
    { key: verifierKeyOf(current), from: 400_000n, until: undefined },
  ],
};

const leaves = (count: number, label = "leaf"): Buffer[] =>
  Array.from({ length: count }, (_, index) => leafHash(Buffer.from(`${label} ${index}`)));
function noteOf(size: number, { label = "leaf", by = [current], of = origin } = {}): Promise<string> {
  return signNote(formatCheckpoint({ origin: of, size: BigInt(size), rootHash: rootOf(leaves(size, label)) }), by);
}
function proofOf(from: number, to: number, label = "leaf"): Buffer[] {
  if (from === 0) return [];
  const range = new CompactRange();
  const all = leaves(to, label);
  for (const leaf of all.slice(0, from)) range.append(leaf);
  return consistencyProof(range, all.slice(from));
}
function open(): { store: MemoryStore; witness: Witness } {
  const store = new MemoryStore();
  return { store, witness: openWitness({ store, keys }) };
}
async function notesOf(witness: Witness): Promise<string[]> {
  const notes: string[] = [];
  for await (const note of witness.notes()) notes.push(note);
  return notes;
}
const refused = (reason: RegExp): object => ({ code: "ERR_CHECKPOINT", retryable: false, message: reason });

describe("a witness", () => {
  it("takes checkpoints that continue each other, and gives them back in order", async () => {
    const { store, witness } = open();
    assert.equal(await witness.latest(), undefined);
    assert.deepEqual(await notesOf(witness), []);
    const sizes = [0, 1, 2, 5, 8, 21];
    const notes = await Promise.all(sizes.map((size) => noteOf(size)));
    for (const [index, size] of sizes.entries()) {
      const from = sizes[index - 1] ?? 0;
      await witness.add(notes[index] ?? "", now, proofOf(from, size), BigInt(from));
      const latest = await witness.latest();
      assert.deepEqual([latest?.number, latest?.checkpoint.size, latest?.note], [index, BigInt(size), notes[index]]);
    }
    assert.deepEqual(await notesOf(witness), notes);
    assert.deepEqual(
      [...store.objects.keys()],
      sizes.map((_, index) => `witness/${String(index).padStart(12, "0")}`),
    );
  });

  it("takes every consistent pair of sizes, and none by a proof of which one hash is another", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.nat(),
        async (a, more, at) => {
          const { witness } = open();
          await witness.add(await noteOf(a), now, []);
          const proof = proofOf(a, a + more);
          const wrong = proof.map((hash, index) => (index === at % proof.length ? Buffer.alloc(32, 7) : hash));
          const next = await noteOf(a + more);
          await assert.rejects(witness.add(next, now, wrong), refused(/not proved/));
          await witness.add(next, now, proof);
          assert.equal((await witness.latest())?.checkpoint.size, BigInt(a + more));
        },
      ),
      { numRuns: 50 },
    );
  });

  it("does nothing when it has the tree already, whoever signed it", async () => {
    const { store, witness } = open();
    await witness.add(await noteOf(3), now, []);
    await witness.add(await noteOf(3), now, []);
    await witness.add(await noteOf(3, { by: [old, current] }), now, [Buffer.alloc(32)]);
    assert.equal(store.objects.size, 1);
  });

  it("refuses what contradicts the last one, saying how", async () => {
    const { store, witness } = open();
    await witness.add(await noteOf(8), now, []);
    await assert.rejects(witness.add(await noteOf(7), now, []), refused(/7 leaves, fewer than the 8/));
    await assert.rejects(witness.add(await noteOf(0), now, []), refused(/fewer/));
    await assert.rejects(witness.add(await noteOf(8, { label: "other" }), now, []), refused(/two histories/));
    await assert.rejects(witness.add(await noteOf(9), now, []), refused(/9 leaves continues the one of 8/));
    await assert.rejects(witness.add(await noteOf(9), now, proofOf(7, 9)), refused(/not proved/));
    await assert.rejects(witness.add(await noteOf(9), now, [Buffer.alloc(31)]), refused(/not proved/));
    const forged = await noteOf(9, { label: "other" });
    await assert.rejects(witness.add(forged, now, proofOf(8, 9, "other")), refused(/not proved/));
    assert.equal(store.objects.size, 1);
  });

  it("refuses what the log has not signed by a key that is valid at the time", async () => {
    const { store, witness } = open();
    const text = formatCheckpoint({ origin, size: 1n, rootHash: rootOf(leaves(1)) });
    await assert.rejects(witness.add(await noteOf(1, { by: [stranger] }), now, []), refused(/no key of the log/));
    await assert.rejects(witness.add(await noteOf(1, { by: [old] }), now, []), refused(/not valid at this time/));
    await assert.rejects(witness.add(await noteOf(1), 399_999n, []), refused(/not valid at this time/));
    await assert.rejects(witness.add(text, now, []), refused(/no signed note/));
    const other = await noteOf(2);
    await assert.rejects(
      witness.add(text + other.slice(other.lastIndexOf("\n\n") + 1), now, []),
      refused(/not by the key/),
    );
    await assert.rejects(
      witness.add(await noteOf(1, { of: "log.example/other" }), now, []),
      refused(/log\.example\/other/),
    );
    await assert.rejects(witness.add(await signNote("text\n", [current]), now, []), refused(/no checkpoint/));
    assert.equal(store.objects.size, 0);
    await witness.add(await noteOf(1, { by: [old, stranger] }), 499_999n, []);
    assert.equal((await witness.latest())?.checkpoint.size, 1n, "which it also reads when the key is over");
  });

  it("takes one of two at once; the other is told to begin from it, unless it is the same", async () => {
    const { store, witness } = open();
    await witness.add(await noteOf(2), now, []);
    /** Two of these sizes, both with a proof from `last`, of which the first comes just before the second. */
    const race = async (last: number, first: number, second: number): Promise<void> => {
      store.beforeCreate = async () => {
        store.beforeCreate = async () => {};
        await witness.add(await noteOf(first), now, proofOf(last, first));
      };
      await witness.add(await noteOf(second), now, proofOf(last, second));
    };
    const conflict = { code: "ERR_SEAL_CONFLICT", retryable: true };
    await race(2, 4, 4);
    await assert.rejects(race(4, 6, 7), conflict);
    await assert.rejects(race(6, 9, 8), conflict);
    await witness.add(await noteOf(10), now, proofOf(9, 10));
    const sizes = (await notesOf(witness)).map((note) => note.split("\n")[1]);
    assert.deepEqual(sizes, ["2", "4", "6", "9", "10"]);
  });

  it("refuses one of two histories that come at once, and says so", async () => {
    const { store, witness } = open();
    store.beforeCreate = async () => {
      store.beforeCreate = async () => {};
      await witness.add(await noteOf(3), now, []);
    };
    await assert.rejects(witness.add(await noteOf(3, { label: "other" }), now, []), refused(/two histories/));
  });

  it("tells a proof that begins elsewhere from a wrong one, when it is told where it begins", async () => {
    const { witness } = open();
    await witness.add(await noteOf(4), now, []);
    const conflict = { code: "ERR_SEAL_CONFLICT", retryable: true };
    await assert.rejects(witness.add(await noteOf(6), now, proofOf(3, 6), 3n), conflict);
    await assert.rejects(witness.add(await noteOf(3), now, proofOf(2, 3), 2n), conflict);
    await assert.rejects(witness.add(await noteOf(6), now, proofOf(3, 6), 4n), refused(/not proved/));
    await assert.rejects(witness.add(await noteOf(3), now, [], 4n), refused(/fewer/));
    await assert.rejects(witness.add(await noteOf(4, { label: "other" }), now, [], 3n), refused(/two histories/));
  });

  it("does not continue, nor give all notes, when one of its own is damaged or missing", async () => {
    const { store, witness } = open();
    for (const size of [1, 2, 3]) await witness.add(await noteOf(size), now, proofOf(size - 1, size));
    const last = "witness/000000000002";
    const kept = store.objects.get(last) ?? Buffer.of();
    store.objects.set(last, Buffer.from("text"));
    await assert.rejects(witness.latest(), { code: "ERR_CHECKPOINT" });
    await assert.rejects(witness.add(await noteOf(4), now, proofOf(3, 4)), { code: "ERR_CHECKPOINT" });
    store.objects.set(last, Buffer.from(await noteOf(9, { by: [stranger] })));
    await assert.rejects(witness.latest(), refused(/witness\/000000000002 holds is signed by no key/));
    store.objects.set(last, kept);
    store.objects.delete("witness/000000000001");
    await assert.rejects(notesOf(witness), refused(/should have witness\/000000000001/));
  });
});
