import type { google } from "@google-cloud/pubsub/build/protos/protos.js";
import type { Consumer, Delivery } from "./leases.ts";
import { receivedMessage } from "./received-message.ts";
import { StatusError } from "./status.ts";
import type { Subscription } from "./subscriptions.ts";

const MAX_MESSAGES = 1000;
/** The payload of one response: official clients accept 20 MB. */
const MAX_RESPONSE_BYTES = 10_000_000;
/** How long a pull waits for a first message before it answers without one. */
const MAX_WAIT_MS = 30_000;

/** @throws {StatusError} FAILED_PRECONDITION */
export function checkPulled(subscription: Subscription): void {
  if (subscription.config.pushEndpoint === null) return;
  throw new StatusError(
    "FAILED_PRECONDITION",
    `${subscription.name} is a push subscription: clear its push configuration before you pull.`,
  );
}

/**
 * What there is, at most 1,000 messages and about 10 MB; waits up to 30 s for a first one unless `returnImmediately`.
 * @throws {StatusError} INVALID_ARGUMENT, FAILED_PRECONDITION; CANCELLED when `signal` aborts.
 */
export async function pull(
  subscription: Subscription,
  request: google.pubsub.v1.IPullRequest,
  signal: AbortSignal,
): Promise<google.pubsub.v1.IReceivedMessage[]> {
  checkPulled(subscription);
  const maxMessages = Math.min(request.maxMessages ?? 0, MAX_MESSAGES);
  if (maxMessages <= 0) throw new StatusError("INVALID_ARGUMENT", "max_messages must be greater than 0.");
  const take = (): Delivery[] => {
    const ackDeadlineMs = subscription.config.ackDeadlineSeconds * 1000;
    return subscription.leases.take(maxMessages, MAX_RESPONSE_BYTES, ackDeadlineMs, null);
  };
  const deliveries = request.returnImmediately ? take() : await firstOf(subscription, take, signal);
  return deliveries.map((delivery) => receivedMessage(subscription, delivery));
}

/** The first `take` that is not empty; empty after 30 s. */
async function firstOf(subscription: Subscription, take: () => Delivery[], signal: AbortSignal): Promise<Delivery[]> {
  const { promise, resolve, reject } = Promise.withResolvers<Delivery[]>();
  const waiter: Consumer = {
    wake: () => {
      const deliveries = take();
      if (deliveries.length === 0) return;
      subscription.leases.remove(waiter);
      resolve(deliveries);
    },
    end: reject,
    released: () => {},
  };
  const timer = setTimeout(() => resolve([]), MAX_WAIT_MS);
  const cancel = (): void => reject(new StatusError("CANCELLED", "The caller has gone."));
  signal.addEventListener("abort", cancel);
  subscription.leases.add(waiter);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", cancel);
    subscription.leases.remove(waiter);
  }
}
