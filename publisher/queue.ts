import { IndelibleError } from "@indelible/schemas/errors.ts";
import { publishedTables } from "@indelible/schemas/names.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import type { Settings } from "./options.ts";
import { Pack, type Outcome } from "./pack.ts";
import type { Prepared } from "./preparation.ts";
import { RECORD_PREFIX_BYTES } from "./spool/record.ts";
import type { Segment, Spool } from "./spool/spool.ts";

/** UTF-8 has at most three bytes for a UTF-16 code unit. */
const MAX_BYTES_A_UNIT = 3;

/** Checksum and newline. */
const LINE_BYTES = RECORD_PREFIX_BYTES + 1;

type Limits = Pick<Settings, "maxBatchBytes" | "maxBatchEvents" | "maxQueuedBytes" | "maxInFlight" | "lingerMs">;

/** What the queue tells its owner. */
export interface QueueEvents {
  /** A pack has become ready to be taken. It must not be taken in the same turn of the event loop. */
  onReady(): void;
  /** Events that had been taken could not be written to disk, and are gone. */
  onLost(table: TableName, error: IndelibleError, events: number): void;
}

/**
 * Every event that was accepted and is not settled, in packs, one open pack a table.
 *
 * Without a spool, bounded by `maxQueuedBytes` of memory. With one, each event is on disk when the tick that logged it has
 * ended, and at the latest before it is sent; the bound is the spool's, and what memory cannot hold as well is read
 * from disk when its turn comes.
 */
export class Queue {
  readonly #limits: Limits;
  readonly #maxBatchBytes: number;
  readonly #spool: Spool | undefined;
  readonly #events: QueueEvents;
  readonly #open = new Map<TableName, Pack>();
  readonly #closed = new Map<TableName, Pack[]>();
  readonly #unsettled = new Set<Pack>();
  /** Closed packs of which no message was made yet, in order; some may have been taken or settled meanwhile. */
  readonly #unprepared: Pack[] = [];
  /** Tables in the order of their turns, so that a flood of one table does not delay the others. */
  readonly #turns: TableName[];
  #lingerTimer: NodeJS.Timeout | undefined;
  #isTickOpen = false;
  #isExiting = false;
  /** Bytes in memory, of all unsettled packs. */
  #memory = 0;
  /** Bytes that are to be written when the tick ends. */
  #dirty = 0;

  constructor(limits: Limits, spool: Spool | undefined, events: QueueEvents) {
    this.#limits = limits;
    // Half of the memory is for packs that wait, the other half for those that are filled or sent.
    const most = Math.floor(limits.maxQueuedBytes / 2 / (publishedTables.length + limits.maxInFlight));
    this.#maxBatchBytes =
      spool === undefined ? limits.maxBatchBytes : Math.min(limits.maxBatchBytes, Math.max(1, most));
    this.#spool = spool;
    this.#events = events;
    this.#turns = [...publishedTables];
    for (const table of publishedTables) this.#closed.set(table, []);
  }

  /** Bytes that all unsettled packs have in memory. */
  get bytes(): number {
    return this.#memory;
  }

  /** The next pack that waits with its lines in memory, if there is one, so that it can be made smaller. */
  takeUnprepared(): Pack | undefined {
    for (let pack = this.#unprepared.shift(); pack !== undefined; pack = this.#unprepared.shift()) {
      if (pack.outcome === undefined && pack.lines !== undefined) return pack;
    }
    return undefined;
  }

  /** All packs that are not settled, also those in flight, and those that were left on disk. */
  get unsettled(): ReadonlySet<Pack> {
    return this.#unsettled;
  }

  /** Takes one event, or nothing. @throws ERR_TOO_LARGE, ERR_QUEUE_FULL */
  add(table: TableName, text: string): void {
    this.#assertRoom(text);
    const { maxBatchEvents } = this.#limits;
    const maxBatchBytes = this.#maxBatchBytes;
    let pack = this.#open.get(table) ?? this.#openPack(table);
    let added = pack.add(text, maxBatchBytes);
    if (added === 0) {
      this.#close(pack);
      pack = this.#openPack(table);
      added = pack.add(text, maxBatchBytes);
    }
    this.#memory += added;
    if (this.#spool !== undefined) {
      this.#dirty += added;
      if (!this.#isTickOpen) this.#openTick();
    }
    if (pack.events >= maxBatchEvents || pack.isFull(maxBatchBytes)) this.#close(pack);
    if (this.#isExiting) this.endTick();
  }

  /** Takes what a dead process left on disk. */
  adopt(segment: Segment): Pack {
    const pack = new Pack(segment.table, segment);
    this.#unsettled.add(pack);
    this.#closed.get(segment.table)!.push(pack);
    this.#events.onReady();
    return pack;
  }

  /** Writes to disk what this tick has logged so far, and from now on each event in its call: no tick ends any more. */
  endAllTicks(): void {
    this.#isExiting = true;
    this.endTick();
  }

  /** Writes to disk what this tick has logged so far. */
  endTick(): void {
    this.#isTickOpen = false;
    for (const pack of this.#open.values()) this.#write(pack);
  }

  /** The next pack to send, from a table that is not held back; it stays unsettled. Undefined: nothing is ready. */
  take(isHeld: (table: TableName) => boolean): Pack | undefined {
    for (const [index, table] of this.#turns.entries()) {
      if (isHeld(table)) continue;
      if (this.#open.get(table)?.isDue === true) this.#close(this.#open.get(table)!);
      const pack = this.#closed.get(table)!.shift();
      if (pack === undefined) continue;
      this.#turns.splice(index, 1);
      this.#turns.push(table);
      return pack;
    }
    return undefined;
  }

  /** Keeps the message that was made of a pack's lines, in place of them. One that takes more memory than they is made again for the next attempt. */
  setPrepared(pack: Pack, prepared: Prepared): void {
    if (pack.outcome !== undefined) return;
    if (this.#spool === undefined && prepared.data.length > pack.memory) return;
    this.#memory -= pack.memory;
    pack.prepared = prepared;
    this.#memory += pack.memory;
  }

  /** Returns a pack that was taken and could not be sent: it is the next of its table. */
  putBack(pack: Pack): void {
    this.#closed.get(pack.table)!.unshift(pack);
    this.#relieve(pack);
  }

  /** Forgets a pack that was taken; of one that stays on disk, all but its number of events. */
  settle(pack: Pack, outcome: Outcome): void {
    if (outcome !== "spooled") this.#unsettled.delete(pack);
    this.#memory -= pack.memory;
    pack.settle(outcome);
  }

  /** Makes everything that waits ready at once. */
  closeAll(): void {
    for (const pack of this.#open.values()) this.#close(pack);
  }

  #assertRoom(text: string): void {
    const { maxQueuedBytes } = this.#limits;
    const most = text.length * MAX_BYTES_A_UNIT;
    if (most > MAX_MESSAGE_BYTES) {
      const bytes = Buffer.byteLength(text);
      if (bytes > MAX_MESSAGE_BYTES) {
        throw new IndelibleError("ERR_TOO_LARGE", `an event has ${bytes} bytes, more than ${MAX_MESSAGE_BYTES}`);
      }
    }
    if (this.#spool === undefined) {
      if (this.#memory + (text.length + 1) * 2 <= maxQueuedBytes) return;
      throw new IndelibleError(
        "ERR_QUEUE_FULL",
        `the publisher's queue holds maxQueuedBytes = ${maxQueuedBytes} already`,
      );
    }
    // Counting takes as long as writing, so it is done only where the estimate does not fit.
    if (this.#spool.hasRoomFor(this.#dirty + most + LINE_BYTES)) return;
    if (this.#spool.hasRoomFor(this.#dirty + Buffer.byteLength(text) + LINE_BYTES)) return;
    throw new IndelibleError("ERR_QUEUE_FULL", `the spool in ${this.#spool.directory} holds its maxBytes already`);
  }

  #openTick(): void {
    this.#isTickOpen = true;
    // Before anything else happens: neither other callbacks nor I/O come between.
    process.nextTick(() => this.endTick());
  }

  #openPack(table: TableName): Pack {
    const pack = new Pack(table, this.#spool?.createSegment(table));
    this.#open.set(table, pack);
    this.#unsettled.add(pack);
    if (this.#lingerTimer === undefined) this.#lingerTimer = setTimeout(this.#endLinger, this.#limits.lingerMs).unref();
    return pack;
  }

  readonly #endLinger = (): void => {
    this.#lingerTimer = undefined;
    for (const pack of this.#open.values()) pack.isDue = true;
    this.#events.onReady();
  };

  /** Takes an open pack out of those that are filled. */
  #close(pack: Pack): void {
    this.#write(pack);
    if (this.#open.get(pack.table) !== pack) return;
    this.#open.delete(pack.table);
    if (pack.events === 0) {
      this.settle(pack, "refused");
      // It has no file, or an empty one.
      pack.segment?.remove().catch(() => {});
      return;
    }
    pack.segment?.seal();
    this.#closed.get(pack.table)!.push(pack);
    this.#unprepared.push(pack);
    this.#relieve(pack);
    this.#events.onReady();
  }

  /** Writes an open pack to disk. One that cannot be written has lost what is not there, and is closed. */
  #write(pack: Pack): void {
    if (!pack.isDirty) return;
    const { memory } = pack;
    this.#dirty -= pack.bytes - pack.spooledBytes;
    try {
      pack.spool();
    } catch (cause) {
      const error = IndelibleError.is(cause)
        ? cause
        : new IndelibleError("ERR_SPOOL", "events could not be written to the spool", { cause });
      const lost = pack.dropUnspooled();
      this.#memory += pack.memory - memory;
      this.#close(pack);
      // Whoever is told may log in his turn, so that all else must be done.
      this.#events.onLost(pack.table, error, lost);
    }
  }

  /** Leaves a pack's bytes to the disk when memory is half full: the other half is for what is being sent. */
  #relieve(pack: Pack): void {
    if (this.#spool === undefined || this.#memory <= this.#limits.maxQueuedBytes / 2) return;
    const { memory } = pack;
    pack.release();
    this.#memory += pack.memory - memory;
  }
}
