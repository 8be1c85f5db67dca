import { IndelibleError } from "@indelible/schemas/errors.ts";
import { publishedTables, topicOf } from "@indelible/schemas/names.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { Backoff } from "./backoff.ts";
import type { Counts } from "./counts.ts";
import { withDeadline } from "./deadline.ts";
import type { Settings } from "./options.ts";
import type { Pack } from "./pack.ts";
import type { Preparer } from "./preparer.ts";
import type { Prepared } from "./preparation.ts";
import type { Queue } from "./queue.ts";
import type { Rejections } from "./rejections.ts";
import type { Reports } from "./reports.ts";

/** How things stand with the events that were logged before the call; those in none of the counts were refused or held back. */
export interface FlushResult {
  /** Stored durably by Pub/Sub. */
  readonly acknowledged: number;
  /** Not acknowledged, but on disk: they are sent later, if need be by another process. */
  readonly spooled: number;
  /** In memory only. They are still being sent, unless the publisher was closed. */
  readonly outstanding: number;
}

/** One is at work in the background thread, and the next one waits there. */
const MAX_PREPARING = 2;

export interface SenderParts {
  readonly settings: Settings;
  readonly queue: Queue;
  readonly preparer: Preparer;
  readonly rejections: Rejections;
  readonly counts: Counts;
  readonly reports: Reports;
}

/**
 * Sends the queue's packs: a bounded number at a time, each until it is acknowledged or will never be taken. An attempt
 * that failed may have succeeded in truth (the answer was lost, or came after the deadline). It is repeated all the
 * same, with the same `log_id`s, by which the subscriber knows the duplicates.
 */
export class Sender {
  readonly #parts: SenderParts;
  readonly #inFlight = new Set<Pack>();
  readonly #preparing = new Map<Pack, Promise<Prepared>>();
  readonly #backoffs = new Map<TableName, Backoff>();
  #isScheduled = false;
  #isStopped = false;

  constructor(parts: SenderParts) {
    this.#parts = parts;
    for (const table of publishedTables) this.#backoffs.set(table, new Backoff(() => this.schedule()));
  }

  /** Events of attempts that have not ended. */
  get inFlightEvents(): number {
    let events = 0;
    for (const pack of this.#inFlight) events += pack.outstanding;
    return events;
  }

  /**
   * Never rejects. Does not wait for linger times and backoffs.
   *
   * @param adopted packs that are still being looked for, to be sent as well; must not reject
   */
  async flush(deadlineMs: number, adopted?: Promise<readonly Pack[]>): Promise<FlushResult> {
    const { queue, counts } = this.#parts;
    queue.closeAll();
    const packs = new Set(queue.unsettled);
    const acknowledgedBefore = counts.acknowledged;
    const settle = async (): Promise<void> => {
      for (const pack of (await adopted) ?? []) if (pack.outcome === undefined) packs.add(pack);
      for (const backoff of this.#backoffs.values()) backoff.endWait();
      this.schedule();
      await Promise.all([...packs].map((pack) => pack.settled));
    };
    // The deadline's timer holds the process, for nothing else might: a backoff's timer does not.
    await withDeadline(settle(), deadlineMs, "flush", true).catch(() => {});
    const result = { acknowledged: acknowledgedBefore, spooled: 0, outstanding: 0 };
    for (const pack of packs) {
      if (pack.outcome === "acknowledged") result.acknowledged += pack.acknowledgedEvents;
      else if (pack.outcome === "spooled" || (pack.outcome === undefined && pack.segment !== undefined))
        result.spooled += pack.outstanding;
      else if (pack.outcome === undefined) result.outstanding += pack.outstanding;
    }
    return result;
  }

  /** Sends nothing more: what waits is left on disk or refused now, what is in flight when its attempt fails. */
  stop(): void {
    const { queue } = this.#parts;
    this.#isStopped = true;
    for (const backoff of this.#backoffs.values()) backoff.endWait();
    queue.closeAll();
    for (let pack = queue.take(() => false); pack !== undefined; pack = queue.take(() => false)) this.#leave(pack);
  }

  /** Not within the call that logged: handing a message to gRPC costs about a millisecond a megabyte. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#sendReady();
    });
  }

  #sendReady(): void {
    const { queue, settings } = this.#parts;
    while (!this.#isStopped && this.#inFlight.size < settings.maxInFlight) {
      const pack = queue.take((table) => this.#isHeld(table));
      if (pack === undefined) break;
      this.#inFlight.add(pack);
      void this.#attempt(pack);
    }
    this.#prepareAhead();
  }

  /** What waits is made into messages meanwhile, which take a fourth of the memory or less. */
  #prepareAhead(): void {
    while (this.#preparing.size < MAX_PREPARING) {
      const pack = this.#parts.queue.takeUnprepared();
      if (pack === undefined) return;
      // Its own attempt will see why it failed.
      this.#prepare(pack).catch(() => {});
    }
  }

  #prepare(pack: Pack): Promise<Prepared> {
    if (pack.prepared !== undefined) return Promise.resolve(pack.prepared);
    let preparing = this.#preparing.get(pack);
    if (preparing === undefined) {
      preparing = this.#run(pack);
      this.#preparing.set(pack, preparing);
    }
    return preparing;
  }

  async #run(pack: Pack): Promise<Prepared> {
    try {
      const prepared = await this.#parts.preparer.prepare(pack);
      this.#parts.queue.setPrepared(pack, prepared);
      return prepared;
    } finally {
      this.#preparing.delete(pack);
      this.schedule();
    }
  }

  #isHeld(table: TableName): boolean {
    const { maxInFlight } = this.#backoffs.get(table)!;
    if (maxInFlight === Infinity) return false;
    let inFlight = 0;
    for (const pack of this.#inFlight) if (pack.table === table) inFlight += 1;
    return inFlight >= maxInFlight;
  }

  async #attempt(pack: Pack): Promise<void> {
    const { queue, counts } = this.#parts;
    const backoff = this.#backoffs.get(pack.table)!;
    try {
      const prepared = await this.#prepare(pack);
      if (prepared.events > 0) {
        await this.#publish(pack, prepared);
        backoff.succeed();
      }
      await this.#removeSegment(pack);
      counts.acknowledged += prepared.events;
      pack.acknowledgedEvents = prepared.events;
      queue.settle(pack, "acknowledged");
    } catch (cause) {
      await this.#fail(pack, errorOf(cause, pack.table), backoff);
    }
    this.#inFlight.delete(pack);
    this.schedule();
  }

  async #fail(pack: Pack, error: IndelibleError, backoff: Backoff): Promise<void> {
    const { queue, rejections } = this.#parts;
    // Closing ends the thread, and with it what is in flight: that says nothing of the message.
    if (this.#isStopped) {
      this.#leave(pack, error);
      return;
    }
    let reason = error;
    if (!error.retryable) {
      try {
        await rejections.holdPack(pack, error);
        await this.#removeSegment(pack);
        queue.settle(pack, "refused");
        return;
      } catch (cause) {
        // It stays where it is until it can be kept elsewhere.
        reason = errorOf(cause, pack.table);
      }
    }
    if (this.#isStopped) this.#leave(pack, reason);
    else this.#tryAgain(pack, reason, backoff);
  }

  #tryAgain(pack: Pack, reason: IndelibleError, backoff: Backoff): void {
    const { queue, reports } = this.#parts;
    queue.putBack(pack);
    backoff.fail();
    reports.add(reason, { table: pack.table, events: this.#waitingOf(pack.table), refused: false });
  }

  async #publish(pack: Pack, { data, attributes }: Prepared): Promise<void> {
    const { transport, topicPrefix, publishDeadlineMs } = this.#parts.settings;
    const topic = topicOf(pack.table, topicPrefix);
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const attempt = transport.publish(topic, bytes, { ...attributes }, publishDeadlineMs);
    await withDeadline(attempt, publishDeadlineMs, `publishing to ${topic}`, false);
  }

  /**
   * A segment that cannot be removed is sent again by the next process, and the subscriber knows its events. Once the publisher is
   * closed, its segments belong to whoever comes next.
   */
  async #removeSegment(pack: Pack): Promise<void> {
    if (pack.segment === undefined || this.#isStopped) return;
    try {
      await pack.segment.remove();
    } catch (cause) {
      const error = errorOf(cause, pack.table);
      this.#parts.reports.add(error, { table: pack.table, events: pack.events, refused: false });
    }
  }

  /** After stop(): what is on disk is for the next process, what is not is gone. */
  #leave(pack: Pack, cause?: IndelibleError): void {
    const { queue, rejections } = this.#parts;
    if (pack.segment !== undefined) {
      queue.settle(pack, "spooled");
      return;
    }
    queue.settle(pack, "refused");
    if (pack.outstanding === 0) return;
    rejections.refuse(
      pack.table,
      new IndelibleError("ERR_DEADLINE", "the publisher was closed before Pub/Sub acknowledged these events", {
        ...(cause === undefined ? {} : { cause }),
        hint: "Give close() a longer deadlineMs, or the publisher a spool, and look at earlier reports for what kept Pub/Sub from answering.",
      }),
      pack.outstanding,
    );
  }

  #waitingOf(table: TableName): number {
    let events = 0;
    for (const pack of this.#parts.queue.unsettled) if (pack.table === table) events += pack.outstanding;
    return events;
  }
}

function errorOf(cause: unknown, table: TableName): IndelibleError {
  if (IndelibleError.is(cause)) return cause;
  return new IndelibleError("ERR_PUBLISH", `the transport failed on a message of ${table}`, { cause });
}
