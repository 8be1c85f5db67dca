import type { google } from "@google-cloud/pubsub/build/protos/protos.js";
import { checkLabels, rangedDurationMs, refuseOptions } from "./options.ts";
import type { Subscription } from "./subscriptions.ts";
import { toSecondsAndNanos } from "./time.ts";

type Resource = google.pubsub.v1.ITopic;

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export const RETENTION_RANGE: { minMs: number; maxMs: number } = { minMs: 10 * MINUTE_MS, maxMs: 31 * DAY_MS };

export interface TopicConfig {
  readonly labels: Record<string, string>;
  /** How long the topic keeps messages whatever its subscriptions did with them; 0: not at all. */
  readonly retentionMs: number;
}

/** A topic in memory. Owned by the catalog, which writes each change to disk first. */
export interface Topic {
  readonly id: number;
  /** Null once deleted; its subscriptions still deliver what they have. */
  name: string | null;
  config: TopicConfig;
  readonly subscriptions: Set<Subscription>;
  /** Whether messages that nobody waits for or retains may be on disk, for the next sweep to find. */
  mayHoldOrphans: boolean;
}

export const MUTABLE_TOPIC_FIELDS: ReadonlySet<string> = new Set(["labels", "messageRetentionDuration"]);

/** @throws {StatusError} INVALID_ARGUMENT, or UNIMPLEMENTED for an option that this broker lacks. */
export function topicConfig(resource: Resource): TopicConfig {
  refuseOptions({
    message_storage_policy: resource.messageStoragePolicy,
    kms_key_name: resource.kmsKeyName,
    schema_settings: resource.schemaSettings,
    ingestion_data_source_settings: resource.ingestionDataSourceSettings,
    message_transforms: resource.messageTransforms,
    "tags on topics": Object.keys(resource.tags ?? {}),
  });
  return {
    labels: checkLabels(resource.labels),
    retentionMs: rangedDurationMs("message_retention_duration", resource.messageRetentionDuration, {
      defaultMs: 0,
      ...RETENTION_RANGE,
    }),
  };
}

export function topicResource(name: string, config: TopicConfig): Resource {
  return {
    name,
    labels: config.labels,
    state: "ACTIVE",
    ...(config.retentionMs > 0 && { messageRetentionDuration: toSecondsAndNanos(config.retentionMs) }),
  };
}

/** Whether a message stays after all subscriptions have acknowledged it. */
export function keepsAcknowledged(topic: Topic): boolean {
  if (topic.config.retentionMs > 0) return true;
  return topic.subscriptions.values().some((subscription) => subscription.config.retainAckedMessages);
}
