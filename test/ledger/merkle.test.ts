import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  CompactRange,
  consistencyProof,
  EMPTY_ROOT,
  includes,
  inclusionProofAfter,
  inclusionProofPacked,
  isConsistent,
  leafHash,
  nodeHash,
  packedLeaves,
  rootOf,
  rootOfPacked,
} from "@indelible/ledger/merkle.ts";
import { shared } from "../shared.ts";

/** The leaves of RFC 6962's reference implementation, and the roots of the trees over the first n of them. */
const leafTexts = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const goldenRoots = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const leavesOf = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)));

/** RFC 6962, 2.1, word for word: not how the product does it. */
function recursiveRoot(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return EMPTY_ROOT;
  if (leaves.length === 1) return leaves[0] as Buffer;
  const k = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return nodeHash(recursiveRoot(leaves.slice(0, k)), recursiveRoot(leaves.slice(k)));
}

/** RFC 6962, 2.1.1, word for word: PATH(m, D[n]). */
function inclusionProof(leaves: readonly Buffer[], at: number): Buffer[] {
  if (leaves.length === 1) return [];
  const k = 2 ** Math.floor(Math.log2(leaves.length - 1));
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return at < k
    ? [...inclusionProof(left, at), recursiveRoot(right)]
    : [...inclusionProof(right, at - k), recursiveRoot(left)];
}

describe("the tree", () => {
  it("has the roots that RFC 6962's reference implementation has", () => {
    const leaves = leafTexts.map((text) => leafHash(Buffer.from(text, "hex")));
    const roots = goldenRoots.map((_, size) => rootOf(leaves.slice(0, size)).toString("hex"));
    assert.deepEqual(roots, goldenRoots);
  });

  it("has the root that the definition gives it, at every size", () => {
    const leaves = leavesOf(130);
    const range = new CompactRange();
    for (let size = 0; size <= leaves.length; size += 1) {
      assert.deepEqual(range.root(), recursiveRoot(leaves.slice(0, size)), String(size));
      if (size < leaves.length) range.append(leaves[size] as Buffer);
    }
  });

  it("proves each leaf of each size, and no other leaf, index, size or root by the same proof", () => {
    for (let count = 1; count <= 33; count += 1) {
      const leaves = leavesOf(count);
      const root = rootOf(leaves);
      for (const [at, leaf] of leaves.entries()) {
        const proof = inclusionProof(leaves, at);
        const claim = { index: BigInt(at), size: BigInt(count), leaf, proof, root };
        assert.ok(includes(claim));
        assert.ok(!includes({ ...claim, leaf: leafHash(Buffer.from("another")) }));
        assert.ok(!includes({ ...claim, index: BigInt(at + 1) }));
        assert.ok(!includes({ ...claim, index: -1n }));
        assert.ok(!includes({ ...claim, root: EMPTY_ROOT }));
        assert.ok(!includes({ ...claim, proof: [...proof, leaf] }));
        if (proof.length > 0) assert.ok(!includes({ ...claim, proof: proof.slice(1) }));
        if (proof.length > 1) assert.ok(!includes({ ...claim, proof: proof.toReversed() }));
      }
    }
  });

  it("proves by what it was and what was added just what it proves by all its leaves", () => {
    fc.assert(
      fc.property(fc.nat(200), fc.integer({ min: 1, max: 60 }), (old, more) => {
        const leaves = leavesOf(old + more);
        const before = new CompactRange();
        for (const leaf of leaves.slice(0, old)) before.append(leaf);
        const added = leaves.slice(old);
        for (let at = old; at < leaves.length; at += 1) {
          assert.deepEqual(inclusionProofAfter(before, added, BigInt(at)), inclusionProof(leaves, at));
        }
        assert.throws(() => inclusionProofAfter(before, added, BigInt(leaves.length)), RangeError);
        assert.throws(() => inclusionProofAfter(before, added, BigInt(old) - 1n), RangeError);
      }),
      { numRuns: 60 },
    );
  });

  it("has the same roots and proofs when its leaves are packed", () => {
    for (let count = 0; count <= 130; count += 1) {
      const data = Array.from({ length: count }, (_, index) => `leaf ${index}`);
      const leaves = leavesOf(count);
      assert.deepEqual(packedLeaves(data), Buffer.concat(leaves));
      assert.deepEqual(rootOfPacked(packedLeaves(data)), rootOf(leaves));
      for (let at = 0; at < count; at += 7) {
        assert.deepEqual(inclusionProofPacked(packedLeaves(data), at), inclusionProof(leaves, at));
      }
      assert.throws(() => inclusionProofPacked(packedLeaves(data), count), RangeError);
    }
  });

  it("proves that it begins with what it was, and not with anything else", () => {
    for (let old = 1; old <= 40; old += 1) {
      for (let size = old; size <= 41; size += 1) {
        const leaves = leavesOf(size);
        const before = new CompactRange();
        for (const leaf of leaves.slice(0, old)) before.append(leaf);
        const proof = consistencyProof(before, leaves.slice(old));
        const claim = {
          size1: BigInt(old),
          size2: BigInt(size),
          root1: before.root(),
          root2: rootOf(leaves),
          proof,
        };
        assert.ok(isConsistent(claim), `${old} of ${size}`);
        assert.ok(!isConsistent({ ...claim, root1: EMPTY_ROOT }));
        assert.ok(!isConsistent({ ...claim, root2: EMPTY_ROOT }));
        assert.ok(!isConsistent({ ...claim, proof: [...proof, EMPTY_ROOT] }));
        if (size > old) {
          assert.ok(!isConsistent({ ...claim, size1: BigInt(size), size2: BigInt(old) }));
          assert.ok(!isConsistent({ ...claim, proof: proof.slice(1) }));
        }
      }
    }
    assert.throws(() => consistencyProof(new CompactRange(), leavesOf(1)), RangeError);
  });

  it("takes no inner node for a leaf", () => {
    const leaves = leavesOf(4);
    const inner = nodeHash(leaves[0] as Buffer, leaves[1] as Buffer);
    const proof = [nodeHash(leaves[2] as Buffer, leaves[3] as Buffer)];
    // The inner node leads to the root, but not of a tree of four, and its data would have to hash to it with 0x00.
    assert.ok(!includes({ index: 0n, size: 4n, leaf: inner, proof, root: rootOf(leaves) }));
    assert.notDeepEqual(leafHash(Buffer.concat([leaves[0] as Buffer, leaves[1] as Buffer])), inner);
  });

  it("refuses a compact range that no tree of its size has", () => {
    assert.throws(() => new CompactRange(3n, [EMPTY_ROOT]), RangeError);
    assert.throws(() => new CompactRange(0n, [EMPTY_ROOT]), RangeError);
  });
});

interface Vector {
  readonly leafIdx?: string;
  readonly treeSize?: string;
  readonly size1?: string;
  readonly size2?: string;
  readonly leafHash?: string;
  readonly root?: string;
  readonly root1?: string;
  readonly root2?: string;
  readonly proof: readonly string[] | null;
  readonly desc: string;
  readonly wantErr: boolean;
}

const vectors = shared("vectors/merkle");

describe("the vectors of proofs", { skip: vectors.skip }, () => {
  // Sizes go up to 2^64 - 1, which JSON.parse would round.
  const read = (file: string): Vector =>
    JSON.parse(
      readFileSync(`${vectors.path}/${file}`, "utf8").replaceAll(/"(leafIdx|treeSize|size[12])": (\d+)/g, '"$1": "$2"'),
    ) as Vector;
  const bytes = (text: string | undefined): Buffer => Buffer.from(text ?? "", "base64");
  const files = globSync("**/*.json", { cwd: vectors.path });

  it("are 196 in number", () => assert.equal(files.length, 196));

  for (const file of files) {
    it(file, () => {
      const vector = read(file);
      const proof = (vector.proof ?? []).map(bytes);
      const holds = file.startsWith("inclusion")
        ? includes({
            index: BigInt(vector.leafIdx ?? 0),
            size: BigInt(vector.treeSize ?? 0),
            leaf: bytes(vector.leafHash),
            proof,
            root: bytes(vector.root),
          })
        : isConsistent({
            size1: BigInt(vector.size1 ?? 0),
            size2: BigInt(vector.size2 ?? 0),
            root1: bytes(vector.root1),
            root2: bytes(vector.root2),
            proof,
          });
      assert.equal(holds, !vector.wantErr, vector.desc);
    });
  }
});
