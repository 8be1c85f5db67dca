/**
 * The Merkle trees of RFC 6962: a leaf is hashed with 0x00 before it and an inner node with 0x01, so that neither can be taken for the other,
 * and the tree over n leaves is split at the largest power of two below n. Sizes and indices are bigints, because proofs come from outside.
 */
import { hash } from "node:crypto";

export const HASH_BYTES = 32;

/** The root of the tree without leaves. */
export const EMPTY_ROOT: Buffer = hash("sha256", "", "buffer");

const LEAF = Buffer.of(0);

/** @param data a text is its UTF-8 */
export function leafHash(data: Uint8Array | string): Buffer {
  return hash("sha256", typeof data === "string" ? `\0${data}` : Buffer.concat([LEAF, data]), "buffer");
}

// One buffer for all nodes: nothing is awaited between filling and hashing it.
const node = Buffer.alloc(1 + 2 * HASH_BYTES);
node[0] = 1;

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  return hash("sha256", node, "buffer");
}

/**
 * A tree that only grows, by its size and the roots of its perfect subtrees, the largest first: all that is needed to append to it and to
 * know its root. At most 64 hashes, whatever its size.
 */
export class CompactRange {
  #size: bigint;
  readonly #hashes: Buffer[];

  /** @throws RangeError when there are not as many hashes as a tree of this size has perfect subtrees */
  constructor(size: bigint = 0n, hashes: readonly Buffer[] = []) {
    if (hashes.length !== ones(size))
      throw new RangeError(`a tree of ${size} leaves does not have ${hashes.length} subtrees`);
    this.#size = size;
    this.#hashes = [...hashes];
  }

  get size(): bigint {
    return this.#size;
  }

  get hashes(): readonly Buffer[] {
    return this.#hashes;
  }

  append(leaf: Buffer): void {
    let top = leaf;
    for (let size = this.#size; (size & 1n) === 1n; size >>= 1n) top = nodeHash(this.#hashes.pop() as Buffer, top);
    this.#hashes.push(top);
    this.#size += 1n;
  }

  root(): Buffer {
    return (
      this.#hashes.reduceRight<Buffer | undefined>(
        (right, left) => (right === undefined ? left : nodeHash(left, right)),
        undefined,
      ) ?? EMPTY_ROOT
    );
  }

  copy(): CompactRange {
    return new CompactRange(this.#size, this.#hashes);
  }
}

/**
 * The leaves of a window, one hash after the other. Many at a time are hashed in one piece of memory: what costs most of a short hash is the
 * Buffer that it is given out as (0.5 of 0.7 us).
 */
export function packedLeaves(data: readonly string[]): Buffer {
  const packed = Buffer.alloc(data.length * HASH_BYTES);
  for (const [at, leaf] of data.entries())
    packed.write(hash("sha256", `\0${leaf}`, "binary"), at * HASH_BYTES, "latin1");
  return packed;
}

/** The root of the tree over packed leaves, whose memory it uses up. */
export function rootOfPacked(packed: Buffer): Buffer {
  if (packed.length === 0) return EMPTY_ROOT;
  for (let count = packed.length / HASH_BYTES; count > 1; count = climb(packed, count));
  return packed.subarray(0, HASH_BYTES);
}

/** The hashes that lead from leaf `index` to the root of the tree over packed leaves, whose memory it uses up, the lowest first. @throws RangeError */
export function inclusionProofPacked(packed: Buffer, index: number): Buffer[] {
  let count = packed.length / HASH_BYTES;
  if (!Number.isInteger(index) || index < 0 || index >= count)
    throw new RangeError(`there is no leaf ${index} of ${count}`);
  const proof: Buffer[] = [];
  for (let at = index; count > 1; count = climb(packed, count), at >>= 1) {
    const sibling = at ^ 1;
    const from = sibling * HASH_BYTES;
    if (sibling < count) proof.push(Buffer.from(packed.subarray(from, from + HASH_BYTES)));
  }
  return proof;
}

/** Puts the parents of `count` nodes into their place: a last one without a neighbour is its own parent. @returns how many there are */
function climb(packed: Buffer, count: number): number {
  const pairs = count >> 1;
  for (let at = 0; at < pairs; at += 1) {
    packed.copy(node, 1, at * 2 * HASH_BYTES, (at + 1) * 2 * HASH_BYTES);
    packed.write(hash("sha256", node, "binary"), at * HASH_BYTES, "latin1");
  }
  if (count % 2 === 1) packed.copy(packed, pairs * HASH_BYTES, (count - 1) * HASH_BYTES, count * HASH_BYTES);
  return pairs + (count % 2);
}

/** The root of the tree over these leaves. */
export function rootOf(leaves: Iterable<Buffer>): Buffer {
  const range = new CompactRange();
  for (const leaf of leaves) range.append(leaf);
  return range.root();
}

/**
 * The hashes that lead from leaf `index` to the root of the tree that `added` leaves make of `before`. The leaf must be one of those added.
 * @throws RangeError
 */
export function inclusionProofAfter(before: CompactRange, added: readonly Buffer[], index: bigint): Buffer[] {
  const end = before.size + BigInt(added.length);
  if (index < before.size || index >= end)
    throw new RangeError(`leaf ${index} is not among those from ${before.size} to ${end}`);
  const proof: Buffer[] = [];
  const subtree = subtreeOf(before, added);
  for (let from = 0n, until = end; until - from > 1n;) {
    const middle = from + splitBig(until - from);
    if (index < middle) {
      proof.push(subtree(middle, until));
      until = middle;
    } else {
      proof.push(subtree(from, middle));
      from = middle;
    }
  }
  return proof.toReversed();
}

/**
 * The proof that the tree of `before` is the beginning of the one that `added` leaves make of it.
 * @throws RangeError when `before` has no leaves: nothing can be proved then, and nothing needs to be
 */
export function consistencyProof(before: CompactRange, added: readonly Buffer[]): Buffer[] {
  const size = before.size;
  if (size === 0n) throw new RangeError("there is no proof of consistency with the tree without leaves");
  const end = size + BigInt(added.length);
  if (size === end) return [];
  const proof: Buffer[] = [];
  const subtree = subtreeOf(before, added);
  // RFC 6962, 2.1.2: SUBPROOF(m, D[from:until], complete)
  let from = 0n;
  let until = end;
  let complete = true;
  while (size !== until) {
    const middle = from + splitBig(until - from);
    if (size <= middle) {
      proof.push(subtree(middle, until));
      until = middle;
    } else {
      proof.push(subtree(from, middle));
      from = middle;
      complete = false;
    }
  }
  if (!complete) proof.push(subtree(from, until));
  return proof.toReversed();
}

/** Roots of subtrees that lie wholly in `before`, where they must be perfect, or wholly among the added. */
function subtreeOf(before: CompactRange, added: readonly Buffer[]): (from: bigint, until: bigint) => Buffer {
  const perfect = new Map<string, Buffer>();
  let at = 0n;
  for (const hashOfSubtree of before.hashes) {
    const width = largestPower(before.size - at);
    perfect.set(`${at}-${at + width}`, hashOfSubtree);
    at += width;
  }
  const root = (from: bigint, until: bigint): Buffer => {
    const known = perfect.get(`${from}-${until}`);
    if (known !== undefined) return known;
    if (from >= before.size) {
      return rootOf(slice(added, Number(from - before.size), Number(until - before.size)));
    }
    const middle = from + splitBig(until - from);
    return nodeHash(root(from, middle), root(middle, until));
  };
  return root;
}

export interface Inclusion {
  readonly index: bigint;
  readonly size: bigint;
  readonly leaf: Uint8Array;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** Whether the proof shows that the leaf stands at the index of the tree with this size and root. */
export function includes({ index, size, leaf, proof, root }: Inclusion): boolean {
  if (index < 0n || index >= size || !areHashes([leaf, root, ...proof])) return false;
  // RFC 9162, 2.1.3.2
  let fn = index;
  let sn = size - 1n;
  let result: Uint8Array = leaf;
  for (const step of proof) {
    if (sn === 0n) return false;
    if ((fn & 1n) === 1n || fn === sn) {
      result = nodeHash(step, result);
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      result = nodeHash(result, step);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && equal(result, root);
}

export interface Consistency {
  readonly size1: bigint;
  readonly size2: bigint;
  readonly root1: Uint8Array;
  readonly root2: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** Whether the proof shows that the first tree is the beginning of the second. The tree without leaves proves nothing. */
export function isConsistent({ size1, size2, root1, root2, proof }: Consistency): boolean {
  if (size1 <= 0n || size2 < size1) return false;
  if (size1 === size2) return proof.length === 0 && equal(root1, root2);
  if (!areHashes([root1, root2, ...proof])) return false;
  // RFC 9162, 2.1.4.2
  const path = isPowerOfTwo(size1) ? [root1, ...proof] : proof;
  const [first, ...rest] = path;
  if (first === undefined || proof.length === 0) return false;
  let fn = size1 - 1n;
  let sn = size2 - 1n;
  while ((fn & 1n) === 1n) {
    fn >>= 1n;
    sn >>= 1n;
  }
  let fr: Uint8Array = first;
  let sr: Uint8Array = first;
  for (const step of rest) {
    if (sn === 0n) return false;
    if ((fn & 1n) === 1n || fn === sn) {
      fr = nodeHash(step, fr);
      sr = nodeHash(step, sr);
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      sr = nodeHash(sr, step);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && equal(fr, root1) && equal(sr, root2);
}

function areHashes(values: readonly Uint8Array[]): boolean {
  return values.every((value) => value.length === HASH_BYTES);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function* slice(leaves: readonly Buffer[], from: number, until: number): Generator<Buffer> {
  for (let at = from; at < until; at += 1) yield leaves[at] as Buffer;
}

/** The largest power of two below n, n > 1. */
function splitBig(n: bigint): bigint {
  return largestPower(n - 1n);
}

/** The largest power of two that is at most n, n > 0. */
function largestPower(n: bigint): bigint {
  return 1n << BigInt(n.toString(2).length - 1);
}

function isPowerOfTwo(n: bigint): boolean {
  return (n & (n - 1n)) === 0n;
}

function ones(n: bigint): number {
  return n.toString(2).replaceAll("0", "").length;
}
