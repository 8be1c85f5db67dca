import { StatusError } from "./status.ts";

/** One delivery of one message. Opaque to clients. */
export interface AckId {
  readonly subscriptionId: number;
  readonly epoch: number;
  readonly messageId: number;
  readonly leaseNumber: number;
}

const ACK_ID = /^(\d{1,15})-(\d{1,15})-(\d{1,16})-(\d{1,16})$/;

export function formatAckId(id: AckId): string {
  return `${id.subscriptionId}-${id.epoch}-${id.messageId}-${id.leaseNumber}`;
}

/** @throws {StatusError} INVALID_ARGUMENT when it is none, or belongs to another subscription. */
export function parseAckId(subscriptionId: number, ackId: string): AckId {
  const match = ACK_ID.exec(ackId);
  const [owner, epoch, messageId, leaseNumber] = (match?.slice(1) ?? []).map(Number);
  if (owner !== subscriptionId || epoch === undefined || messageId === undefined || leaseNumber === undefined) {
    throw new StatusError("INVALID_ARGUMENT", "The request holds an ack ID that this subscription did not give out.");
  }
  return { subscriptionId, epoch, messageId, leaseNumber };
}
