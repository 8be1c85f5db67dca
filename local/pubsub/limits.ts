import type { google } from "@google-cloud/pubsub/build/protos/protos.js";
import { StatusError } from "./status.ts";

// Pub/Sub's own limits: cloud.google.com/pubsub/quotas#resource_limits
const MAX_REQUEST_BYTES = 10_000_000;
const MAX_MESSAGES = 1000;
const MAX_ATTRIBUTES = 100;
const MAX_ATTRIBUTE_KEY_BYTES = 256;
const MAX_ATTRIBUTE_VALUE_BYTES = 1024;
const MAX_ORDERING_KEY_BYTES = 1024;
const MAX_ACK_IDS = 100_000;

/** A message as a publisher sends it, checked. */
export interface NewMessage {
  readonly data: Uint8Array;
  readonly attributes: Record<string, string>;
  readonly orderingKey: string;
  /** Payload and attributes: what counts towards limits and flow control. */
  readonly bytes: number;
}

const NO_DATA = new Uint8Array(0);

/** @throws {StatusError} INVALID_ARGUMENT */
export function checkMessages(messages: readonly google.pubsub.v1.IPubsubMessage[]): NewMessage[] {
  if (messages.length === 0) throw invalid("A publish request must hold at least one message.");
  if (messages.length > MAX_MESSAGES) throw invalid(`A publish request holds at most ${MAX_MESSAGES} messages.`);
  const checked = messages.map(checkMessage);
  const bytes = checked.reduce((sum, message) => sum + message.bytes, 0);
  if (bytes > MAX_REQUEST_BYTES) {
    throw invalid(
      `A publish request holds at most ${MAX_REQUEST_BYTES} bytes, this one has ${bytes}: send fewer messages.`,
    );
  }
  return checked;
}

function checkMessage(message: google.pubsub.v1.IPubsubMessage): NewMessage {
  const data = message.data ?? NO_DATA;
  if (typeof data === "string") throw new TypeError("data must be bytes");
  const attributes = message.attributes ?? {};
  const orderingKey = message.orderingKey ?? "";
  const attributeBytes = checkAttributes(attributes);
  if (data.byteLength === 0 && attributeBytes === 0) {
    throw invalid("A message must have data or at least one attribute.");
  }
  if (Buffer.byteLength(orderingKey) > MAX_ORDERING_KEY_BYTES) {
    throw invalid(`An ordering key has at most ${MAX_ORDERING_KEY_BYTES} bytes.`);
  }
  return { data, attributes, orderingKey, bytes: data.byteLength + attributeBytes };
}

/** The bytes of all keys and values. */
function checkAttributes(attributes: Record<string, string>): number {
  const entries = Object.entries(attributes);
  if (entries.length > MAX_ATTRIBUTES) throw invalid(`A message has at most ${MAX_ATTRIBUTES} attributes.`);
  let bytes = 0;
  for (const [key, value] of entries) {
    const keyBytes = Buffer.byteLength(key);
    const valueBytes = Buffer.byteLength(value);
    if (keyBytes === 0) throw invalid("An attribute key must not be empty.");
    if (key.startsWith("goog")) throw invalid('An attribute key must not begin with "goog".');
    if (keyBytes > MAX_ATTRIBUTE_KEY_BYTES)
      throw invalid(`An attribute key has at most ${MAX_ATTRIBUTE_KEY_BYTES} bytes.`);
    if (valueBytes > MAX_ATTRIBUTE_VALUE_BYTES) {
      throw invalid(
        `The value of attribute ${JSON.stringify(key)} has ${valueBytes} bytes, ${MAX_ATTRIBUTE_VALUE_BYTES} are allowed.`,
      );
    }
    bytes += keyBytes + valueBytes;
  }
  return bytes;
}

/** @throws {StatusError} INVALID_ARGUMENT */
export function checkAckIds(ackIds: readonly string[]): readonly string[] {
  if (ackIds.length === 0) throw invalid("The request must hold at least one ack ID.");
  if (ackIds.length > MAX_ACK_IDS) throw invalid(`A request holds at most ${MAX_ACK_IDS} ack IDs.`);
  return ackIds;
}

/** @throws {StatusError} INVALID_ARGUMENT */
export function checkAckDeadline(seconds: number): number {
  if (seconds < 0 || seconds > 600) throw invalid("An ack deadline must be between 0 and 600 seconds.");
  return seconds;
}

function invalid(message: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", message);
}
