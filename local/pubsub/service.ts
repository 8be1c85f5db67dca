import type { google } from "@google-cloud/pubsub/build/protos/protos.js";
import { parseAckId } from "./ack-ids.ts";
import { exposed, type BrokerFaults } from "./broker-faults.ts";
import type { Catalog } from "./catalog.ts";
import type { Commits } from "./commits.ts";
import { checkAckDeadline, checkAckIds, checkMessages } from "./limits.ts";
import type { Messages } from "./messages.ts";
import { checkProject } from "./names.ts";
import { page } from "./page.ts";
import { pull } from "./pull.ts";
import { StatusError } from "./status.ts";
import { subscriptionResource, type Subscription } from "./subscriptions.ts";
import { timestampMs } from "./time.ts";
import { topicResource, type Topic } from "./topics.ts";

/**
 * The unary methods of `google.pubsub.v1`, one function each, whatever carried the request. All throw StatusError with
 * Google's codes. Methods that are not here answer UNIMPLEMENTED.
 */
export class PubSubService {
  readonly #catalog: Catalog;
  readonly #commits: Commits;
  readonly #messages: Messages;
  readonly #faults: BrokerFaults | undefined;

  constructor(catalog: Catalog, commits: Commits, messages: Messages, faults: BrokerFaults | undefined) {
    this.#catalog = catalog;
    this.#commits = commits;
    this.#messages = messages;
    this.#faults = faults;
  }

  createTopic(request: google.pubsub.v1.ITopic): google.pubsub.v1.ITopic {
    return resourceOf(this.#catalog.createTopic(request));
  }

  getTopic(request: google.pubsub.v1.IGetTopicRequest): google.pubsub.v1.ITopic {
    return resourceOf(this.#catalog.topic(request.topic));
  }

  updateTopic(request: google.pubsub.v1.IUpdateTopicRequest): google.pubsub.v1.ITopic {
    return resourceOf(this.#catalog.updateTopic(request.topic ?? {}, request.updateMask));
  }

  listTopics(request: google.pubsub.v1.IListTopicsRequest): google.pubsub.v1.IListTopicsResponse {
    const prefix = `${checkProject(request.project)}/`;
    const topics = [...this.#catalog.topics].filter(({ name }) => name.startsWith(prefix));
    const { rows, nextPageToken } = page(topics, ({ name }) => name, request);
    return { topics: rows.map(resourceOf), nextPageToken };
  }

  listTopicSubscriptions(
    request: google.pubsub.v1.IListTopicSubscriptionsRequest,
  ): google.pubsub.v1.IListTopicSubscriptionsResponse {
    const { subscriptions } = this.#catalog.topic(request.topic);
    const { rows, nextPageToken } = page(subscriptions, ({ name }) => name, request);
    return { subscriptions: rows.map(({ name }) => name), nextPageToken };
  }

  deleteTopic(request: google.pubsub.v1.IDeleteTopicRequest): google.protobuf.IEmpty {
    this.#catalog.deleteTopic(request.topic);
    return {};
  }

  /** Answers when the messages are on disk. */
  publish(request: google.pubsub.v1.IPublishRequest): Promise<google.pubsub.v1.IPublishResponse> {
    return exposed(this.#faults, "publish", () => this.#publish(request));
  }

  async #publish(request: google.pubsub.v1.IPublishRequest): Promise<google.pubsub.v1.IPublishResponse> {
    const messages = checkMessages(request.messages ?? []);
    const bytes = messages.reduce((sum, message) => sum + message.bytes, 0);
    const { topic, ids } = await this.#commits.submit(bytes, () => {
      const topic = this.#catalog.topic(request.topic);
      return { topic, ids: this.#messages.publish(topic, messages) };
    });
    for (const { leases } of topic.subscriptions) leases.published();
    return { messageIds: ids.map(String) };
  }

  createSubscription(request: google.pubsub.v1.ISubscription): google.pubsub.v1.ISubscription {
    return subscriptionResource(this.#catalog.createSubscription(request));
  }

  getSubscription(request: google.pubsub.v1.IGetSubscriptionRequest): google.pubsub.v1.ISubscription {
    return subscriptionResource(this.#catalog.subscription(request.subscription));
  }

  updateSubscription(request: google.pubsub.v1.IUpdateSubscriptionRequest): google.pubsub.v1.ISubscription {
    return subscriptionResource(this.#catalog.updateSubscription(request.subscription ?? {}, request.updateMask));
  }

  listSubscriptions(request: google.pubsub.v1.IListSubscriptionsRequest): google.pubsub.v1.IListSubscriptionsResponse {
    const prefix = `${checkProject(request.project)}/`;
    const subscriptions = [...this.#catalog.subscriptions].filter(({ name }) => name.startsWith(prefix));
    const { rows, nextPageToken } = page(subscriptions, ({ name }) => name, request);
    return { subscriptions: rows.map(subscriptionResource), nextPageToken };
  }

  deleteSubscription(request: google.pubsub.v1.IDeleteSubscriptionRequest): google.protobuf.IEmpty {
    this.#catalog.deleteSubscription(request.subscription);
    return {};
  }

  /** `signal` aborts when the caller goes away. */
  async pull(request: google.pubsub.v1.IPullRequest, signal: AbortSignal): Promise<google.pubsub.v1.IPullResponse> {
    return { receivedMessages: await pull(this.subscription(request), request, signal) };
  }

  /** Answers when the acknowledgements are on disk. */
  async acknowledge(request: google.pubsub.v1.IAcknowledgeRequest): Promise<google.protobuf.IEmpty> {
    const { id, leases } = this.subscription(request);
    const ackIds = checkAckIds(request.ackIds ?? []).map((ackId) => parseAckId(id, ackId));
    await exposed(this.#faults, "acknowledge", () => leases.acknowledge(ackIds));
    return {};
  }

  modifyAckDeadline(request: google.pubsub.v1.IModifyAckDeadlineRequest): google.protobuf.IEmpty {
    const { id, leases } = this.subscription(request);
    const seconds = checkAckDeadline(request.ackDeadlineSeconds ?? 0);
    const ackIds = checkAckIds(request.ackIds ?? []).map((ackId) => parseAckId(id, ackId));
    for (const ackId of ackIds) leases.modifyDeadline(ackId, seconds);
    return {};
  }

  modifyPushConfig(request: google.pubsub.v1.IModifyPushConfigRequest): google.protobuf.IEmpty {
    this.#catalog.modifyPushConfig(request.subscription, request.pushConfig);
    return {};
  }

  seek(request: google.pubsub.v1.ISeekRequest): google.pubsub.v1.ISeekResponse {
    if (request.snapshot) throw new StatusError("UNIMPLEMENTED", "This broker has no snapshots: seek to a time.");
    if (!request.time) throw new StatusError("INVALID_ARGUMENT", "A seek needs a time.");
    this.#catalog.seek(request.subscription, timestampMs(request.time));
    return {};
  }

  /** @throws {StatusError} NOT_FOUND, INVALID_ARGUMENT */
  subscription(request: { subscription?: string | null }): Subscription {
    return this.#catalog.subscription(request.subscription);
  }
}

function resourceOf(topic: Topic & { name: string }): google.pubsub.v1.ITopic {
  return topicResource(topic.name, topic.config);
}
