import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { WarehouseError } from "./errors.ts";
import type { Descriptor, Entry, Group, StoredEntry } from "./journal-file.ts";

/** Puts groups on disk, one at a time: `commit()` resolves when the group is there and rejects when it may not be. */
export type GroupWriter = { commit(group: Group): Promise<void>; close(): Promise<void> };

type Pending = {
  readonly entry: StoredEntry;
  readonly bytes: number;
  readonly committed: (position: number) => void;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
};

/** One transaction takes at most this much, so that a long one does not hold up the acknowledgement of the first. */
const MAX_GROUP_BYTES = 16 * 1024 * 1024;

/**
 * The truth of the warehouse: every change and every accepted request, in one order. An entry is on disk (fsync) when
 * its promise resolves. What is appended while a group is being committed is the next group; a lone entry waits for
 * nothing but the rest of its turn of the event loop.
 *
 * After a commit has failed, memory is ahead of the disk, so the journal refuses everything until the process restarts.
 */
export class Journal {
  readonly #descriptors = new Map<number, Uint8Array>();
  readonly #descriptorIds = new Map<string, number>();
  #newDescriptors: Descriptor[] = [];
  #nextDescriptorId = 1;
  #pending: Pending[] = [];
  #nextPosition: number;
  #committedPosition: number;
  #writer: GroupWriter | undefined;
  #running: Promise<void> | undefined;
  #refusal: Error | undefined;

  /** `committedPosition` and `descriptors`: what is on disk. */
  constructor(committedPosition: number, descriptors: readonly Descriptor[]) {
    this.#committedPosition = committedPosition;
    this.#nextPosition = committedPosition + 1;
    for (const descriptor of descriptors) this.#remember(descriptor);
  }

  /** From now on entries are taken. The journal closes the writer. */
  start(writer: GroupWriter): void {
    this.#writer = writer;
  }

  /** The position of the newest entry on disk; 0 when there is none. Positions count up by one. */
  get committedPosition(): number {
    return this.#committedPosition;
  }

  /** The position of the newest entry that was taken, whether it is on disk yet or not. */
  get newestPosition(): number {
    return this.#nextPosition - 1;
  }

  /**
   * Takes an entry. The order of calls is the order of entries. `committed` runs as soon as the entry is on disk, in the
   * order of entries, before the promise resolves.
   * @throws {WarehouseError} backendError: the disk failed, now or earlier.
   */
  append(entry: Entry, committed: (position: number) => void): Promise<void> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal);
    if (this.#writer === undefined) throw new Error("The journal has not been started.");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const bytes = entry.kind === "rows" ? entry.rows.byteLength : 0;
    this.#pending.push({
      entry: { ...entry, position: this.#nextPosition++ },
      bytes,
      committed,
      resolve,
      reject,
    });
    this.#running ??= this.#commitAll(this.#writer);
    return promise;
  }

  /** The number under which the journal keeps a serialized message type. A new one is on disk when the next entry is. */
  descriptorId(descriptor: Uint8Array): number {
    const hash = createHash("sha256").update(descriptor).digest("hex");
    const known = this.#descriptorIds.get(hash);
    if (known !== undefined) return known;
    // A copy, because the original is a view into a whole request.
    const added = { id: this.#nextDescriptorId, hash, bytes: Uint8Array.from(descriptor) };
    this.#newDescriptors.push(added);
    this.#remember(added);
    return added.id;
  }

  /** The message type kept under this number. */
  descriptor(id: number): Uint8Array {
    const descriptor = this.#descriptors.get(id);
    if (descriptor === undefined) throw new Error(`The journal has no descriptor ${id}.`);
    return descriptor;
  }

  /** Refuses further entries, commits what is pending and closes the writer. */
  async close(): Promise<void> {
    this.#refusal ??= new WarehouseError("backendError", "The warehouse is closed.");
    await this.#running;
    await this.#writer?.close();
  }

  #remember({ id, hash, bytes }: Descriptor): void {
    this.#descriptors.set(id, bytes);
    this.#descriptorIds.set(hash, id);
    this.#nextDescriptorId = Math.max(this.#nextDescriptorId, id + 1);
  }

  async #commitAll(writer: GroupWriter): Promise<void> {
    await nextTurn();
    while (this.#pending.length > 0) {
      const group = this.#takeGroup();
      try {
        await writer.commit({
          descriptors: this.#newDescriptors.splice(0),
          entries: group.map(({ entry }) => entry),
        });
      } catch (error) {
        this.#fail(error, group);
        break;
      }
      this.#committedPosition = group.at(-1)?.entry.position ?? this.#committedPosition;
      for (const { committed, entry, resolve } of group) {
        committed(entry.position);
        resolve();
      }
    }
    this.#running = undefined;
  }

  #takeGroup(): Pending[] {
    let bytes = 0;
    let count = 0;
    for (const pending of this.#pending) {
      if (count > 0 && bytes + pending.bytes > MAX_GROUP_BYTES) break;
      bytes += pending.bytes;
      count++;
    }
    return this.#pending.splice(0, count);
  }

  #fail(cause: unknown, group: readonly Pending[]): void {
    const failure = new WarehouseError(
      "backendError",
      `The journal could not be written (${cause instanceof Error ? cause.message : String(cause)}): free the disk and restart the warehouse.`,
      { cause },
    );
    this.#refusal = failure;
    for (const { reject } of [...group, ...this.#pending.splice(0)]) reject(failure);
  }
}
