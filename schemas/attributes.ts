/** Attributes of Pub/Sub messages that mean something to us or to Pub/Sub itself. SPEC.md §2 and §7 have the format. */

/** What we add to a dead letter and to a replay begins with this; publishers' own attributes must not. */
export const OUR_PREFIX = "indelible.";

/** What Pub/Sub adds when it forwards a message by itself after the last delivery attempt. */
export const FORWARDED_PREFIX = "CloudPubSubDeadLetterSource";

/** Pub/Sub refuses attributes that begin with this when they are published, and adds some itself when it delivers. */
export const RESERVED_PREFIX = "goog";

/** The three that a replayed message carries beside those of the original. */
export const replayAttributes = {
  /** `dead_letter_id` of what is replayed. */
  replayOf: "indelible.replay_of",
  /** ID of the message that the event came in at first. */
  messageId: "indelible.message_id",
  /** Position in that message; missing: the whole message is replayed. */
  index: "indelible.index",
} as const;

/** Pub/Sub's limits for a message: attributes, and bytes of a value. */
export const MAX_ATTRIBUTES = 100;
export const MAX_ATTRIBUTE_VALUE_BYTES = 1024;

/** Whether an attribute was the publisher's, and may be published again. */
export function isPublishers(name: string): boolean {
  return ![OUR_PREFIX, FORWARDED_PREFIX, RESERVED_PREFIX].some((prefix) => name.startsWith(prefix));
}
