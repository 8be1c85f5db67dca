import type { google } from "@google-cloud/pubsub/build/protos/protos.js";
import { formatAckId } from "./ack-ids.ts";
import type { Delivery, Lease } from "./leases.ts";
import { publishTimeMs } from "./messages.ts";
import type { Subscription } from "./subscriptions.ts";
import { toSecondsAndNanos } from "./time.ts";

/** Which delivery of the message this is, from 1; undefined without a dead-letter policy, as in Google's API. */
export function deliveryAttempt(subscription: Subscription, lease: Lease): number | undefined {
  return subscription.config.deadLetter === null ? undefined : lease.failures + 1;
}

export function receivedMessage(
  subscription: Subscription,
  { lease, message }: Delivery,
): google.pubsub.v1.IReceivedMessage {
  const attempt = deliveryAttempt(subscription, lease);
  return {
    ackId: formatAckId({
      subscriptionId: subscription.id,
      epoch: subscription.epoch,
      messageId: lease.messageId,
      leaseNumber: lease.leaseNumber,
    }),
    message: {
      data: message.data,
      attributes: message.attributes,
      messageId: String(message.id),
      publishTime: toSecondsAndNanos(publishTimeMs(message.id)),
      orderingKey: message.orderingKey,
    },
    ...(attempt !== undefined && { deliveryAttempt: attempt }),
  };
}
