import type { protos, v1 } from "@google-cloud/pubsub";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { deadLetterTopic } from "@indelible/schemas/names.ts";
import { pubSubClient } from "../clients.ts";
import type { Held, SafetyNet } from "./safety-net.ts";

const messagesPerPull = 1000;
const defaultIdleMs = 1500;
/** So long for an answer that has nothing to wait for. */
const defaultAnswerMs = 10_000;
/** So long nobody else gets what was pulled. */
const holdSeconds = 60;
const idsPerRequest = 1000;

const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;

type Received = protos.google.pubsub.v1.IReceivedMessage;
type ClientOptions = ConstructorParameters<typeof v1.SubscriberClient>[0];

/** How long the safety net is waited for, in milliseconds. */
export interface PullTimes {
  /** For a first message, before it is asked whether there is any at all. Default: 1,500 */
  readonly idleMs?: number;
  /** For the answer to that. Without one, it has said nothing. Default: 10,000 */
  readonly answerMs?: number;
}

/** Opens the safety net of a project, works with it and closes it. @throws ERR_CONFIG when there is none; whatever `work` throws */
export async function withSafetyNet<T>(
  project: string,
  topicPrefix: string,
  work: (net: SafetyNet) => Promise<T>,
  times: PullTimes = {},
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
    return await work(new PulledNet(client, subscription, topic, times));
  } finally {
    await client.close();
    await pubsub.close();
  }
}

class PulledNet implements SafetyNet {
  readonly #client: v1.SubscriberClient;
  readonly #subscription: string;
  readonly #topic: string;
  readonly #idleMs: number;
  readonly #answerMs: number;
  readonly #held: string[] = [];

  constructor(client: v1.SubscriberClient, subscription: string, topic: string, times: PullTimes) {
    this.#client = client;
    this.#subscription = subscription;
    this.#topic = topic;
    this.#idleMs = times.idleMs ?? defaultIdleMs;
    this.#answerMs = times.answerMs ?? defaultAnswerMs;
  }

  async pull(): Promise<Held[] | undefined> {
    // A pull that waits ends at its deadline both where there is nothing and where nobody listens. One that does not wait is answered, or nobody does.
    const received =
      (await this.#receive({}, this.#idleMs)) ?? (await this.#receive({ returnImmediately: true }, this.#answerMs));
    if (received === undefined) return undefined;
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

  /** Undefined when there was no answer in time. */
  async #receive(how: { readonly returnImmediately?: true }, timeout: number): Promise<Received[] | undefined> {
    const request = { subscription: this.#subscription, maxMessages: messagesPerPull, ...how };
    try {
      const [{ receivedMessages }] = await this.#client.pull(request, { timeout, retry: null });
      return receivedMessages ?? [];
    } catch (error) {
      if (hasCode(error, DEADLINE_EXCEEDED)) return undefined;
      throw hasCode(error, NOT_FOUND) ? this.#absence(error) : error;
    }
  }

  async release(): Promise<void> {
    // Whoever cannot hand them back does so after a minute all the same.
    await this.#hold(this.#held.splice(0), 0).catch(() => {});
  }

  async #hold(ackIds: readonly string[], ackDeadlineSeconds: number): Promise<void> {
    for (let from = 0; from < ackIds.length; from += idsPerRequest) {
      const some = ackIds.slice(from, from + idsPerRequest);
      await this.#client.modifyAckDeadline(
        { subscription: this.#subscription, ackIds: some, ackDeadlineSeconds },
        { timeout: this.#answerMs, retry: null },
      );
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
