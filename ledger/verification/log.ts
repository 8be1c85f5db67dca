/** Reads the seal log from its beginning and holds every commit against the one before: numbers, trees, windows, times, signatures. */
import { hash } from "node:crypto";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { COMMITS, parseCommit, type Commit } from "../commit.ts";
import type { Finding } from "../findings.ts";
import type { KeyList } from "../key-list.ts";
import { CompactRange, EMPTY_ROOT, leafHash } from "../merkle.ts";
import type { ObjectStore } from "../object-store.ts";
import { readAhead } from "../read-ahead.ts";
import { parseSeal, type Seal } from "../seal-entry.ts";
import { checkNote, shown } from "./checkpoints.ts";
import { EntryIndex, RootTable, WindowList } from "./seal-index.ts";
import { DAY_MICROS, timeText } from "./time.ts";

export interface LogOptions {
  readonly store: ObjectStore;
  readonly keys: KeyList;
  /** Sizes of the log at which its root is wanted: a few. */
  readonly sizes: ReadonlySet<bigint>;
  /** Sizes at which the root that the log has signed is wanted: as many as commits, say. */
  readonly signedSizes: Iterable<bigint>;
  readonly onFinding: (finding: Finding) => void;
  /** Called for each seal in the order of the log; the next is read when it resolves. */
  readonly onSeal?: ((seal: Seal, position: bigint) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A seal log as it was when it was read. */
export interface SealLog {
  readonly commits: number;
  /** Leaves of its tree. */
  readonly size: bigint;
  readonly root: Buffer;
  /** The last checkpoint that holds; undefined when none does. */
  readonly checkpoint: string | undefined;
  /** Root of the first `size` leaves as they stand there, if that size was asked for. */
  readonly rootAt: (size: bigint) => Buffer | undefined;
  /** The same of those of `signedSizes`, if a checkpoint that holds is over them: the log has signed it; where there is none, there is a finding. */
  readonly signedRootAt: (size: bigint) => Buffer | undefined;
  /** When the first seal at or behind this position was made, in microseconds since 1970. */
  readonly sealedSince: (position: bigint) => bigint | undefined;
  readonly windows: ReadonlyMap<TableName, WindowList>;
  readonly entries: EntryIndex;
}

const MAX_POSITION = BigInt(Number.MAX_SAFE_INTEGER);

/** Memory: what `SealLog` remembers of each seal, and the commits that are read ahead. @throws ERR_STORE */
export async function readLog(options: LogOptions): Promise<SealLog> {
  const { store, signal } = options;
  const reading = new LogReading(options);
  const objects = readAhead(store.list(COMMITS), async (name) => {
    const data = numberOf(name) === undefined ? undefined : await store.read(name);
    return { name, data };
  });
  for await (const { name, data } of objects) {
    signal?.throwIfAborted();
    await reading.take(name, data);
  }
  return reading.result();
}

class LogReading {
  readonly #options: LogOptions;
  readonly #roots = new Map<bigint, Buffer>();
  /** Of two that the log has signed over the same size, the first is kept. */
  readonly #signedRoots: RootTable;
  /** Roots of the tree as it grew since the last checkpoint that holds. */
  readonly #unsignedRoots = new Map<bigint, Buffer>();
  readonly #windows = new Map<TableName, WindowList>();
  readonly #entries = new EntryIndex();
  #tree = new CompactRange();
  /** Whether `#tree` is the one before the next commit. Not after a commit that is missing or cannot be read. */
  #follows = true;
  #next = 0;
  #commits = 0;
  #sealedAt: bigint | undefined;
  #checkpoint: string | undefined;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#signedRoots = new RootTable(options.signedSizes);
    this.#noteRoot();
    this.#signRoots();
  }

  /** @param data of the object; undefined: it is no commit, or the store does not have it */
  async take(name: string, data: Uint8Array | undefined): Promise<void> {
    const number = numberOf(name);
    if (number === undefined || number < this.#next) {
      return this.#damaged(`the store has an object ${shown(name)}, which is no commit`);
    }
    if (number > this.#next) {
      const last = number - 1;
      this.#damaged(this.#next === last ? `commit ${last} is missing` : `commits ${this.#next} to ${last} are missing`);
      this.#follows = false;
    }
    this.#next = number + 1;
    const commit = this.#parse(number, data);
    if (commit === undefined || !this.#attach(commit)) {
      this.#follows = false;
      return;
    }
    this.#commits += 1;
    for (const entry of commit.entries) await this.#add(entry, commit.number);
    this.#verifyCheckpoint(commit);
  }

  result(): SealLog {
    const roots = this.#roots;
    const signedRoots = this.#signedRoots;
    const entries = this.#entries;
    return {
      commits: this.#commits,
      size: this.#tree.size,
      root: this.#tree.root(),
      checkpoint: this.#checkpoint,
      rootAt: (size) => roots.get(size),
      signedRootAt: (size) => signedRoots.get(size),
      sealedSince: (position) => {
        const index = entries.firstFrom(position);
        return index < entries.length ? entries.sealedAt(index) : undefined;
      },
      windows: this.#windows,
      entries,
    };
  }

  #parse(number: number, data: Uint8Array | undefined): Commit | undefined {
    if (data === undefined)
      return this.#damaged(`commit ${number} cannot be read: the store lists it and does not have it`);
    try {
      const commit = parseCommit(data);
      if (commit.number === number) return commit;
      return this.#damaged(`commit ${number} says that it is number ${commit.number}`);
    } catch (error) {
      if (!IndelibleError.is(error)) throw error;
      return this.#damaged(`commit ${number} cannot be read: ${messageOf(error)}`);
    }
  }

  /**
   * Whether the commit's entries can be added to the tree. Where the commit says that another tree was before it, and behind a hole, to the
   * one that the log has signed: what else it says anybody may have written there.
   */
  #attach(commit: Commit): boolean {
    const { number, before } = commit;
    const tree = this.#tree;
    const same =
      before.size === tree.size &&
      before.hashes.length === tree.hashes.length &&
      before.hashes.every((hash, index) => hash.equals(tree.hashes[index] as Buffer));
    if (same) {
      this.#follows = true;
      return true;
    }
    if (this.#follows) {
      this.#damaged(
        `commit ${number} does not follow from the ones before: it begins at ${before.size} seals, or at another tree of so many`,
      );
    }
    const signed = this.#signedTreeBefore(commit);
    if (signed === undefined) return false;
    if (signed !== tree) {
      this.#tree = signed;
      this.#unsignedRoots.clear();
      this.#noteRoot();
    }
    this.#follows = true;
    return true;
  }

  /** The tree to which the commit's entries have to be added for its checkpoint to be over them: this one, or the one that it says itself. */
  #signedTreeBefore({ number, before, entries, checkpoint: note }: Commit): CompactRange | undefined {
    const { keys, onFinding } = this.#options;
    const what = `the checkpoint of commit ${number}`;
    const { checkpoint, findings } = checkNote(note, keys, undefined, what);
    for (const finding of findings) onFinding(finding);
    if (checkpoint === undefined) return undefined;
    const leads = (tree: CompactRange): boolean => {
      const grown = tree.copy();
      for (const entry of entries) grown.append(leafHash(entry));
      return grown.size === checkpoint.size && grown.root().equals(checkpoint.rootHash);
    };
    if (this.#follows && leads(this.#tree)) return this.#tree;
    if (before.size >= this.#tree.size && before.size <= MAX_POSITION) {
      const said = treeOf(before);
      if (said !== undefined && leads(said)) return said;
    }
    return this.#damaged(`${what} is over no tree that its entries could be added to`);
  }

  async #add(entry: string, commitNumber: number): Promise<void> {
    const position = this.#tree.size;
    const bytes = Buffer.from(entry);
    this.#tree.append(leafHash(bytes));
    this.#noteRoot();
    let seal: Seal | undefined;
    try {
      seal = parseSeal(entry);
    } catch (error) {
      if (!IndelibleError.is(error)) throw error;
      this.#damaged(`entry ${position} is no seal: ${messageOf(error)}`, position);
    }
    this.#entries.push(position, hash("sha256", bytes, "buffer"), seal?.sealedAt ?? this.#sealedAt ?? 0n);
    if (seal === undefined) return;
    if (seal.logIndex !== position)
      this.#damaged(`the seal at ${position} says that it is at ${seal.logIndex}`, position);
    if (seal.commitNumber !== commitNumber) {
      this.#damaged(`the seal at ${position} came with commit ${commitNumber} and says ${seal.commitNumber}`, position);
    }
    if (this.#sealedAt !== undefined && seal.sealedAt < this.#sealedAt) {
      const message = `it was made at ${timeText(seal.sealedAt)}, before the one before it, ${timeText(this.#sealedAt)}`;
      this.#options.onFinding({ code: "clock-regression", message, table: seal.table, logIndex: position });
    } else {
      this.#sealedAt = seal.sealedAt;
    }
    this.#addWindow(seal, position);
    await this.#options.onSeal?.(seal, position);
  }

  #addWindow({ table, window, rowCount, rootHash }: Seal, position: bigint): void {
    const windows = this.#windows.get(table) ?? new WindowList();
    this.#windows.set(table, windows);
    const damaged = (message: string): void =>
      this.#options.onFinding({ code: "log-damaged", message, table, window, logIndex: position });
    if (window.start !== windows.end) {
      damaged(`the window begins at ${timeText(window.start)}, and the one before ends at ${timeText(windows.end)}`);
      if (window.start < windows.end) return;
    }
    if (rowCount > 0 && window.start / DAY_MICROS !== (window.end - 1n) / DAY_MICROS) {
      damaged("the window has rows and does not lie within one day");
    }
    const root = Buffer.from(rootHash, "hex");
    if ((rowCount === 0) !== root.equals(EMPTY_ROOT)) damaged("the seal has the root of other rows than it counts");
    windows.push({ ...window, rowCount, root, logIndex: position });
  }

  #verifyCheckpoint({ number, checkpoint: note }: Commit): void {
    const { keys, onFinding } = this.#options;
    const what = `the checkpoint of commit ${number}`;
    const { checkpoint, findings } = checkNote(note, keys, this.#sealedAt ?? 0n, what);
    for (const finding of findings) onFinding(finding);
    if (checkpoint === undefined) return;
    if (checkpoint.size !== this.#tree.size) {
      return this.#damaged(`${what} is over ${checkpoint.size} seals, and the log has ${this.#tree.size} there`);
    }
    if (!checkpoint.rootHash.equals(this.#tree.root())) {
      return this.#damaged(`${what} has another root than the seals up to there`);
    }
    this.#checkpoint = note;
    this.#signRoots();
  }

  #noteRoot(): void {
    const { size } = this.#tree;
    if (this.#options.sizes.has(size)) this.#roots.set(size, this.#tree.root());
    if (this.#signedRoots.lacks(size)) this.#unsignedRoots.set(size, this.#tree.root());
  }

  #signRoots(): void {
    for (const [size, root] of this.#unsignedRoots) this.#signedRoots.set(size, root);
    this.#unsignedRoots.clear();
  }

  #damaged(message: string, logIndex?: bigint): undefined {
    this.#options.onFinding({ code: "log-damaged", message, ...(logIndex !== undefined && { logIndex }) });
  }
}

/** Undefined when no tree has these subtrees. */
function treeOf({ size, hashes }: Commit["before"]): CompactRange | undefined {
  try {
    return new CompactRange(size, hashes);
  } catch {
    return undefined;
  }
}

function numberOf(name: string): number | undefined {
  const digits = name.slice(COMMITS.length);
  return /^\d{12}$/.test(digits) ? Number(digits) : undefined;
}

/** What is wrong, which stands in the cause of an error that says what was read. */
function messageOf(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
