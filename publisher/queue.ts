import { IndelibleError } from "@indelible/schemas/errors.ts";
import { publishedTables } from "@indelible/schemas/names.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { MAX_MESSAGE_BYTES, type Settings } from "./options.ts";
import { Pack, type Outcome } from "./pack.ts";

type Limits = Pick<Settings, "maxBatchBytes" | "maxBatchEvents" | "maxQueuedBytes" | "lingerMs">;

/**
 * Every event that was accepted and is not settled, in packs, one open pack a table. Bounded by `maxQueuedBytes`, in
 * which the packs that were taken for sending count until they are settled.
 */
export class Queue {
  readonly #limits: Limits;
  readonly #onReady: () => void;
  readonly #open = new Map<TableName, Pack>();
  readonly #closed = new Map<TableName, Pack[]>();
  readonly #unsettled = new Set<Pack>();
  /** Tables in the order of their turns, so that a flood of one table does not delay the others. */
  readonly #turns: TableName[];
  #lingerTimer: NodeJS.Timeout | undefined;
  #bytes = 0;

  /**
   * @param onReady called when a pack has become ready to be taken; it must not take it in the same turn of the event
   * loop
   */
  constructor(limits: Limits, onReady: () => void) {
    this.#limits = limits;
    this.#onReady = onReady;
    this.#turns = [...publishedTables];
    for (const table of publishedTables) this.#closed.set(table, []);
  }

  /** Bytes of all unsettled events. */
  get bytes(): number {
    return this.#bytes;
  }

  /** All packs that are not settled, also those in flight. */
  get unsettled(): ReadonlySet<Pack> {
    return this.#unsettled;
  }

  /** Takes one event, or nothing. @throws ERR_TOO_LARGE, ERR_QUEUE_FULL */
  add(table: TableName, text: string): void {
    const { maxBatchBytes, maxBatchEvents, maxQueuedBytes } = this.#limits;
    const textBytes = Buffer.byteLength(text);
    if (textBytes > MAX_MESSAGE_BYTES) {
      throw new IndelibleError("ERR_TOO_LARGE", `an event has ${textBytes} bytes, more than ${MAX_MESSAGE_BYTES}`);
    }
    // One byte more for the newline before it.
    if (this.#bytes + textBytes + 1 > maxQueuedBytes) {
      throw new IndelibleError(
        "ERR_QUEUE_FULL",
        `the publisher's queue holds maxQueuedBytes = ${maxQueuedBytes} already`,
      );
    }
    let pack = this.#open.get(table);
    if (pack !== undefined && pack.bytes + 1 + textBytes > maxBatchBytes) {
      this.#close(pack);
      pack = undefined;
    }
    pack ??= this.#openPack(table);
    const before = pack.bytes;
    pack.add(text, textBytes);
    this.#bytes += pack.bytes - before;
    if (pack.events >= maxBatchEvents || pack.bytes >= maxBatchBytes) this.#close(pack);
  }

  /** The next pack to send, from a table that is not held back; it stays unsettled. Undefined: nothing is ready. */
  take(isHeld: (table: TableName) => boolean): Pack | undefined {
    for (const [index, table] of this.#turns.entries()) {
      if (isHeld(table)) continue;
      const pack = this.#closed.get(table)!.shift() ?? this.#takeOpen(table);
      if (pack === undefined) continue;
      this.#turns.splice(index, 1);
      this.#turns.push(table);
      return pack;
    }
    return undefined;
  }

  /** Returns a pack that was taken and could not be sent: it is the next of its table. */
  putBack(pack: Pack): void {
    this.#closed.get(pack.table)!.unshift(pack);
  }

  /** Forgets a pack that was taken. */
  settle(pack: Pack, outcome: Outcome): void {
    this.#unsettled.delete(pack);
    this.#bytes -= pack.bytes;
    pack.settle(outcome);
  }

  /** Makes everything that waits ready at once. */
  closeAll(): void {
    for (const pack of this.#open.values()) this.#close(pack);
  }

  #takeOpen(table: TableName): Pack | undefined {
    const pack = this.#open.get(table);
    if (pack?.isDue !== true) return undefined;
    this.#open.delete(table);
    return pack;
  }

  #openPack(table: TableName): Pack {
    const pack = new Pack(table);
    this.#open.set(table, pack);
    this.#unsettled.add(pack);
    if (this.#lingerTimer === undefined) this.#lingerTimer = setTimeout(this.#endLinger, this.#limits.lingerMs).unref();
    return pack;
  }

  readonly #endLinger = (): void => {
    this.#lingerTimer = undefined;
    for (const pack of this.#open.values()) pack.isDue = true;
    this.#onReady();
  };

  #close(pack: Pack): void {
    this.#open.delete(pack.table);
    this.#closed.get(pack.table)!.push(pack);
    this.#onReady();
  }
}
