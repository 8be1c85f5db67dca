import { setTimeout as delay } from "node:timers/promises";
import { v1 } from "@google-cloud/pubsub";
import { credentials } from "@grpc/grpc-js";
import { deadLetterTopic } from "@indelible/schemas/names.ts";
import { slotOf, type Slot } from "./evidence.ts";

const ONE_ATTEMPT = { retry: null, timeout: 5000 } as const;
const RETRY_DELAY_MS = 200;

/** Pulls the dead letters from their second subscription, as somebody who keeps them would, and acknowledges what it has. */
export class SafetyNet {
  readonly #client: v1.SubscriberClient;
  readonly #subscription: string;
  readonly #slots: Slot[] = [];
  readonly #running: Promise<void>;
  #stopping = false;

  constructor(project: string, port: number) {
    this.#client = new v1.SubscriberClient({
      projectId: project,
      clientOptions: { universeDomain: "googleapis.com" },
      servicePath: "127.0.0.1",
      port,
      sslCreds: credentials.createInsecure(),
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 500,
    });
    this.#subscription = `projects/${project}/subscriptions/${deadLetterTopic()}.safety-net`;
    this.#running = this.#pullAll();
  }

  /** What was pulled so far, as often as it came. */
  get slots(): readonly Slot[] {
    return this.#slots;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#client.close();
    await this.#running;
  }

  async #pullAll(): Promise<void> {
    while (!this.#stopping) {
      try {
        await this.#pullSome();
      } catch {
        // Refused, cut, or killed: what was not acknowledged comes again.
        await delay(RETRY_DELAY_MS);
      }
    }
  }

  async #pullSome(): Promise<void> {
    const subscription = this.#subscription;
    const [{ receivedMessages }] = await this.#client.pull({ subscription, maxMessages: 100 }, ONE_ATTEMPT);
    const received = receivedMessages ?? [];
    if (received.length === 0) return;
    for (const { message } of received) this.#slots.push(slotOf(message?.attributes ?? {}));
    await this.#client.acknowledge({ subscription, ackIds: received.map(({ ackId }) => ackId ?? "") }, ONE_ATTEMPT);
  }
}
