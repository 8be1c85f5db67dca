import { createRequire } from "node:module";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { Server, ServerCredentials, status, type handleUnaryCall, type ServiceDefinition } from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import type { google } from "@google-cloud/pubsub/build/protos/protos.js";
import type { INamespace } from "protobufjs";

/** How it answers a publish. Each but `up` stores nothing, but for `lose`, which stores and does not say so. */
export type Mood = "up" | "hang" | "quota" | "denied" | "lose";

type Publish = handleUnaryCall<google.pubsub.v1.IPublishRequest, google.pubsub.v1.IPublishResponse>;

const refusals: { readonly [mood in Mood]?: { readonly code: status; readonly details: string } } = {
  quota: { code: status.RESOURCE_EXHAUSTED, details: "Quota exceeded for quota metric 'Publisher throughput'" },
  denied: { code: status.PERMISSION_DENIED, details: "User not authorized to perform this action." },
  lose: { code: status.UNAVAILABLE, details: "The connection was lost." },
};

/** The publishing half of Pub/Sub, in whatever mood the test wants it. Keeps the `log_id`s of what it has stored. */
export class FaultBroker {
  mood: Mood = "up";
  /** How often each was stored. */
  readonly stored: Map<string, number> = new Map();
  /** Everything that was stored, as text. */
  readonly texts: string[] = [];
  /** Requests that came, answered or not. */
  requests = 0;
  #server: Server | undefined;
  #port = 0;
  readonly #watchers = new Set<() => void>();

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** On the port that it had before, if it had one. */
  async start(): Promise<void> {
    const server = new Server({ "grpc.max_receive_message_length": 16 * 1024 * 1024 });
    server.addService(publisherService(), { publish: this.#publish });
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    server.bindAsync(`127.0.0.1:${this.#port}`, ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
    this.#port = await promise;
    this.#server = server;
  }

  /** Cuts every connection. */
  stop(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  /** Resolves when `requests` more have come. */
  async seen(requests: number): Promise<void> {
    const until = this.requests + requests;
    const { promise, resolve } = Promise.withResolvers<void>();
    const watch = (): void => (this.requests >= until ? resolve() : undefined);
    this.#watchers.add(watch);
    await promise;
    this.#watchers.delete(watch);
  }

  readonly #publish: Publish = (call, callback) => {
    this.requests += 1;
    const messages = call.request.messages ?? [];
    if (this.mood === "up" || this.mood === "lose") for (const message of messages) this.#store(message);
    for (const watch of this.#watchers) watch();
    if (this.mood === "hang") return;
    const refusal = refusals[this.mood];
    if (refusal === undefined) callback(null, { messageIds: messages.map((_, index) => `${this.requests}-${index}`) });
    else callback({ ...refusal, name: "ServiceError", message: refusal.details });
  };

  #store({ data, attributes }: google.pubsub.v1.IPubsubMessage): void {
    const bytes = Buffer.from((data ?? "") as Uint8Array);
    const encoding = attributes?.["encoding"];
    const raw = encoding === "zstd" ? zstdDecompressSync(bytes) : encoding === "gzip" ? gunzipSync(bytes) : bytes;
    for (const line of raw.toString().split("\n")) {
      this.texts.push(line);
      const logId = /"log_id":"([^"]+)"/.exec(line)?.[1] ?? "";
      this.stored.set(logId, (this.stored.get(logId) ?? 0) + 1);
    }
  }
}

function publisherService(): ServiceDefinition {
  const protos = createRequire(import.meta.url)("@google-cloud/pubsub/build/protos/protos.json") as INamespace;
  return fromJSON(protos, { longs: Number, enums: String, arrays: true, objects: true })[
    "google.pubsub.v1.Publisher"
  ] as ServiceDefinition;
}
