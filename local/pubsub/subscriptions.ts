import type { google } from "@google-cloud/pubsub/build/protos/protos.js";
import { Leases, type Leasing } from "./leases.ts";
import { checkName, DELETED_TOPIC } from "./names.ts";
import { checkLabels, rangedDurationMs, refuseOptions } from "./options.ts";
import { StatusError } from "./status.ts";
import { toSecondsAndNanos } from "./time.ts";
import { RETENTION_RANGE, type Topic } from "./topics.ts";

type Resource = google.pubsub.v1.ISubscription;

const DEFAULT_RETENTION_MS = 7 * 24 * 60 * 60_000;
const DEFAULT_MIN_BACKOFF_MS = 10_000;
const MAX_BACKOFF_MS = 600_000;

export interface DeadLetterPolicy {
  readonly topic: string;
  readonly maxDeliveryAttempts: number;
}

export interface RetryPolicy {
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
}

export interface SubscriptionConfig {
  readonly ackDeadlineSeconds: number;
  readonly retainAckedMessages: boolean;
  /** How long a message is kept: unacknowledged always, acknowledged only with `retainAckedMessages`. */
  readonly retentionMs: number;
  readonly labels: Record<string, string>;
  readonly deadLetter: DeadLetterPolicy | null;
  readonly retry: RetryPolicy | null;
  /** Null: messages are pulled. */
  readonly pushEndpoint: string | null;
}

export interface SubscriptionRow {
  readonly id: number;
  readonly name: string;
  readonly topic: Topic;
  readonly afterMessageId: number;
  readonly epoch: number;
  readonly config: SubscriptionConfig;
}

/** A subscription in memory. Owned by the catalog, which writes each change to disk first. */
export class Subscription {
  readonly id: number;
  readonly name: string;
  readonly topic: Topic;
  /** The newest message of the broker when this was created: what it may replay when it retains messages begins after it. */
  readonly afterMessageId: number;
  readonly leases: Leases;
  /** Counts seeks: an acknowledgement of a delivery before the last one must not undo it. */
  epoch: number;
  config: SubscriptionConfig;

  constructor(row: SubscriptionRow, leasing: Leasing) {
    this.id = row.id;
    this.name = row.name;
    this.topic = row.topic;
    this.afterMessageId = row.afterMessageId;
    this.epoch = row.epoch;
    this.config = row.config;
    this.leases = new Leases(this, leasing);
  }
}

export const MUTABLE_SUBSCRIPTION_FIELDS: ReadonlySet<string> = new Set([
  "ackDeadlineSeconds",
  "retainAckedMessages",
  "messageRetentionDuration",
  "labels",
  "deadLetterPolicy",
  "retryPolicy",
  "pushConfig",
  "expirationPolicy",
]);

/** @throws {StatusError} INVALID_ARGUMENT, or UNIMPLEMENTED for an option that this broker lacks. */
export function subscriptionConfig(resource: Resource): SubscriptionConfig {
  refuseOptions({
    enable_message_ordering: resource.enableMessageOrdering,
    enable_exactly_once_delivery: resource.enableExactlyOnceDelivery,
    filter: resource.filter,
    bigquery_config: resource.bigqueryConfig,
    cloud_storage_config: resource.cloudStorageConfig,
    bigtable_config: resource.bigtableConfig,
    message_transforms: resource.messageTransforms,
    "tags on subscriptions": Object.keys(resource.tags ?? {}),
    "expiration_policy.ttl (subscriptions never expire here)": resource.expirationPolicy?.ttl,
  });
  const ackDeadlineSeconds = resource.ackDeadlineSeconds || 10;
  if (ackDeadlineSeconds < 10 || ackDeadlineSeconds > 600) {
    throw new StatusError("INVALID_ARGUMENT", "ack_deadline_seconds must be between 10 and 600.");
  }
  return {
    ackDeadlineSeconds,
    retainAckedMessages: resource.retainAckedMessages ?? false,
    retentionMs: rangedDurationMs("message_retention_duration", resource.messageRetentionDuration, {
      defaultMs: DEFAULT_RETENTION_MS,
      ...RETENTION_RANGE,
    }),
    labels: checkLabels(resource.labels),
    deadLetter: deadLetterPolicy(resource.deadLetterPolicy),
    retry: retryPolicy(resource.retryPolicy),
    pushEndpoint: pushEndpoint(resource.pushConfig),
  };
}

/**
 * The endpoint of a push configuration; null for one without: the subscription is pulled.
 * @throws {StatusError} INVALID_ARGUMENT, UNIMPLEMENTED
 */
export function pushEndpoint(config: google.pubsub.v1.IPushConfig | null | undefined): string | null {
  const { "x-goog-version": version, ...attributes } = config?.attributes ?? {};
  refuseOptions({
    "push_config.oidc_token (there is no identity to sign with here)": config?.oidcToken,
    "push_config.no_wrapper": config?.noWrapper,
    "push_config.attributes other than x-goog-version": Object.keys(attributes),
    "push_config.attributes x-goog-version other than v1": version !== undefined && version !== "v1",
  });
  const endpoint = config?.pushEndpoint ?? "";
  if (endpoint === "") return null;
  const url = URL.parse(endpoint);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new StatusError("INVALID_ARGUMENT", "push_endpoint must be an http or https URL.");
  }
  return endpoint;
}

function deadLetterPolicy(policy: google.pubsub.v1.IDeadLetterPolicy | null | undefined): DeadLetterPolicy | null {
  if (policy === null || policy === undefined) return null;
  const maxDeliveryAttempts = policy.maxDeliveryAttempts || 5;
  if (maxDeliveryAttempts < 5 || maxDeliveryAttempts > 100) {
    throw new StatusError("INVALID_ARGUMENT", "max_delivery_attempts must be between 5 and 100.");
  }
  return { topic: checkName("topics", policy.deadLetterTopic), maxDeliveryAttempts };
}

function retryPolicy(policy: google.pubsub.v1.IRetryPolicy | null | undefined): RetryPolicy | null {
  if (policy === null || policy === undefined) return null;
  const range = { minMs: 0, maxMs: MAX_BACKOFF_MS };
  const minBackoffMs = rangedDurationMs("minimum_backoff", policy.minimumBackoff, {
    defaultMs: DEFAULT_MIN_BACKOFF_MS,
    ...range,
  });
  const maxBackoffMs = rangedDurationMs("maximum_backoff", policy.maximumBackoff, {
    defaultMs: MAX_BACKOFF_MS,
    ...range,
  });
  if (minBackoffMs > maxBackoffMs) {
    throw new StatusError("INVALID_ARGUMENT", "minimum_backoff must not exceed maximum_backoff.");
  }
  return { minBackoffMs, maxBackoffMs };
}

export function subscriptionResource({ name, topic, config }: Subscription): Resource {
  const { deadLetter, retry, pushEndpoint } = config;
  return {
    name,
    topic: topic.name ?? DELETED_TOPIC,
    pushConfig: pushEndpoint === null ? {} : { pushEndpoint },
    ackDeadlineSeconds: config.ackDeadlineSeconds,
    retainAckedMessages: config.retainAckedMessages,
    messageRetentionDuration: toSecondsAndNanos(config.retentionMs),
    labels: config.labels,
    expirationPolicy: {},
    state: "ACTIVE",
    ...(deadLetter !== null && {
      deadLetterPolicy: { deadLetterTopic: deadLetter.topic, maxDeliveryAttempts: deadLetter.maxDeliveryAttempts },
    }),
    ...(retry !== null && {
      retryPolicy: {
        minimumBackoff: toSecondsAndNanos(retry.minBackoffMs),
        maximumBackoff: toSecondsAndNanos(retry.maxBackoffMs),
      },
    }),
    ...(topic.config.retentionMs > 0 && {
      topicMessageRetentionDuration: toSecondsAndNanos(topic.config.retentionMs),
    }),
  };
}

/** The wait before delivery number `failures + 1`; 0 without a retry policy: at once. */
export function retryBackoffMs(retry: RetryPolicy | null, failures: number): number {
  return retry === null ? 0 : Math.min(retry.maxBackoffMs, retry.minBackoffMs * 2 ** (failures - 1));
}
