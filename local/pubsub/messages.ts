import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { NewMessage } from "./limits.ts";
import { keepsAcknowledged, type Topic } from "./topics.ts";
import type { Clock } from "./time.ts";

/** A message as a subscriber gets it. */
export interface StoredMessage {
  readonly id: number;
  readonly data: Buffer;
  readonly attributes: Record<string, string>;
  readonly orderingKey: string;
}

/** A message that a subscription has still to acknowledge, without its payload. */
export interface Undelivered {
  readonly messageId: number;
  readonly bytes: number;
  /** Deliveries that failed so far, as far as they were recorded. */
  readonly attempts: number;
}

/** What a subscription needs to be to have deliveries of its own. */
export interface DeliveryOwner {
  readonly id: number;
  readonly topic: Topic;
}

/**
 * The messages, each stored once, and what each subscription has still to acknowledge. Methods that write must run
 * inside a change of `Commits`; methods that read see what is committed.
 */
export class Messages {
  readonly #now: Clock;
  readonly #insertMessage: StatementSync;
  readonly #insertDelivery: StatementSync;
  readonly #saveLastId: StatementSync;
  readonly #selectMessage: StatementSync;
  readonly #selectAttributes: StatementSync;
  readonly #selectUndelivered: StatementSync;
  readonly #deleteDelivery: StatementSync;
  readonly #selectDelivery: StatementSync;
  readonly #deleteMessage: StatementSync;
  readonly #updateAttempts: StatementSync;
  readonly #copyMessage: StatementSync;
  #lastId: number;

  constructor(database: DatabaseSync, now: Clock) {
    this.#now = now;
    this.#insertMessage = database.prepare("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?)");
    this.#insertDelivery = database.prepare("INSERT INTO deliveries (subscription_id, message_id) VALUES (?, ?)");
    this.#saveLastId = database.prepare("UPDATE last_message SET id = ?");
    this.#selectMessage = database.prepare("SELECT ordering_key, attributes, data FROM messages WHERE id = ?");
    this.#selectAttributes = database.prepare("SELECT attributes FROM messages WHERE id = ?");
    this.#selectUndelivered = database.prepare(
      `SELECT d.message_id AS messageId, m.bytes, d.attempts FROM deliveries d JOIN messages m ON m.id = d.message_id
       WHERE d.subscription_id = ? AND d.message_id > ? ORDER BY d.message_id LIMIT ?`,
    );
    this.#deleteDelivery = database.prepare("DELETE FROM deliveries WHERE subscription_id = ? AND message_id = ?");
    this.#selectDelivery = database.prepare("SELECT 1 FROM deliveries WHERE subscription_id = ? AND message_id = ?");
    this.#deleteMessage = database.prepare("DELETE FROM messages WHERE id = ?");
    this.#updateAttempts = database.prepare(
      "UPDATE deliveries SET attempts = ? WHERE subscription_id = ? AND message_id = ?",
    );
    this.#copyMessage = database.prepare(
      "INSERT INTO messages SELECT ?, ?, bytes, ordering_key, ?, data FROM messages WHERE id = ?",
    );
    this.#lastId = Number(database.prepare("SELECT id FROM last_message").get()?.["id"]);
  }

  /** The newest ID given out. */
  get lastId(): number {
    return this.#lastId;
  }

  /** Stores `messages` for every subscription of `topic` and returns their IDs. Without any, and without retention, nothing is kept. */
  publish(topic: Topic, messages: readonly NewMessage[]): number[] {
    const ids = messages.map((message) => {
      const id = this.#nextId();
      if (!isWanted(topic)) return id;
      const attributes = JSON.stringify(message.attributes);
      this.#insertMessage.run(id, topic.id, message.bytes, message.orderingKey, attributes, message.data);
      this.#fanOut(topic, id);
      return id;
    });
    this.#saveLastId.run(this.#lastId);
    return ids;
  }

  /** Undefined once it is deleted. */
  read(id: number): StoredMessage | undefined {
    const row = this.#selectMessage.get(id);
    if (row === undefined) return undefined;
    const data = row["data"] as Uint8Array;
    return {
      id,
      data: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
      attributes: JSON.parse(row["attributes"] as string) as Record<string, string>,
      orderingKey: row["ordering_key"] as string,
    };
  }

  /** The next `limit` messages of the backlog after `afterId`. */
  undelivered(owner: DeliveryOwner, afterId: number, limit: number): Undelivered[] {
    return this.#selectUndelivered.all(owner.id, afterId, limit) as unknown as Undelivered[];
  }

  /** Repeating it is harmless. */
  acknowledge(owner: DeliveryOwner, messageId: number): void {
    const { changes } = this.#deleteDelivery.run(owner.id, messageId);
    if (changes === 1 && !keepsAcknowledged(owner.topic)) this.deleteUnlessUndelivered(owner.topic, messageId);
  }

  recordAttempts(owner: DeliveryOwner, messageId: number, attempts: number): void {
    this.#updateAttempts.run(attempts, owner.id, messageId);
  }

  /**
   * Moves a message from `owner` to `deadLetterTopic` with `attributes` added to its own; both or neither happen.
   * False when nobody would receive it there, so that it stays, or when it was acknowledged meanwhile.
   */
  forward(
    owner: DeliveryOwner,
    messageId: number,
    deadLetterTopic: Topic,
    attributes: Record<string, string>,
  ): boolean {
    const row = this.#selectDelivery.get(owner.id, messageId) && this.#selectAttributes.get(messageId);
    if (row === undefined || !isWanted(deadLetterTopic)) return false;
    const merged = { ...(JSON.parse(row["attributes"] as string) as Record<string, string>), ...attributes };
    const id = this.#nextId();
    this.#copyMessage.run(id, deadLetterTopic.id, JSON.stringify(merged), messageId);
    this.#fanOut(deadLetterTopic, id);
    this.#saveLastId.run(id);
    this.acknowledge(owner, messageId);
    return true;
  }

  /** Deletes a message of `topic` that no subscription has still to acknowledge. False when one has. */
  deleteUnlessUndelivered(topic: Topic, messageId: number): boolean {
    for (const subscription of topic.subscriptions) {
      if (this.#selectDelivery.get(subscription.id, messageId) !== undefined) return false;
    }
    this.#deleteMessage.run(messageId);
    return true;
  }

  #fanOut(topic: Topic, messageId: number): void {
    for (const subscription of topic.subscriptions) this.#insertDelivery.run(subscription.id, messageId);
  }

  #nextId(): number {
    this.#lastId = Math.max(this.#lastId + 1, firstIdAt(this.#now()));
    return this.#lastId;
  }
}

/** The publish time, in milliseconds, is part of the ID: both only grow, even when the machine's clock is set back. */
export function publishTimeMs(messageId: number): number {
  return Math.floor(messageId / 1000);
}

/** The smallest ID that a message published at `ms` can have. */
export function firstIdAt(ms: number): number {
  return ms * 1000;
}

function isWanted(topic: Topic): boolean {
  return topic.subscriptions.size > 0 || topic.config.retentionMs > 0;
}
