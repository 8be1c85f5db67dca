import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { entryHash } from "@indelible/schemas/entry.ts";
import { bigQueryLookup } from "@indelible/ledger/big-query-lookup.ts";
import { parseCheckpoint } from "@indelible/ledger/checkpoint.ts";
import {
  CompactRange,
  EMPTY_ROOT,
  includes,
  inclusionProofAfter,
  leafHash,
  nodeHash,
  rootOf,
} from "@indelible/ledger/merkle.ts";
import { openNote, signNote, verifierKeyOf } from "@indelible/ledger/note.ts";
import { verifyProof, type Proof } from "@indelible/ledger/proof.ts";
import { prove } from "@indelible/ledger/prove.ts";
import { testSigner } from "../ledger/test-keys.ts";
import { assertFound, edited, Forger, withEntry } from "./forger.ts";
import { Arena, conversation, logIdOf, MINUTE, type World } from "./world.ts";

const arena = new Arena();
let world: World;
/** Of conversation c9, the third of six rows of seal 11. */
let proof: Proof;
before(async () => {
  await arena.start();
  world = await (await arena.world()).fill();
  proof = await proofOf(11);
});
after(() => arena.stop());

const proofOf = (seq: number): Promise<Proof> =>
  prove(logIdOf(seq), { lookup: bigQueryLookup(world.bigquery), store: world.store, keys: world.keyList() });
const check = (change: Partial<Proof> = {}): ReturnType<typeof verifyProof> =>
  verifyProof(JSON.stringify({ ...proof, ...change }), world.keyList());
const refused = (change: object, message?: RegExp): void => {
  assert.throws(() => check(change), { code: "ERR_PROOF", ...(message !== undefined && { message }) });
};

describe("a proof of a row of a real log", () => {
  it("holds, for the keys that the log publishes, and says what it proves", () => {
    const { row, seal, checkpoint, signedBy } = check();
    assert.equal(row.logId, logIdOf(11));
    assert.equal(row.table, "conversations");
    assert.deepEqual([seal.logIndex, seal.rowCount, checkpoint.size], [11n, 6, 13n]);
    assert.deepEqual([signedBy], proof.keys);
  });

  it("does not hold for other keys, nor when its own are taken away or changed", () => {
    const stranger = { key: verifierKeyOf(testSigner(world.origin, "stranger")), from: 0n, until: undefined };
    const list = { origin: world.origin, keys: [stranger] };
    assert.throws(() => verifyProof(JSON.stringify(proof), list), {
      code: "ERR_PROOF",
      message: /not signed by a key/,
    });
    assert.throws(() => verifyProof(JSON.stringify({ ...proof, keys: [] }), undefined), { code: "ERR_PROOF" });
    // Those of the file are for comparison: whoever has the log's keys does not need them.
    check({ keys: [] });
  });

  for (const name of ["leaf_proof", "seal_proof"] as const) {
    it(`does not hold with any hash of its ${name} missing, doubled, swapped, changed or added`, () => {
      const hashes = proof[name];
      assert.ok(hashes.length >= 3);
      for (const at of hashes.keys()) {
        refused({ [name]: hashes.toSpliced(at, 1) }, /does not lead to the root/);
        refused({ [name]: hashes.toSpliced(at, 0, hashes[at] ?? "") }, /does not lead to the root/);
        refused({ [name]: hashes.with(at, Buffer.alloc(32).toString("base64")) }, /does not lead to the root/);
        if (at > 0) refused({ [name]: swapped(hashes, at - 1, at) }, /does not lead to the root/);
      }
      refused({ [name]: [...hashes, hashes[0]] }, /does not lead to the root/);
      refused({ [name]: [hashes[0], ...hashes] }, /does not lead to the root/);
      refused({ [name]: [] }, /does not lead to the root/);
      refused({ [name]: hashes.with(0, `${hashes[0]} `) }, /not 32 bytes in base64/);
      refused({ [name]: hashes.with(0, "") }, /not 32 bytes in base64/);
      refused({ [name]: Array.from({ length: 65 }, () => hashes[0]) }, /more than 64/);
    });
  }

  it("does not hold at any other index", () => {
    for (const index of [0, 1, 3, 4, 5, 6, 7, -1, -3, 2 ** 31, 2 ** 32 + 2, Number.MAX_SAFE_INTEGER]) {
      if (index === proof.leaf_index) continue;
      refused({ leaf_index: index }, /does not lead to the root/);
    }
    for (const index of [1.5, "2", null, 2 ** 53, [2]]) refused({ leaf_index: index }, /leaf_index is not a whole/);
  });

  it("does not hold with a seal that says another number of rows, root or place", () => {
    for (const rows of [0, 1, 2, 3, 4, 5, 7, 8, Number.MAX_SAFE_INTEGER]) {
      refused({ seal: edited(proof.seal, { row_count: rows }) }, /does not lead to the root/);
    }
    for (const position of [0, 1, 10, 12, 13, 2 ** 40]) {
      refused({ seal: edited(proof.seal, { log_index: position }) }, /the seal does not lead to the root of the seal/);
    }
  });

  it("does not hold with the checkpoint of another commit, with a size of 0, or with none", () => {
    const forger = new Forger(world);
    for (const number of [0, 2, 3]) refused({ checkpoint: forger.commit(number).checkpoint }, /seal does not lead/);
    refused({ checkpoint: proof.checkpoint.replace("\n13\n", "\n0\n") }, /not signed by a key/);
    refused({ checkpoint: "" }, /no signed note/);
  });

  it("does not hold with a checkpoint that the log's own key has signed over a tree without leaves", async () => {
    const forger = new Forger(world);
    // The only seal of its log: its hash is the root, and no path leads from it.
    const seal = edited(proof.seal, { log_index: 0 });
    const rootHash = leafHash(Buffer.from(seal));
    const own = { seal, seal_proof: [], checkpoint: await forger.sign({ size: 1n, rootHash }) };
    assert.equal(check(own).checkpoint.size, 1n, "with a size of 1 it holds: nothing but the size is wrong below");
    const checkpoint = await signNote(`${world.origin}\n0\n${rootHash.toString("base64")}\n`, await forger.signers());
    refused({ ...own, checkpoint }, /it has no leaves, and not the root of the tree without leaves/);

    const empty = await forger.sign({ size: 0n, rootHash: EMPTY_ROOT });
    for (const change of [{}, { seal_proof: [] }, { seal }, { seal, seal_proof: [] }]) {
      refused({ ...change, checkpoint: empty }, /the seal does not lead to the root of the seal log/);
    }
  });

  it("does not hold with an inner node in the place of the leaf", () => {
    // The entry that an inner node would be: 0x01 and two hashes are hashed there, and 0x00 and the text of the leaf here.
    const hashes = proof.leaf_proof.map((text) => Buffer.from(text, "base64"));
    const leaf = leafHash(Buffer.from(proof.leaf));
    const pair = proof.leaf_index % 2 === 0 ? [leaf, hashes[0] as Buffer] : [hashes[0] as Buffer, leaf];
    for (const encoding of ["latin1", "base64", "hex", "utf8"] as const) {
      const text = Buffer.concat(pair).toString(encoding);
      const change = { leaf: text, leaf_index: proof.leaf_index >> 1, leaf_proof: proof.leaf_proof.slice(1) };
      refused(change);
      refused({ ...change, seal: edited(proof.seal, { row_count: 3 }) });
    }
  });

  it("does not hold for another entry, even one that has the hash of its own in another leaf", () => {
    const entry = edited(proof.entry, { status: "failed" });
    refused({ entry }, /does not have the hash of its row/);
    const leaf = edited(proof.leaf, { entry_hash: entryHash(entry) });
    refused({ entry, leaf }, /the row does not lead to the root of its window/);
  });
});

describe("a tree", () => {
  it("takes an inner node for a leaf in no place of its own size, whatever part of the path is left", () => {
    for (let count = 2; count <= 20; count += 1) {
      const leaves = Array.from({ length: count }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)));
      const root = rootOf(leaves);
      for (let at = 0; at + 1 < count; at += 2) {
        const inner = nodeHash(leaves[at] as Buffer, leaves[at + 1] as Buffer);
        const path = inclusionProofAfter(new CompactRange(), leaves, BigInt(at)).slice(1);
        for (let index = 0n; index < BigInt(count); index += 1n) {
          assert.ok(!includes({ index, size: BigInt(count), leaf: inner, proof: path, root }), `${at} of ${count}`);
        }
      }
      assert.ok(!includes({ index: 0n, size: BigInt(count), leaf: root, proof: [], root }));
      assert.ok(!includes({ index: 0n, size: 0n, leaf: leaves[0] as Buffer, proof: [], root }));
    }
  });
});

describe("a proof from before a rollback", () => {
  it("still holds offline, and with the log that is there now it shows a third party that there were two", async () => {
    const own = await (await arena.world()).fill();
    const options = { lookup: bigQueryLookup(own.bigquery), store: own.store, keys: own.keyList() };
    const before = await prove(logIdOf(20), options);
    const forger = new Forger(own);
    // Whoever holds the key lets the last window with rows say something else, and takes witness and table along.
    const changed = withEntry(forger.log(), 13, { root_hash: "ab".repeat(32) });
    await forger.rebuild(changed);
    forger.setWitness();
    const { seal, checkpoint } = verifyProof(JSON.stringify(before), own.keyList());
    assert.equal(seal.logIndex, 13n);
    const now = openNote(
      forger.commit(2).checkpoint,
      own.keyList().keys.map(({ key }) => key),
    );
    const shown = parseCheckpoint(now.text);
    // Two checkpoints of one origin and size with different roots, both signed by the log's key.
    assert.equal(now.signedBy.length, 1);
    assert.deepEqual([shown.origin, shown.size], [checkpoint.origin, checkpoint.size]);
    assert.notDeepEqual(shown.rootHash, checkpoint.rootHash);
    assertFound(await own.verify(), ["window-differs conversations #13", "seal-modified seals #13"]);
    await assert.rejects(prove(logIdOf(20), options), { code: "ERR_PROOF" });
  });

  it("cannot be made of a row that was changed or put in", async () => {
    const own = await (await arena.world()).fill();
    const options = { lookup: bigQueryLookup(own.bigquery), store: own.store, keys: own.keyList() };
    await own.admin("UPDATE conversations SET message_id = 'other' WHERE conversation_id = 'c9'");
    await assert.rejects(prove(logIdOf(11), options), {
      code: "ERR_PROOF",
      message: /not among those that were sealed/,
    });
    await own.log("conversations", conversation("late"));
    await assert.rejects(prove(logIdOf(25), options), { code: "ERR_PROOF", message: /not sealed yet/ });
    own.nowMs += 2 * MINUTE;
    await own.seal();
    verifyProof(JSON.stringify(await prove(logIdOf(25), options)), own.keyList());
  });
});

function swapped(hashes: readonly string[], a: number, b: number): string[] {
  return hashes.with(a, hashes[b] ?? "").with(b, hashes[a] ?? "");
}
