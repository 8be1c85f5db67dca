import type { v1 } from "@google-cloud/pubsub";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { deadLetterTopic } from "@indelible/schemas/names.ts";
import { pubSubClient } from "../clients.ts";
import type { Held, SafetyNet } from "./safety-net.ts";

const messagesPerPull = 1000;
/** So long without a message, and it counts as all. */
const pullTimeoutMs = 3000;
/** So long nobody else gets what was pulled. */
const holdSeconds = 60;
const idsPerRequest = 1000;

const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;

type ClientOptions = ConstructorParameters<typeof v1.SubscriberClient>[0];

/** Opens the safety net of a project, works with it and closes it. @throws ERR_CONFIG when there is none; whatever `work` throws */
export async function withSafetyNet<T>(
  project: string,
  topicPrefix: string,
  work: (net: SafetyNet) => Promise<T>,
): Promise<T> {
  const { v1: generated } = await import("@google-cloud/pubsub");
  const pubsub = pubSubClient(project);
  const options = (await pubsub.getClientConfig()) as ClientOptions;
  // As the publisher's transport does: with the universe left open, the client would ask the network for credentials.
  const client = new generated.SubscriberClient(
    pubsub.isEmulator ? { ...options, universeDomain: "googleapis.com" } : options,
  );
  const topic = deadLetterTopic(topicPrefix);
  const subscription = `projects/${project}/subscriptions/${topic}.safety-net`;
  try {
    return await work(new PulledNet(client, subscription, topic));
  } finally {
    await client.close();
    await pubsub.close();
  }
}

class PulledNet implements SafetyNet {
  readonly #client: v1.SubscriberClient;
  readonly #subscription: string;
  readonly #topic: string;
  readonly #held: string[] = [];

  constructor(client: v1.SubscriberClient, subscription: string, topic: string) {
    this.#client = client;
    this.#subscription = subscription;
    this.#topic = topic;
  }

  async pull(): Promise<Held[]> {
    const request = { subscription: this.#subscription, maxMessages: messagesPerPull };
    const received = await this.#client.pull(request, { timeout: pullTimeoutMs, retry: null }).then(
      ([{ receivedMessages }]) => receivedMessages ?? [],
      (error: unknown) => {
        if (hasCode(error, DEADLINE_EXCEEDED)) return [];
        throw hasCode(error, NOT_FOUND) ? this.#absence(error) : error;
      },
    );
    const ackIds = received.flatMap(({ ackId }) => (typeof ackId === "string" ? [ackId] : []));
    this.#held.push(...ackIds);
    await this.#hold(ackIds, holdSeconds);
    return received.map(({ message }) => ({
      messageId: message?.messageId ?? "",
      publishedAt: new Date(Number(message?.publishTime?.seconds ?? 0) * 1000).toISOString(),
      data: Buffer.from(message?.data ?? ""),
      attributes: message?.attributes ?? {},
    }));
  }

  async release(): Promise<void> {
    await this.#hold(this.#held.splice(0), 0);
  }

  async #hold(ackIds: readonly string[], ackDeadlineSeconds: number): Promise<void> {
    for (let from = 0; from < ackIds.length; from += idsPerRequest) {
      const some = ackIds.slice(from, from + idsPerRequest);
      await this.#client.modifyAckDeadline({ subscription: this.#subscription, ackIds: some, ackDeadlineSeconds });
    }
  }

  #absence(cause: unknown): IndelibleError {
    return new IndelibleError("ERR_CONFIG", `there is no subscription ${this.#subscription}`, {
      cause,
      hint: `Without it nothing keeps dead letters that the function cannot write. Run: gcloud pubsub subscriptions create ${this.#topic}.safety-net --topic=${this.#topic} --message-retention-duration=31d --expiration-period=never`,
    });
  }
}

function hasCode(error: unknown, code: number): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
