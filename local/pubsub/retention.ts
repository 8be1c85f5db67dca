import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Catalog } from "./catalog.ts";
import type { Commits } from "./commits.ts";
import type { Log } from "../log.ts";
import { firstIdAt, type Messages } from "./messages.ts";
import type { Clock } from "./time.ts";
import { keepsAcknowledged, type Topic } from "./topics.ts";

const SWEEP_INTERVAL_MS = 60_000;
/** One transaction of a sweep looks at so many messages; publishes come in between two of them. */
const MESSAGES_PER_STEP = 500;

/** Deletes what nobody has a right to any more. What an acknowledgement can delete at once never comes here. */
export class Retention {
  readonly #catalog: Catalog;
  readonly #commits: Commits;
  readonly #messages: Messages;
  readonly #now: Clock;
  readonly #log: Log;
  readonly #selectIds: StatementSync;
  readonly #expireDeliveries: StatementSync;
  readonly #timer: NodeJS.Timeout;
  #sweeping: Promise<void> | undefined;
  #closed = false;

  constructor(database: DatabaseSync, catalog: Catalog, commits: Commits, messages: Messages, now: Clock, log: Log) {
    this.#catalog = catalog;
    this.#commits = commits;
    this.#messages = messages;
    this.#now = now;
    this.#log = log;
    this.#selectIds = database.prepare(
      "SELECT id FROM messages WHERE topic_id = ? AND id > ? AND id < ? ORDER BY id LIMIT ?",
    );
    this.#expireDeliveries = database.prepare(
      `DELETE FROM deliveries WHERE subscription_id = ?1 AND message_id IN (
         SELECT message_id FROM deliveries WHERE subscription_id = ?1 AND message_id < ?2 LIMIT ?3)`,
    );
    this.#timer = setInterval(() => void this.sweep(), SWEEP_INTERVAL_MS).unref();
  }

  /** One sweep; a call during one gets that one. Failures are logged: the next sweep tries again. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweepAll()
      .catch((error: unknown) => this.#log("WARNING", "A retention sweep failed", { reason: String(error) }))
      .finally(() => {
        this.#sweeping = undefined;
      });
    return this.#sweeping;
  }

  /** Ends a running sweep after its current step. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#sweeping;
  }

  async #sweepAll(): Promise<void> {
    for (const subscription of this.#catalog.subscriptions) {
      const expiredBefore = firstIdAt(this.#now() - subscription.config.retentionMs);
      await this.#repeat(MESSAGES_PER_STEP, () => {
        const { changes } = this.#expireDeliveries.run(subscription.id, expiredBefore, MESSAGES_PER_STEP);
        if (changes !== 0) subscription.topic.mayHoldOrphans = true;
        return Number(changes);
      });
    }
    for (const topic of this.#catalog.storedTopics) await this.#sweepTopic(topic);
  }

  /** Looks only where there may be something to delete: a backlog of a million messages is not read once a minute. */
  async #sweepTopic(topic: Topic): Promise<void> {
    if (!topic.mayHoldOrphans && !keepsAcknowledged(topic)) return;
    topic.mayHoldOrphans = false;
    let after = 0;
    let kept = 0;
    try {
      await this.#repeat(MESSAGES_PER_STEP, () => {
        const rows = this.#selectIds.all(topic.id, after, this.#keptFrom(topic), MESSAGES_PER_STEP);
        for (const { id } of rows) {
          after = id as number;
          if (!this.#messages.deleteUnlessUndelivered(topic, after)) kept++;
        }
        return rows.length;
      });
    } catch (error) {
      topic.mayHoldOrphans = true;
      throw error;
    }
    if (topic.name === null && topic.subscriptions.size === 0 && kept === 0 && !this.#closed) {
      this.#catalog.forgetDeletedTopic(topic);
    }
  }

  /** The first message that `topic` or one of its subscriptions keeps even when everybody has acknowledged it. */
  #keptFrom(topic: Topic): number {
    if (!keepsAcknowledged(topic)) return Number.MAX_SAFE_INTEGER;
    const retaining = [...topic.subscriptions].filter((subscription) => subscription.config.retainAckedMessages);
    const retentionMs = Math.max(topic.config.retentionMs, ...retaining.map(({ config }) => config.retentionMs));
    return firstIdAt(this.#now() - retentionMs);
  }

  /** Runs `step`, each in a transaction, until one does less than `full`, or the broker closes. */
  async #repeat(full: number, step: () => number): Promise<void> {
    while (!this.#closed && (await this.#commits.submit(0, step)) >= full);
  }
}
