import type { DatabaseSync } from "node:sqlite";
import type { google } from "@google-cloud/pubsub/build/protos/protos.js";
import type { Commits } from "./commits.ts";
import type { Leasing } from "./leases.ts";
import { firstIdAt, type Messages } from "./messages.ts";
import { checkName } from "./names.ts";
import { applyMask } from "./options.ts";
import { seekDeliveries } from "./seek.ts";
import { StatusError } from "./status.ts";
import {
  MUTABLE_SUBSCRIPTION_FIELDS,
  pushEndpoint,
  Subscription,
  subscriptionConfig,
  subscriptionResource,
  type SubscriptionConfig,
} from "./subscriptions.ts";
import { MUTABLE_TOPIC_FIELDS, topicConfig, topicResource, type Topic, type TopicConfig } from "./topics.ts";

type TopicResource = google.pubsub.v1.ITopic;
type SubscriptionResource = google.pubsub.v1.ISubscription;
type FieldMask = google.protobuf.IFieldMask | null | undefined;

/** Called when a subscription appears, and when the way it is delivered changes. */
export type DeliveryChanged = (subscription: Subscription) => void;

/** Topics and subscriptions: on disk, and in memory as they are on disk. Each method that changes something returns after fsync. */
export class Catalog {
  readonly #database: DatabaseSync;
  readonly #commits: Commits;
  readonly #leasing: Leasing;
  readonly #deliveryChanged: DeliveryChanged;
  readonly #topics = new Map<string, Topic>();
  readonly #deletedTopics = new Set<Topic>();
  readonly #subscriptions = new Map<string, Subscription>();

  constructor(
    database: DatabaseSync,
    commits: Commits,
    messages: Messages,
    leasing: Omit<Leasing, "findTopic" | "messages" | "commits">,
    deliveryChanged: DeliveryChanged,
  ) {
    this.#database = database;
    this.#commits = commits;
    this.#leasing = { ...leasing, messages, commits, findTopic: (name) => this.#topics.get(name) };
    this.#deliveryChanged = deliveryChanged;
    this.#load();
  }

  get topics(): Iterable<Topic & { name: string }> {
    return this.#topics.values() as Iterable<Topic & { name: string }>;
  }

  get subscriptions(): Iterable<Subscription> {
    return this.#subscriptions.values();
  }

  /** Every topic whose messages may still be on disk, deleted ones too. */
  get storedTopics(): Topic[] {
    return [...this.#topics.values(), ...this.#deletedTopics];
  }

  /** @throws {StatusError} NOT_FOUND, INVALID_ARGUMENT */
  topic(name: string | null | undefined): Topic & { name: string } {
    const topic = this.#topics.get(checkName("topics", name));
    if (topic === undefined) throw notFound("topic", name);
    return topic as Topic & { name: string };
  }

  /** @throws {StatusError} NOT_FOUND, INVALID_ARGUMENT */
  subscription(name: string | null | undefined): Subscription {
    const subscription = this.#subscriptions.get(checkName("subscriptions", name));
    if (subscription === undefined) throw notFound("subscription", name);
    return subscription;
  }

  /** @throws {StatusError} ALREADY_EXISTS, INVALID_ARGUMENT, UNIMPLEMENTED */
  createTopic(resource: TopicResource): Topic & { name: string } {
    const name = checkName("topics", resource.name);
    const config = topicConfig(resource);
    if (this.#topics.has(name)) throw alreadyExists("topic", name);
    const id = this.#commits.now(() =>
      Number(
        this.#database.prepare("INSERT INTO topics (name, config) VALUES (?, ?)").run(name, JSON.stringify(config))
          .lastInsertRowid,
      ),
    );
    const topic = { id, name, config, subscriptions: new Set<Subscription>(), mayHoldOrphans: false };
    this.#topics.set(name, topic);
    return topic;
  }

  /** @throws {StatusError} NOT_FOUND, INVALID_ARGUMENT, UNIMPLEMENTED */
  updateTopic(update: TopicResource, mask: FieldMask): Topic & { name: string } {
    const topic = this.topic(update.name);
    const current = topicResource(topic.name, topic.config);
    const config = topicConfig(applyMask(current, update, mask, MUTABLE_TOPIC_FIELDS));
    this.#commits.now(() =>
      this.#database.prepare("UPDATE topics SET config = ? WHERE id = ?").run(JSON.stringify(config), topic.id),
    );
    topic.config = config;
    topic.mayHoldOrphans = true;
    return topic;
  }

  /** Its subscriptions keep what they have still to deliver. @throws {StatusError} NOT_FOUND */
  deleteTopic(name: string | null | undefined): void {
    const topic = this.topic(name);
    const config: TopicConfig = { ...topic.config, retentionMs: 0 };
    this.#commits.now(() =>
      this.#database
        .prepare("UPDATE topics SET name = NULL, config = ? WHERE id = ?")
        .run(JSON.stringify(config), topic.id),
    );
    this.#topics.delete(topic.name);
    this.#deletedTopics.add(Object.assign(topic, { name: null, config, mayHoldOrphans: true }));
  }

  /** Drops a deleted topic that has neither subscriptions nor messages any more. */
  forgetDeletedTopic(topic: Topic): void {
    this.#commits.now(() => this.#database.prepare("DELETE FROM topics WHERE id = ?").run(topic.id));
    this.#deletedTopics.delete(topic);
  }

  /** @throws {StatusError} ALREADY_EXISTS, NOT_FOUND (a topic), INVALID_ARGUMENT, UNIMPLEMENTED */
  createSubscription(resource: SubscriptionResource): Subscription {
    const name = checkName("subscriptions", resource.name);
    if (this.#subscriptions.has(name)) throw alreadyExists("subscription", name);
    const topic = this.topic(resource.topic);
    const config = subscriptionConfig(resource);
    this.#checkDeadLetterTopic(config);
    const row = this.#commits.now(() => {
      const afterMessageId = this.#leasing.messages.lastId;
      const { lastInsertRowid } = this.#database
        .prepare("INSERT INTO subscriptions (name, topic_id, after_message_id, config) VALUES (?, ?, ?, ?)")
        .run(name, topic.id, afterMessageId, JSON.stringify(config));
      return { id: Number(lastInsertRowid), afterMessageId };
    });
    return this.#addSubscription(new Subscription({ ...row, name, topic, epoch: 0, config }, this.#leasing));
  }

  /** @throws {StatusError} NOT_FOUND, INVALID_ARGUMENT, UNIMPLEMENTED */
  updateSubscription(update: SubscriptionResource, mask: FieldMask): Subscription {
    const subscription = this.subscription(update.name);
    const current = subscriptionResource(subscription);
    const config = subscriptionConfig(applyMask(current, update, mask, MUTABLE_SUBSCRIPTION_FIELDS));
    if (config.deadLetter?.topic !== subscription.config.deadLetter?.topic) this.#checkDeadLetterTopic(config);
    this.#configure(subscription, config);
    return subscription;
  }

  /** @throws {StatusError} NOT_FOUND, INVALID_ARGUMENT, UNIMPLEMENTED */
  modifyPushConfig(name: string | null | undefined, pushConfig: google.pubsub.v1.IPushConfig | null | undefined): void {
    const subscription = this.subscription(name);
    this.#configure(subscription, { ...subscription.config, pushEndpoint: pushEndpoint(pushConfig) });
  }

  /** @throws {StatusError} NOT_FOUND */
  deleteSubscription(name: string | null | undefined): void {
    const subscription = this.subscription(name);
    this.#commits.now(() => {
      this.#database.prepare("DELETE FROM deliveries WHERE subscription_id = ?").run(subscription.id);
      this.#database.prepare("DELETE FROM subscriptions WHERE id = ?").run(subscription.id);
    });
    this.#subscriptions.delete(subscription.name);
    subscription.topic.subscriptions.delete(subscription);
    subscription.topic.mayHoldOrphans = true;
    subscription.leases.end(notFound("subscription", name));
    subscription.leases.close();
  }

  /**
   * Marks what was published before `timeMs` as acknowledged, and what is retained from then on as not.
   * @throws {StatusError} NOT_FOUND
   */
  seek(name: string | null | undefined, timeMs: number): void {
    const subscription = this.subscription(name);
    const epoch = subscription.epoch + 1;
    this.#commits.now(() => {
      seekDeliveries(this.#database, subscription, firstIdAt(timeMs), this.#leasing.now());
      this.#database.prepare("UPDATE subscriptions SET epoch = ? WHERE id = ?").run(epoch, subscription.id);
    });
    subscription.epoch = epoch;
    subscription.topic.mayHoldOrphans = true;
    subscription.leases.reset();
  }

  #configure(subscription: Subscription, config: SubscriptionConfig): void {
    this.#commits.now(() =>
      this.#database
        .prepare("UPDATE subscriptions SET config = ? WHERE id = ?")
        .run(JSON.stringify(config), subscription.id),
    );
    const endpointBefore = subscription.config.pushEndpoint;
    subscription.config = config;
    subscription.topic.mayHoldOrphans = true;
    if (config.pushEndpoint === endpointBefore) return;
    subscription.leases.end(
      new StatusError("FAILED_PRECONDITION", `The push configuration of ${subscription.name} has changed.`),
    );
    this.#deliveryChanged(subscription);
  }

  #checkDeadLetterTopic(config: SubscriptionConfig): void {
    if (config.deadLetter !== null) this.topic(config.deadLetter.topic);
  }

  #addSubscription(subscription: Subscription): Subscription {
    this.#subscriptions.set(subscription.name, subscription);
    subscription.topic.subscriptions.add(subscription);
    this.#deliveryChanged(subscription);
    return subscription;
  }

  #load(): void {
    const topicsById = new Map<number, Topic>();
    for (const { id, name, config } of this.#database.prepare("SELECT id, name, config FROM topics").iterate()) {
      const topic: Topic = {
        id: id as number,
        name: name as string | null,
        config: JSON.parse(config as string) as TopicConfig,
        subscriptions: new Set(),
        mayHoldOrphans: true,
      };
      topicsById.set(topic.id, topic);
      if (topic.name === null) this.#deletedTopics.add(topic);
      else this.#topics.set(topic.name, topic);
    }
    for (const row of this.#database.prepare("SELECT * FROM subscriptions").all()) {
      const topic = topicsById.get(row["topic_id"] as number);
      if (topic === undefined)
        throw new Error(`Subscription ${String(row["name"])} has no topic: the database is damaged.`);
      const subscription = {
        id: row["id"] as number,
        name: row["name"] as string,
        topic,
        afterMessageId: row["after_message_id"] as number,
        epoch: row["epoch"] as number,
        config: JSON.parse(row["config"] as string) as SubscriptionConfig,
      };
      this.#addSubscription(new Subscription(subscription, this.#leasing));
    }
  }
}

function notFound(kind: string, name: string | null | undefined): StatusError {
  return new StatusError("NOT_FOUND", `Resource not found (${kind} ${name ?? ""}).`);
}

function alreadyExists(kind: string, name: string): StatusError {
  return new StatusError("ALREADY_EXISTS", `Resource already exists (${kind} ${name}).`);
}
