/**
 * The most bytes of data in a message. Pub/Sub takes 10 MB with topic, attributes and framing, for which this leaves
 * room.
 */
export const MAX_MESSAGE_BYTES = 9_500_000;
