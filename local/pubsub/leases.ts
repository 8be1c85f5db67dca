import type { AckId } from "./ack-ids.ts";
import type { BrokerFaults } from "./broker-faults.ts";
import type { Commits } from "./commits.ts";
import { DueQueue, type Due } from "./due-queue.ts";
import type { Log } from "../log.ts";
import { publishTimeMs, type Messages, type StoredMessage } from "./messages.ts";
import { nameParts } from "./names.ts";
import type { StatusError } from "./status.ts";
import { retryBackoffMs, type Subscription } from "./subscriptions.ts";
import type { Clock } from "./time.ts";
import type { Topic } from "./topics.ts";

/** Leased, failed and prefetched messages of one subscription held in memory; the rest of a backlog waits on disk. */
const MAX_OUTSTANDING = 100_000;
const PREFETCH_MESSAGES = 256;
/** After a failure of our own, such as a full disk: long enough not to spin, short enough not to be noticed. */
const TROUBLE_RETRY_MS = 1000;

/** Who has messages on lease. */
export interface Holder {
  /** The lease is over: acknowledged, failed, expired or taken back by a seek. Called once a lease. */
  released(lease: Lease): void;
}

/** Who wants messages as they come. */
export interface Consumer extends Holder {
  /** There may be messages: take as many as there is room for. */
  wake(): void;
  /** The subscription is gone, or no longer delivered this way. */
  end(reason: StatusError): void;
}

/** A message in memory between the disk and its acknowledgement. Owned by `Leases`. */
export interface Lease extends Due {
  readonly messageId: number;
  readonly bytes: number;
  state: "ready" | "leased" | "waiting" | "forwarding";
  /** Deliveries that failed so far. */
  failures: number;
  leaseNumber: number;
  holder: Holder | null;
}

export interface Delivery {
  readonly lease: Lease;
  readonly message: StoredMessage;
}

export interface Leasing {
  readonly messages: Messages;
  readonly commits: Commits;
  readonly now: Clock;
  readonly log: Log;
  readonly findTopic: (name: string) => Topic | undefined;
  readonly faults: BrokerFaults | undefined;
}

/**
 * Which messages of one subscription are with whom, and until when. Leases live in memory: after a crash every
 * message not acknowledged is delivered again.
 */
export class Leases {
  readonly #subscription: Subscription;
  readonly #leasing: Leasing;
  readonly #outstanding = new Map<number, Lease>();
  readonly #ready = new Set<Lease>();
  /** Ends of leases and of waits after a failure. */
  readonly #due = new DueQueue<Lease>();
  /** Acknowledged, but not on disk yet: a rewind must not deliver them. */
  readonly #acknowledging = new Set<number>();
  readonly #consumers = new Set<Consumer>();
  #cursor = 0;
  #atEnd = false;
  /** Never repeats, over restarts either, so that a stale nack cannot end a newer lease. */
  #leaseNumber: number;
  #timer: NodeJS.Timeout | undefined;
  #timerMs = Infinity;
  #waking = false;

  constructor(subscription: Subscription, leasing: Leasing) {
    this.#subscription = subscription;
    this.#leasing = leasing;
    this.#leaseNumber = leasing.now() * 1000;
  }

  /** New messages are on disk. */
  published(): void {
    this.#atEnd = false;
    this.wake();
  }

  /** Offers what there is to the consumers, in turn, once however often it is called before the next microtask. */
  wake(): void {
    if (this.#waking || this.#consumers.size === 0) return;
    this.#waking = true;
    queueMicrotask(() => {
      this.#waking = false;
      const [first] = this.#consumers;
      for (const consumer of this.#consumers) this.#offerTo(consumer);
      if (first !== undefined && this.#consumers.delete(first)) this.#consumers.add(first);
    });
  }

  #offerTo(consumer: Consumer): void {
    try {
      consumer.wake();
    } catch (error) {
      this.#leasing.log("ERROR", "A backlog could not be read; trying again", { reason: String(error) });
      setTimeout(() => this.wake(), TROUBLE_RETRY_MS).unref();
    }
  }

  add(consumer: Consumer): void {
    this.#consumers.add(consumer);
    this.wake();
  }

  remove(consumer: Consumer): void {
    this.#consumers.delete(consumer);
  }

  /** Ends every consumer: the subscription is deleted, or delivered in another way from now on. */
  end(reason: StatusError): void {
    const consumers = [...this.#consumers];
    this.#consumers.clear();
    for (const consumer of consumers) consumer.end(reason);
  }

  /**
   * Leases up to `maxMessages` messages, up to `maxBytes` together, but always one if there is one. `holder` hears when a lease ends.
   */
  take(maxMessages: number, maxBytes: number, ackDeadlineMs: number, holder: Holder | null): Delivery[] {
    const taken: Delivery[] = [];
    let bytes = 0;
    while (taken.length < maxMessages) {
      const lease = this.#nextReady();
      if (lease === undefined || (taken.length > 0 && bytes + lease.bytes > maxBytes)) break;
      const message = this.#leasing.messages.read(lease.messageId);
      if (message === undefined) {
        this.#forget(lease);
        continue;
      }
      bytes += lease.bytes;
      this.#ready.delete(lease);
      lease.state = "leased";
      lease.leaseNumber = ++this.#leaseNumber;
      lease.holder = holder;
      this.#due.put(lease, this.#leasing.now() + ackDeadlineMs);
      taken.push({ lease, message });
    }
    this.#arm();
    return taken;
  }

  /**
   * Resolves when the acknowledgements are on disk. Late ones count: whoever sends one has processed the message.
   * @throws {StatusError} when they could not be stored; the messages will be delivered again.
   */
  async acknowledge(ackIds: readonly Pick<AckId, "epoch" | "messageId">[]): Promise<void> {
    const { epoch } = this.#subscription;
    const current = ackIds.filter((ackId) => ackId.epoch === epoch && !this.#forgets(ackId));
    const leases: Lease[] = [];
    for (const { messageId } of current) {
      const lease = this.#outstanding.get(messageId);
      this.#acknowledging.add(messageId);
      if (lease === undefined) continue;
      leases.push(lease);
      this.#forget(lease);
    }
    this.wake();
    try {
      await this.#leasing.commits.submit(current.length * 16, () => {
        for (const { messageId } of current) this.#leasing.messages.acknowledge(this.#subscription, messageId);
      });
    } catch (error) {
      // A seek meanwhile has put all that it wants delivered on disk, where the cursor finds it.
      if (epoch === this.#subscription.epoch) {
        for (const lease of leases) this.#wait(lease, TROUBLE_RETRY_MS);
        this.#rewindTo(current);
      }
      throw error;
    } finally {
      for (const { messageId } of current) this.#acknowledging.delete(messageId);
    }
  }

  /** Gives a lease another `seconds` from now; 0 ends it as failed. Nothing happens to one that is over. */
  modifyDeadline(ackId: AckId, seconds: number): void {
    const lease = this.#outstanding.get(ackId.messageId);
    if (lease?.state !== "leased" || lease.leaseNumber !== ackId.leaseNumber) return;
    if (seconds === 0) {
      this.fail(lease);
      return;
    }
    this.#due.put(lease, this.#leasing.now() + seconds * 1000);
    this.#arm();
  }

  /** The delivery failed, or its deadline passed: the message waits, is ready again, or goes to the dead letters. */
  fail(lease: Lease): void {
    if (lease.state !== "leased" || this.#outstanding.get(lease.messageId) !== lease) return;
    lease.failures++;
    this.#due.remove(lease);
    this.#release(lease);
    const { deadLetter, retry } = this.#subscription.config;
    if (deadLetter !== null && lease.failures >= deadLetter.maxDeliveryAttempts) {
      void this.#forward(lease, deadLetter.topic);
      return;
    }
    if (deadLetter !== null) this.#recordFailures(lease);
    this.#wait(lease, retryBackoffMs(retry, lease.failures));
  }

  /** Forgets everything in memory and reads the backlog anew: it has changed on disk. */
  reset(): void {
    this.close();
    this.#cursor = 0;
    this.published();
  }

  /** Forgets everything in memory: the subscription is gone, or the broker stops. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timerMs = Infinity;
    for (const lease of this.#outstanding.values()) this.#forget(lease);
    this.#acknowledging.clear();
  }

  #nextReady(): Lease | undefined {
    while (this.#ready.size === 0 && !this.#atEnd && this.#outstanding.size < MAX_OUTSTANDING) this.#prefetch();
    if (this.#leasing.faults?.at("lease") !== undefined) this.#passOver();
    return this.#ready.values().next().value;
  }

  /** Suffers a fault: the message that is next becomes the last of those in memory. */
  #passOver(): void {
    const [next] = this.#ready;
    if (next !== undefined && this.#ready.delete(next)) this.#ready.add(next);
  }

  /** Whether this acknowledgement suffers a fault: the message is delivered again, as if there had been none. */
  #forgets({ messageId }: Pick<AckId, "messageId">): boolean {
    if (this.#leasing.faults?.at("ack") === undefined) return false;
    const lease = this.#outstanding.get(messageId);
    if (lease !== undefined) this.fail(lease);
    return true;
  }

  #prefetch(): void {
    const rows = this.#leasing.messages.undelivered(this.#subscription, this.#cursor, PREFETCH_MESSAGES);
    this.#atEnd = rows.length < PREFETCH_MESSAGES;
    for (const { messageId, bytes, attempts } of rows) {
      this.#cursor = messageId;
      if (this.#outstanding.has(messageId) || this.#acknowledging.has(messageId)) continue;
      this.#makeReady({
        messageId,
        bytes,
        state: "ready",
        failures: attempts,
        leaseNumber: 0,
        holder: null,
        dueMs: 0,
        position: -1,
      });
    }
  }

  /** Reads the backlog again from the oldest of `messages` on: one that was passed over as acknowledged is not. */
  #rewindTo(messages: readonly { messageId: number }[]): void {
    for (const { messageId } of messages) this.#cursor = Math.min(this.#cursor, messageId - 1);
    this.#atEnd = false;
  }

  #makeReady(lease: Lease): void {
    lease.state = "ready";
    this.#outstanding.set(lease.messageId, lease);
    this.#ready.add(lease);
  }

  #wait(lease: Lease, waitMs: number): void {
    if (waitMs === 0) {
      this.#makeReady(lease);
      this.wake();
      return;
    }
    lease.state = "waiting";
    this.#outstanding.set(lease.messageId, lease);
    this.#due.put(lease, this.#leasing.now() + waitMs);
    this.#arm();
  }

  #forget(lease: Lease): void {
    if (this.#outstanding.get(lease.messageId) === lease) this.#outstanding.delete(lease.messageId);
    this.#ready.delete(lease);
    this.#due.remove(lease);
    this.#release(lease);
  }

  #release(lease: Lease): void {
    const { holder } = lease;
    lease.holder = null;
    holder?.released(lease);
  }

  #recordFailures(lease: Lease): void {
    const { messages, commits, log } = this.#leasing;
    const { failures, messageId } = lease;
    commits
      .submit(16, () => messages.recordAttempts(this.#subscription, messageId, failures))
      .catch((error: unknown) => log("WARNING", "A delivery attempt was not recorded", { reason: String(error) }));
  }

  /** Moves a message that failed too often to the dead letters. Where nobody would receive it, Google loses it; here it stays. */
  async #forward(lease: Lease, topicName: string): Promise<void> {
    const { messages, commits, log, findTopic } = this.#leasing;
    let reason = "the topic is missing or has no subscription";
    lease.state = "forwarding";
    try {
      const topic = await commits.submit(lease.bytes, () => {
        const found = findTopic(topicName);
        if (found === undefined) return undefined;
        return messages.forward(this.#subscription, lease.messageId, found, this.#sourceOf(lease)) ? found : undefined;
      });
      if (topic !== undefined) {
        this.#forget(lease);
        this.wake();
        for (const { leases } of topic.subscriptions) leases.published();
        return;
      }
    } catch (error) {
      reason = String(error);
    }
    if (this.#outstanding.get(lease.messageId) !== lease) return;
    log("WARNING", "A message could not be moved to the dead-letter topic and will be delivered again", {
      subscription: this.#subscription.name,
      deadLetterTopic: topicName,
      reason,
    });
    this.#wait(lease, Math.max(retryBackoffMs(this.#subscription.config.retry, lease.failures), TROUBLE_RETRY_MS));
  }

  #sourceOf(lease: Lease): Record<string, string> {
    const { project, id } = nameParts(this.#subscription.name);
    return {
      CloudPubSubDeadLetterSourceDeliveryCount: String(lease.failures),
      CloudPubSubDeadLetterSourceSubscription: id,
      CloudPubSubDeadLetterSourceSubscriptionProject: project,
      CloudPubSubDeadLetterSourceTopicPublishTime: new Date(publishTimeMs(lease.messageId)).toISOString(),
    };
  }

  #arm(): void {
    const first = this.#due.first;
    if (first === undefined || first.dueMs >= this.#timerMs) return;
    clearTimeout(this.#timer);
    this.#timerMs = first.dueMs;
    this.#timer = setTimeout(() => this.#fallDue(), Math.max(0, first.dueMs - this.#leasing.now()));
  }

  #fallDue(): void {
    this.#timerMs = Infinity;
    const nowMs = this.#leasing.now();
    for (let lease = this.#due.first; lease !== undefined && lease.dueMs <= nowMs; lease = this.#due.first) {
      this.#due.remove(lease);
      if (lease.state === "leased") this.fail(lease);
      else this.#makeReady(lease);
    }
    this.wake();
    this.#arm();
  }
}
