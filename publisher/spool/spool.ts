import { resolve } from "node:path";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { Adoption, type Adopted, type OnProblem } from "./adoption.ts";
import { Budget } from "./append-file.ts";
import { makeFolders, nodeFiles, type Files } from "./files.ts";
import { InstanceFolder } from "./instance-folder.ts";
import { Kept, type Rejection } from "./kept.ts";
import type { Records } from "./record.ts";
import { Segment, segmentName } from "./segment.ts";

export type { Rejection } from "./kept.ts";
export { Segment } from "./segment.ts";

export interface SpoolOptions {
  /**
   * Where events are kept until Pub/Sub has acknowledged them; made if it is missing. Several publishers, also of
   * several processes and containers, may share it, if they run as the same user and the file system has locks.
   */
  readonly directory: string;
  /**
   * The most bytes on disk, from 1: this publisher's segments, its own and adopted ones, with what was in `rejected`
   * and `quarantine` at the beginning and what it adds. Default: 1 GiB.
   */
  readonly maxBytes?: number;
}

const DEFAULT_MAX_BYTES = 1024 ** 3;

/** Folders of dead instances that one publisher holds at a time: each costs a file descriptor, for its lock. */
const MAX_ADOPTED = 100;

/**
 * Events on disk until Pub/Sub has acknowledged them. They survive the process (kill -9), not a power cut: nothing is synced. What
 * a dead process left is adopted by the next one that asks, exactly once.
 *
 * One publisher owns a spool and everything that it gives out.
 */
export class Spool {
  /** Without symbolic links. */
  readonly directory: string;
  readonly #files: Files;
  readonly #budget: Budget;
  readonly #own: InstanceFolder;
  readonly #kept: Kept;
  readonly #adoption: Adoption;
  readonly #segments = new Set<Segment>();
  /** Those in which a segment is left. */
  readonly #adopted = new Set<InstanceFolder>();
  #lastSegment = 0;
  #adopting: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  private constructor(directory: string, own: InstanceFolder, kept: Kept, files: Files, budget: Budget) {
    this.directory = directory;
    this.#own = own;
    this.#kept = kept;
    this.#files = files;
    this.#budget = budget;
    this.#adoption = new Adoption(directory, files);
  }

  /**
   * Makes the folders (0700; a directory that is there keeps its rights) and takes the lock, synchronously.
   *
   * @param files the file system, for tests
   * @throws ERR_CONFIG with a hint: the directory cannot be made, written or locked, or an option is out of range
   */
  static open(options: SpoolOptions, files: Files = nodeFiles): Spool {
    const { directory, maxBytes = DEFAULT_MAX_BYTES } = options;
    if (typeof directory !== "string" || directory === "") {
      throw refuse("spool.directory must be the path of a folder", "Give `spool` a directory, such as /var/lib/agent.");
    }
    if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
      throw refuse("spool.maxBytes must be a whole number from 1", "Give `spool` a maxBytes such as 1073741824.");
    }
    const budget = new Budget(maxBytes);
    let own: InstanceFolder | undefined;
    try {
      makeFolders(files, resolve(directory));
      // From here on neither a change of the working directory nor of a symbolic link can move the spool.
      const path = files.realpathSync(directory);
      own = InstanceFolder.create(files, path);
      return new Spool(path, own, new Kept(path, own.instance, files, budget), files, budget);
    } catch (cause) {
      own?.giveUp();
      if (IndelibleError.is(cause)) throw cause;
      throw refuse(
        `spool.directory = ${directory} cannot be made, written or locked: ${reasonOf(cause)}`,
        "Give a directory on a local file system with room, that belongs to the agent's account and that no other account uses.",
        cause,
      );
    }
  }

  /** Bytes on disk that count towards maxBytes. */
  get bytes(): number {
    return this.#budget.bytes;
  }

  hasRoomFor(bytes: number): boolean {
    return this.#budget.hasRoomFor(bytes);
  }

  /** A segment for one message. Makes no file until its first append. */
  createSegment(table: TableName): Segment {
    this.#lastSegment += 1;
    const segment = new Segment({
      folder: this.#own,
      name: segmentName(this.#lastSegment, table),
      table,
      files: this.#files,
      budget: this.#budget,
      onRemoved: (removed) => this.#segments.delete(removed),
    });
    if (this.#isClosed) segment.seal();
    this.#segments.add(segment);
    return segment;
  }

  /**
   * Claims folders of dead instances, the oldest first, until it holds 100 of them, and gives their segments, each once. A folder goes when its last segment
   * is removed. Call it again for more, and for what dies later. Memory is constant but for the segments' names.
   *
   * @param onProblem told what cannot be read, each time, and what is left alone, once. What it throws is ignored
   */
  async adopt(onProblem: OnProblem): Promise<readonly Segment[]> {
    const adopting = this.#adopting.then(() => this.#adopt(guarded(onProblem)));
    this.#adopting = adopting.catch(() => {});
    return adopting;
  }

  async #adopt(onProblem: OnProblem): Promise<readonly Segment[]> {
    const segments: Segment[] = [];
    if (this.#isClosed || this.#adopted.size >= MAX_ADOPTED) return segments;
    const held = new Set([this.#own, ...this.#adopted].map(({ instance }) => instance));
    for await (const adopted of this.#adoption.claims((name) => held.has(name), onProblem)) {
      if (this.#isClosed) {
        adopted.folder.giveUp();
        return [];
      }
      segments.push(...this.#take(adopted));
      if (this.#adopted.size >= MAX_ADOPTED) break;
    }
    return this.#isClosed ? [] : segments;
  }

  #take({ folder, leftovers }: Adopted): Segment[] {
    this.#adopted.add(folder);
    let left = leftovers.length;
    const onRemoved = (): void => {
      left -= 1;
      if (left > 0) return;
      this.#adopted.delete(folder);
      folder.giveUp();
    };
    return leftovers.map(
      ({ name, table, content }) =>
        new Segment({ folder, name, table, files: this.#files, budget: this.#budget, onRemoved, adopted: content }),
    );
  }

  /**
   * Keeps an event that must not or cannot be sent: a line `{"table","code","message","at","event"}` of
   * `rejected/<instance>.ndjson`. Not bounded by maxBytes, though counted: what it keeps is about to leave a segment.
   *
   * @throws ERR_SPOOL
   */
  async keepRejected(rejection: Rejection): Promise<void> {
    this.#reject(rejection, false);
  }

  /** The same before it returns, for an event that is in no segment. @throws ERR_SPOOL; ERR_QUEUE_FULL beyond maxBytes */
  keepRejectedSync(rejection: Rejection): void {
    this.#reject(rejection, true);
  }

  #reject(rejection: Rejection, mustFit: boolean): void {
    this.#requireOpen();
    this.#kept.reject(rejection, mustFit);
  }

  /**
   * Copies the damaged stretches of a segment to `quarantine/<instance>.<segment>.<offset>.bytes`. Idempotent. Not bounded by
   * maxBytes, though counted, as `keepRejected` is.
   *
   * @throws ERR_SPOOL
   */
  async keepDamaged(segment: Segment, damaged: Records["damaged"]): Promise<void> {
    this.#requireOpen();
    await this.#kept.quarantine(segment, damaged);
  }

  #requireOpen(): void {
    if (!this.#isClosed) return;
    throw new IndelibleError("ERR_SPOOL", "the spool is closed", {
      hint: "Nothing to do: the next publisher with this spool goes on with what is left in it.",
    });
  }

  /**
   * Closes the files, gives up the locks (of a folder in which something is being read or removed, when that has ended)
   * and removes its own folder if nothing is left in it. What is left is for the next one. Idempotent, never throws.
   */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const segment of this.#segments) segment.seal();
    this.#kept.close();
    for (const folder of [this.#own, ...this.#adopted]) folder.giveUp();
    this.#adopted.clear();
  }
}

function guarded(onProblem: OnProblem): OnProblem {
  return (error) => {
    try {
      onProblem(error);
    } catch {
      // Whoever is told must not make us lose what is claimed already.
    }
  };
}

function refuse(what: string, hint: string, cause?: unknown): IndelibleError {
  return new IndelibleError("ERR_CONFIG", `createPublisher(): ${what}`, { cause, hint });
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
