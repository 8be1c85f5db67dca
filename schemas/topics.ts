/**
 * Topics and subscriptions as they are to be: the one source of what is provisioned and of what `indelible doctor` holds an installation against.
 * No subscription may expire, which Pub/Sub lets one do after 31 days in which nobody used it, unless its `expirationPolicy` has no `ttl`.
 */
import {
  accessAuditTopic,
  AUDIT_PATH,
  deadLetterTopic,
  DEFAULT_TOPIC_PREFIX,
  ingestedTables,
  pullSubscriptionOf,
  pushSubscriptionOf,
  topicOf,
} from "./names.ts";

const RETENTION_SECONDS = 31 * 86_400;
/** An append is answered within 40 s, whatever BigQuery does. */
const ACK_DEADLINE_SECONDS = 60;
/** The last resort, some 15 hours after the first attempt: what is permanently at fault is dead-lettered by the function at once. */
const MAX_DELIVERY_ATTEMPTS = 100;
/** The longest that Pub/Sub allows: an outage must last for most of a day before what waits becomes dead letters. Only what has failed ten times waits so long. */
const BACKOFF_SECONDS = { min: 1, max: 600 };

export interface DeclaredTopic {
  /** Its ID, with the prefix. */
  readonly id: string;
  /** How long it keeps messages, also acknowledged ones. */
  readonly retentionSeconds: number;
  /** The subscription by which the function, or the worker instead of it, takes its messages. */
  readonly delivery: DeclaredDelivery;
  /** Subscriptions that nobody need read. */
  readonly kept: readonly KeptSubscription[];
}

/** One of the two is enough. */
export interface DeclaredDelivery {
  readonly pushSubscription: string;
  readonly pullSubscription: string;
  /** Last part of the push endpoint. */
  readonly path: string;
  readonly ackDeadlineSeconds: number;
  readonly backoffSeconds: { readonly min: number; readonly max: number };
  /** Undefined: what cannot be delivered is tried until it is too old. */
  readonly lastResort: LastResort | undefined;
}

/** Pub/Sub's own dead-letter policy. */
export interface LastResort {
  /** ID of the topic. */
  readonly topic: string;
  readonly maxDeliveryAttempts: number;
}

export interface KeptSubscription {
  readonly id: string;
  readonly retentionSeconds: number;
}

/** Every topic, that of the dead letters first: it has to be there before others can name it. */
export function declaredTopics(prefix: string = DEFAULT_TOPIC_PREFIX): readonly DeclaredTopic[] {
  const lastResort = { topic: deadLetterTopic(prefix), maxDeliveryAttempts: MAX_DELIVERY_ATTEMPTS };
  const deadLetters = deadLetterTopic(prefix);
  return [
    {
      ...topic(deadLetters, "dead_letters", undefined),
      // Keeps dead letters for people even when the function cannot take them.
      kept: [{ id: safetyNetOf(prefix), retentionSeconds: RETENTION_SECONDS }],
    },
    ...ingestedTables.map((table) => topic(topicOf(table, prefix), table, lastResort)),
    topic(accessAuditTopic(prefix), AUDIT_PATH, lastResort),
  ];
}

/** ID of the subscription that keeps dead letters, whatever the function does with them. */
export function safetyNetOf(prefix: string = DEFAULT_TOPIC_PREFIX): string {
  return `${deadLetterTopic(prefix)}.safety-net`;
}

/** Without a last resort: what the function cannot take of it stays in Pub/Sub. */
function topic(id: string, path: string, lastResort: LastResort | undefined): DeclaredTopic {
  return {
    id,
    retentionSeconds: RETENTION_SECONDS,
    kept: [],
    delivery: {
      pushSubscription: pushSubscriptionOf(id),
      pullSubscription: pullSubscriptionOf(id),
      path,
      ackDeadlineSeconds: ACK_DEADLINE_SECONDS,
      backoffSeconds: BACKOFF_SECONDS,
      lastResort,
    },
  };
}
