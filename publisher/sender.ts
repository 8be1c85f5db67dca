import { IndelibleError } from "@indelible/schemas/errors.ts";
import { publishedTables, topicOf } from "@indelible/schemas/names.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { Backoff } from "./backoff.ts";
import { withDeadline } from "./deadline.ts";
import type { Settings } from "./options.ts";
import type { Pack } from "./pack.ts";
import { Queue } from "./queue.ts";
import type { Reports } from "./reports.ts";

/** Counts of events. Every accepted event is in exactly one of queued, inFlight, acknowledged and refused. */
export interface Stats {
  /** Wait in memory for their first or next attempt. */
  readonly queued: number;
  /** In an attempt that has not ended. */
  readonly inFlight: number;
  /** Stored durably by Pub/Sub. */
  readonly acknowledged: number;
  /** Given up, each reported to `onError`; also those that were never accepted. */
  readonly refused: number;
  /** Bytes of queued and inFlight together: what `maxQueuedBytes` bounds. */
  readonly queuedBytes: number;
}

/** How things stand with the events that were logged before the call; those in neither count were refused. */
export interface FlushResult {
  readonly acknowledged: number;
  readonly outstanding: number;
}

/**
 * Sends the queue's packs: a bounded number at a time, each until it is acknowledged or will never be taken. An attempt
 * that failed may have succeeded in truth (the answer was lost, or came after the deadline). It is repeated all the
 * same, with the same `log_id`s, by which the subscriber knows the duplicates.
 */
export class Sender {
  readonly queue: Queue;
  readonly #settings: Settings;
  readonly #reports: Reports;
  readonly #inFlight = new Set<Pack>();
  readonly #backoffs = new Map<TableName, Backoff>();
  #acknowledged = 0;
  #refused = 0;
  #isScheduled = false;
  #isStopped = false;

  constructor(settings: Settings, reports: Reports) {
    this.#settings = settings;
    this.#reports = reports;
    const schedule = (): void => this.#schedule();
    this.queue = new Queue(settings, schedule);
    for (const table of publishedTables) this.#backoffs.set(table, new Backoff(schedule));
  }

  /** Counts an event that was not accepted, and reports it. */
  refuse(table: TableName, error: IndelibleError, events = 1): void {
    this.#refused += events;
    this.#reports.add(error, { table, events, refused: true });
  }

  /** Never rejects. Does not wait for linger times and backoffs. */
  async flush(deadlineMs: number): Promise<FlushResult> {
    const packs = [...this.queue.unsettled];
    const acknowledgedBefore = this.#acknowledged;
    this.queue.closeAll();
    for (const backoff of this.#backoffs.values()) backoff.endWait();
    this.#schedule();
    const allSettled = Promise.all(packs.map((pack) => pack.settled));
    // The deadline's timer holds the process, for nothing else might: a backoff's timer does not.
    await withDeadline(allSettled, deadlineMs, "flush", true).catch(() => {});
    return {
      acknowledged: acknowledgedBefore + eventsOf(packs.filter(({ outcome }) => outcome === "acknowledged")),
      outstanding: eventsOf(packs.filter(({ outcome }) => outcome === undefined)),
    };
  }

  /** Sends nothing more: what waits is refused now, what is in flight when its attempt fails. */
  stop(): void {
    this.#isStopped = true;
    for (const backoff of this.#backoffs.values()) backoff.endWait();
    this.queue.closeAll();
    for (let pack = this.queue.take(() => false); pack !== undefined; pack = this.queue.take(() => false)) {
      this.#giveUp(
        pack,
        new IndelibleError("ERR_DEADLINE", "the publisher was closed before Pub/Sub acknowledged these events", {
          hint: "Give close() a longer deadlineMs, and look at earlier reports for what kept Pub/Sub from answering.",
        }),
      );
    }
  }

  stats(): Stats {
    const inFlight = eventsOf(this.#inFlight);
    return {
      queued: eventsOf(this.queue.unsettled) - inFlight,
      inFlight,
      acknowledged: this.#acknowledged,
      refused: this.#refused,
      queuedBytes: this.queue.bytes,
    };
  }

  /** Not within the call that logged: handing a message to gRPC costs about a millisecond a megabyte. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#sendReady();
    });
  }

  #sendReady(): void {
    while (!this.#isStopped && this.#inFlight.size < this.#settings.maxInFlight) {
      const pack = this.queue.take((table) => this.#isHeld(table));
      if (pack === undefined) return;
      this.#inFlight.add(pack);
      void this.#attempt(pack);
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
    const backoff = this.#backoffs.get(pack.table)!;
    try {
      await this.#publish(pack);
      this.#inFlight.delete(pack);
      backoff.succeed();
      this.#acknowledged += pack.events;
      this.queue.settle(pack, "acknowledged");
    } catch (cause) {
      const error = errorOf(cause, pack.table);
      this.#inFlight.delete(pack);
      if (!error.retryable || this.#isStopped) {
        this.#giveUp(pack, error);
      } else {
        this.queue.putBack(pack);
        backoff.fail();
        this.#reports.add(error, { table: pack.table, events: this.#waitingOf(pack.table), refused: false });
      }
    }
    this.#schedule();
  }

  async #publish(pack: Pack): Promise<void> {
    const { transport, topicPrefix, publishDeadlineMs } = this.#settings;
    const topic = topicOf(pack.table, topicPrefix);
    const attributes: { [key: string]: string } = pack.events > 1 ? { format: "ndjson" } : {};
    const attempt = transport.publish(topic, pack.data, attributes, publishDeadlineMs);
    await withDeadline(attempt, publishDeadlineMs, `publishing to ${topic}`, false);
  }

  #giveUp(pack: Pack, error: IndelibleError): void {
    this.queue.settle(pack, "refused");
    this.refuse(pack.table, error, pack.events);
  }

  #waitingOf(table: TableName): number {
    let events = 0;
    for (const pack of this.queue.unsettled) if (pack.table === table) events += pack.events;
    return events;
  }
}

function eventsOf(packs: Iterable<Pack>): number {
  let events = 0;
  for (const pack of packs) events += pack.events;
  return events;
}

function errorOf(cause: unknown, table: TableName): IndelibleError {
  if (IndelibleError.is(cause)) return cause;
  return new IndelibleError("ERR_PUBLISH", `the transport failed on a message of ${table}`, { cause });
}
