import { HASH_BYTES } from "../merkle.ts";
import type { Position } from "./checkpoints.ts";

/**
 * What is remembered of each seal of a log, however long it is: some 70 bytes in flat arrays, because a log of years has a million of
 * them. Times and positions are whole numbers that a double holds exactly.
 */

/** A seal as the rows are held against it. */
export interface SealedWindow {
  /** Microseconds since 1970, inclusive and exclusive. */
  readonly start: bigint;
  readonly end: bigint;
  readonly rowCount: number;
  readonly root: Buffer;
  /** Position in the seal log. */
  readonly logIndex: bigint;
}

/** The windows of one table, ordered by time and without overlaps. */
export class WindowList {
  readonly #starts = new Numbers();
  readonly #ends = new Numbers();
  readonly #counts = new Numbers();
  readonly #positions = new Numbers();
  readonly #roots = new Hashes();

  get length(): number {
    return this.#starts.length;
  }

  /** Where the next window has to begin. */
  get end(): bigint {
    return this.length === 0 ? 0n : BigInt(this.#ends.at(this.length - 1));
  }

  push({ start, end, rowCount, root, logIndex }: SealedWindow): void {
    this.#starts.push(Number(start));
    this.#ends.push(Number(end));
    this.#counts.push(rowCount);
    this.#positions.push(Number(logIndex));
    this.#roots.push(root);
  }

  at(index: number): SealedWindow {
    return {
      start: BigInt(this.#starts.at(index)),
      end: BigInt(this.#ends.at(index)),
      rowCount: this.#counts.at(index),
      root: this.#roots.at(index),
      logIndex: BigInt(this.#positions.at(index)),
    };
  }

  rowCountAt(index: number): number {
    return this.#counts.at(index);
  }

  /** The windows that have a part in this range, as indices from and until. */
  within(since: bigint, until: bigint | undefined): { readonly from: number; readonly until: number } {
    return {
      from: this.#ends.firstAbove(Number(since)),
      until: until === undefined ? this.length : this.#starts.firstAbove(Number(until) - 1),
    };
  }
}

/** The hashes of the entries of a log, by their position there. Positions rise, and in a damaged log some are missing. */
export class EntryIndex {
  readonly #positions = new Numbers();
  readonly #sealedAt = new Numbers();
  readonly #hashes = new Hashes();

  get length(): number {
    return this.#positions.length;
  }

  /** @param hash SHA-256 of the entry's bytes. @param sealedAt microseconds since 1970 */
  push(position: bigint, hash: Buffer, sealedAt: bigint): void {
    this.#positions.push(Number(position));
    this.#hashes.push(hash);
    this.#sealedAt.push(Number(sealedAt));
  }

  /** Which of the remembered entries stands at this position of the log. */
  find(position: bigint): number | undefined {
    const index = this.firstFrom(position);
    return index < this.length && this.#positions.at(index) === Number(position) ? index : undefined;
  }

  /** Which of the remembered entries is the first at or behind this position; `length` when none is. */
  firstFrom(position: bigint): number {
    return this.#positions.firstAbove(Number(position) - 1);
  }

  positionAt(index: number): bigint {
    return BigInt(this.#positions.at(index));
  }

  hashAt(index: number): Buffer {
    return this.#hashes.at(index);
  }

  sealedAt(index: number): bigint {
    return BigInt(this.#sealedAt.at(index));
  }
}

/** Positions of a log that somebody has seen, some 40 bytes each. */
export class PositionList implements Iterable<Position> {
  readonly #sizes = new Numbers();
  readonly #roots = new Hashes();

  /** One that is the same as the one before is left out. */
  push({ size, rootHash }: Position): void {
    const last = this.#sizes.length - 1;
    if (last >= 0 && this.#sizes.at(last) === Number(size) && this.#roots.at(last).equals(rootHash)) return;
    this.#sizes.push(Number(size));
    this.#roots.push(rootHash);
  }

  *[Symbol.iterator](): Generator<Position, undefined> {
    for (let index = 0; index < this.#sizes.length; index += 1) {
      yield { size: BigInt(this.#sizes.at(index)), rootHash: this.#roots.at(index) };
    }
  }
}

/** The roots of a log at sizes that are known before, some 40 bytes each. */
export class RootTable {
  readonly #sizes: Numbers;
  readonly #roots: Buffer;
  readonly #isKnown: Uint8Array;

  /** @param sizes in any order */
  constructor(sizes: Iterable<bigint>) {
    this.#sizes = new Numbers();
    for (const size of sizes) this.#sizes.push(Number(size));
    this.#sizes.sort();
    this.#roots = Buffer.alloc(this.#sizes.length * HASH_BYTES);
    this.#isKnown = new Uint8Array(this.#sizes.length);
  }

  /** Whether the root at this size is wanted and not known. */
  lacks(size: bigint): boolean {
    const index = this.#find(size);
    return index !== undefined && this.#isKnown[index] === 0;
  }

  /** Undefined when it is not known. A view. */
  get(size: bigint): Buffer | undefined {
    const index = this.#find(size);
    if (index === undefined || this.#isKnown[index] === 0) return undefined;
    return this.#roots.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  }

  /** The first one that is set is kept. */
  set(size: bigint, root: Buffer): void {
    const index = this.#find(size);
    if (index === undefined || this.#isKnown[index] !== 0) return;
    root.copy(this.#roots, index * HASH_BYTES);
    this.#isKnown[index] = 1;
  }

  #find(size: bigint): number | undefined {
    const index = this.#sizes.firstAbove(Number(size) - 1);
    return index < this.#sizes.length && this.#sizes.at(index) === Number(size) ? index : undefined;
  }
}

class Numbers {
  #values = new Float64Array(64);
  length = 0;

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Float64Array(this.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length++] = value;
  }

  at(index: number): number {
    if (index < 0 || index >= this.length) throw new RangeError(`there is no item ${index} among ${this.length}`);
    return this.#values[index] as number;
  }

  sort(): void {
    this.#values.subarray(0, this.length).sort();
  }

  /** Index of the first value above this one; the values must ascend. */
  firstAbove(value: number): number {
    let from = 0;
    let until = this.length;
    while (from < until) {
      const middle = (from + until) >>> 1;
      if ((this.#values[middle] as number) > value) until = middle;
      else from = middle + 1;
    }
    return from;
  }
}

class Hashes {
  #bytes = Buffer.alloc(64 * HASH_BYTES);
  #length = 0;

  push(hash: Buffer): void {
    if ((this.#length + 1) * HASH_BYTES > this.#bytes.length) {
      const larger = Buffer.alloc(this.#bytes.length * 2);
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    hash.copy(this.#bytes, this.#length * HASH_BYTES);
    this.#length += 1;
  }

  /** A view. */
  at(index: number): Buffer {
    return this.#bytes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  }
}
