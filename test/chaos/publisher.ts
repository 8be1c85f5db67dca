import { setTimeout as delay } from "node:timers/promises";
import { v1 } from "@google-cloud/pubsub";
import { credentials, status } from "@grpc/grpc-js";
import { topicOf } from "@indelible/schemas/names.ts";
import type { Random } from "../../local/random.ts";
import type { Publication, Published } from "./published.ts";

export interface PublisherOptions {
  readonly project: string;
  readonly port: number;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Told of each message that was acknowledged. */
  readonly onPublished: (message: Published) => void;
  /** Told of each request that failed, though it may have been carried out. */
  readonly onFailure: (code: unknown) => void;
}

const CONCURRENCY = 8;
const MAX_MESSAGES_PER_REQUEST = 5;
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_RETRY_DELAY_MS = 500;
/**
 * The client's own retries would be attempts that nobody counts; and it bundles calls that are made at once, and then gives each
 * caller the message IDs of all.
 */
const ONE_ATTEMPT = { retry: null, isBundling: false, timeout: REQUEST_TIMEOUT_MS } as const;
/** What a request is answered with that is wrong in itself: a fault of this program. */
const FINAL_CODES: ReadonlySet<unknown> = new Set([status.INVALID_ARGUMENT, status.NOT_FOUND, status.UNIMPLEMENTED]);

/** Publishes every message, each as often as it takes to have it acknowledged. @throws what is not transient; AbortError */
export async function publishAll(publications: Iterable<Publication>, options: PublisherOptions): Promise<void> {
  const { project, port, random, signal, onPublished, onFailure } = options;
  const client = new v1.PublisherClient({
    projectId: project,
    clientOptions: { universeDomain: "googleapis.com" },
    servicePath: "127.0.0.1",
    port,
    sslCreds: credentials.createInsecure(),
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 500,
  });
  const requests = requestsOf(publications, random);

  async function publish(request: readonly Publication[]): Promise<void> {
    const topic = `projects/${project}/topics/${topicOf((request[0] as Publication).table)}`;
    const messages = request.map(({ data, attributes }) => ({ data, attributes: { ...attributes } }));
    for (let attempts = 1; ; attempts += 1) {
      signal.throwIfAborted();
      try {
        const [{ messageIds }] = await client.publish({ topic, messages }, ONE_ATTEMPT);
        for (const [index, { number, table, events }] of request.entries()) {
          onPublished({ number, table, events, messageId: messageIds?.[index] ?? "", attempts });
        }
        return;
      } catch (error) {
        const code = error instanceof Error && "code" in error ? error.code : undefined;
        if (code === undefined || FINAL_CODES.has(code)) throw error;
        onFailure(code);
        await delay(random() * Math.min(MAX_RETRY_DELAY_MS, 20 * 2 ** attempts));
      }
    }
  }

  async function work(): Promise<void> {
    for (const request of requests) await publish(request);
  }

  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
  } finally {
    await client.close();
  }
}

/** Some messages of one topic at a time. The generator is shared: each request goes to whoever asks first. */
function* requestsOf(publications: Iterable<Publication>, random: Random): Generator<readonly Publication[]> {
  const waiting = new Map<string, Publication[]>();
  for (const publication of publications) {
    const request = waiting.get(publication.table) ?? [];
    request.push(publication);
    if (random() * MAX_MESSAGES_PER_REQUEST < request.length) {
      waiting.delete(publication.table);
      yield request;
    } else waiting.set(publication.table, request);
  }
  yield* waiting.values();
}
