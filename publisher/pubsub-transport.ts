import type { v1 } from "@google-cloud/pubsub";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { BatchTransport, TransportMessage } from "./transport.ts";

export interface PubSubOptions {
  /**
   * Project of the topics. Default: PUBSUB_PROJECT_ID with an emulator, else what Google's client finds in the
   * environment.
   */
  readonly projectId?: string;
}

type ClientOptions = ConstructorParameters<typeof v1.PublisherClient>[0];

interface Connection {
  readonly client: v1.PublisherClient;
  readonly projectId: string;
}

/**
 * A transport over one long-lived client of Pub/Sub, which is loaded and connected on the first publish. Honours
 * PUBSUB_EMULATOR_HOST and Google's application default credentials.
 */
export function createPubSubTransport(options: PubSubOptions = {}): BatchTransport {
  return new PubSubTransport(options);
}

/**
 * Uses the generated client and not `Topic`, whose `publish` has a queue, a timer and a deadline of its own, and
 * which raises an unhandled rejection at each call, and so ends the host, while credentials cannot be loaded.
 */
class PubSubTransport implements BatchTransport {
  readonly #options: PubSubOptions;
  #connection: Promise<Connection> | undefined;

  constructor(options: PubSubOptions) {
    this.#options = options;
  }

  async publish(
    topic: string,
    data: Buffer,
    attributes: { [key: string]: string },
    deadlineMs: number,
  ): Promise<string> {
    const [id] = await this.publishAll(topic, [{ data, attributes }], deadlineMs);
    return id ?? "";
  }

  async publishAll(
    topic: string,
    messages: readonly TransportMessage[],
    deadlineMs: number,
  ): Promise<readonly string[]> {
    const { client, projectId } = await this.#connect();
    try {
      const [response] = await client.publish(
        { topic: `projects/${projectId}/topics/${topic}`, messages: [...messages] },
        // Retries are the sender's: here they would outlive its deadline.
        { timeout: deadlineMs, retry: null, isBundling: false },
      );
      return response.messageIds ?? [];
    } catch (cause) {
      throw errorOf(cause, topic, projectId);
    }
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await (await connection)?.client.close();
  }

  /** A connection that failed is not kept, so that credentials that appear later are found. */
  #connect(): Promise<Connection> {
    this.#connection ??= connect(this.#options).catch((cause: unknown) => {
      this.#connection = undefined;
      throw IndelibleError.is(cause)
        ? cause
        : new IndelibleError("ERR_PUBLISH", "Google's client cannot be set up: no project or no credentials", {
            cause,
            hint: "Run: gcloud auth application-default login; or set PUBSUB_EMULATOR_HOST and PUBSUB_PROJECT_ID.",
          });
    });
    return this.#connection;
  }
}

async function connect(options: PubSubOptions): Promise<Connection> {
  const { PubSub, v1 } = await import("@google-cloud/pubsub");
  // PubSub only resolves the settings here: emulator, project and scopes.
  const pubsub = new PubSub(options);
  const config = await pubsub.getClientConfig();
  const { projectId } = config;
  if (projectId === undefined || projectId === "") {
    throw new IndelibleError("ERR_PUBLISH", "the Google Cloud project is not known", {
      hint: "Give createPublisher() a projectId, or set GOOGLE_CLOUD_PROJECT (PUBSUB_PROJECT_ID with an emulator).",
    });
  }
  // The two types differ in nothing but explicit undefined.
  const clientOptions = { ...(config as ClientOptions), ...reconnection };
  // An emulator needs no credentials; with the universe left open, the client would ask the network for some.
  const client = new v1.PublisherClient(
    pubsub.isEmulator ? { ...clientOptions, universeDomain: "googleapis.com" } : clientOptions,
  );
  await client.initialize();
  return { client, projectId };
}

/**
 * gRPC's own pauses between two tries to connect grow to two minutes, and meanwhile every publish fails at once: after an outage, the sender would
 * try in vain.
 */
const reconnection = { "grpc.initial_reconnect_backoff_ms": 100, "grpc.max_reconnect_backoff_ms": 5_000 };

/** gRPC status codes (google.rpc.Code). */
const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;

function errorOf(cause: unknown, topic: string, projectId: string): IndelibleError {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
  const place = `topic ${topic} of project ${projectId}`;
  switch (code) {
    case INVALID_ARGUMENT:
      return new IndelibleError("ERR_MESSAGE_REFUSED", `Pub/Sub will never take this message for ${place}`, { cause });
    case DEADLINE_EXCEEDED:
      return new IndelibleError("ERR_DEADLINE", `Pub/Sub did not answer in time for ${place}`, { cause });
    case NOT_FOUND:
      return new IndelibleError("ERR_PUBLISH", `there is no ${place}`, {
        cause,
        hint: `Run: gcloud pubsub topics create ${topic} --project=${projectId}`,
      });
    case PERMISSION_DENIED:
      return new IndelibleError("ERR_PUBLISH", `this account may not publish to ${place}`, {
        cause,
        hint: `Grant it roles/pubsub.publisher: gcloud pubsub topics add-iam-policy-binding ${topic} --project=${projectId}`,
      });
    default:
      return new IndelibleError("ERR_PUBLISH", `Pub/Sub did not take a message for ${place}`, {
        cause,
        hint: "The cause says why. The message is tried again; if that does not help, check PUBSUB_EMULATOR_HOST and the network.",
      });
  }
}
