import { setTimeout as delay } from "node:timers/promises";
import { createPubSubTransport } from "@indelible/publisher/pubsub-transport.ts";
import { requestsOf } from "@indelible/publisher/requests.ts";
import type { BatchTransport, TransportMessage } from "@indelible/publisher/transport.ts";
import { topicPrefixFromEnvironment } from "@indelible/schemas/names.ts";
import { retry, type Patience } from "../retry.ts";
import { openWarehouse } from "../warehouse.ts";
import { DeadLetterWarehouse, type DeadLetterReader } from "./warehouse.ts";

/** What is needed to work on dead letters. */
export interface Desk {
  readonly project: string;
  readonly reader: DeadLetterReader;
  readonly transport: Pick<BatchTransport, "publishAll">;
  readonly topicPrefix: string;
  /** For each call while services are away. */
  readonly patience: Patience;
  /** Waits; tests do not. */
  readonly pause: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** Whoever looks waits for a service that is away for as long, whoever acts for longer. */
export const LOOK_STALL_MS = 10_000;
export const ACT_STALL_MS = 60_000;

const publishDeadlineMs = 10_000;

/**
 * Opens a desk on the services that the environment names (see environment.ts), works at it and closes it. Topics begin with
 * INDELIBLE_TOPIC_PREFIX, default `agent-logs`.
 *
 * @throws ERR_CONFIG; whatever `work` throws
 */
export async function atDesk<T>(dataFolder: string, patience: Patience, work: (desk: Desk) => Promise<T>): Promise<T> {
  const warehouse = await openWarehouse(dataFolder);
  const transport = createPubSubTransport({ projectId: warehouse.project });
  try {
    return await work({
      project: warehouse.project,
      reader: new DeadLetterWarehouse(warehouse, patience),
      transport,
      topicPrefix: topicPrefixFromEnvironment(process.env),
      patience,
      pause: (ms, until) => delay(ms, undefined, { signal: until }),
    });
  } finally {
    await transport.close();
  }
}

/**
 * Publishes messages. When it resolves, Pub/Sub has stored them all; some may be stored twice.
 *
 * @throws ERR_DEADLINE when Pub/Sub stays away; ERR_PUBLISH, ERR_MESSAGE_REFUSED when it refuses them
 */
export async function publishAll(desk: Desk, topic: string, messages: Iterable<TransportMessage>): Promise<void> {
  for (const request of requestsOf(messages)) {
    await retry("Pub/Sub", desk.patience, () => desk.transport.publishAll(topic, request, publishDeadlineMs));
  }
}
