import { v1 } from "@google-cloud/bigquery-storage";
import { credentials } from "@grpc/grpc-js";
import { createPubSubTransport } from "@indelible/publisher/pubsub-transport.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { DEFAULT_TOPIC_PREFIX, deadLetterTopic, RAW_DATASET } from "@indelible/schemas/names.ts";
import { Admission } from "./admission.ts";
import { storageWriteAppender } from "./appender.ts";
import { pubsubDeadLetters } from "./dead-letters.ts";
import { memoryDedup } from "./dedup.ts";
import { Metrics } from "./metrics.ts";
import { Receiver } from "./receiver.ts";

/** Everything that takes deliveries, wired together. */
export interface Service {
  readonly receiver: Receiver;
  readonly metrics: Metrics;
  /** What a health check may tell. */
  state(): { readonly inFlightMessages: number; readonly inFlightBytes: number };
  /** Rejects what is not settled and closes every connection. */
  close(): Promise<void>;
}

/**
 * Requests that an instance of the function is meant to take at once, for whoever deploys it. The bodies of as many messages of 10 MB
 * (13.5 MB in base64) may be in memory before the function sees them, beside eight times `INDELIBLE_MAX_IN_FLIGHT_BYTES`: give it 2 GiB.
 */
export const CONCURRENCY = 80;

/**
 * The service as the environment describes it:
 *
 * - `GOOGLE_CLOUD_PROJECT`: the project of topics and tables. Required.
 * - `INDELIBLE_TOPIC_PREFIX`: default `agent-logs`.
 * - `INDELIBLE_DATASET`: the dataset of tables, default `agent_logs_raw`.
 * - `INDELIBLE_MAX_IN_FLIGHT_BYTES`: bytes of decompressed messages on their way at once, default 67,108,864; more are answered 429.
 * - `PUBSUB_EMULATOR_HOST`: a local broker, as host:port.
 * - `BIGQUERY_STORAGE_HOST`: a local warehouse's gRPC address, as host:port, without TLS.
 *
 * @throws ERR_CONFIG
 */
export function serviceFromEnvironment(env: NodeJS.ProcessEnv): Service {
  const projectId = projectOf(env);
  const maxBytes = wholeNumber(env, "INDELIBLE_MAX_IN_FLIGHT_BYTES");
  const admission = new Admission(maxBytes === undefined ? {} : { maxBytes });
  const metrics = new Metrics(admission);
  const local = env["BIGQUERY_STORAGE_HOST"];
  const clientOptions = { projectId, ...reconnection, ...(local !== undefined && insecure(local)) };
  const appender = storageWriteAppender({
    createClient: () => new v1.BigQueryWriteClient(clientOptions),
    projectId,
    datasetId: env["INDELIBLE_DATASET"] ?? RAW_DATASET,
    observer: metrics,
  });
  const transport = createPubSubTransport({ projectId });
  const deadLetters = pubsubDeadLetters(
    transport,
    deadLetterTopic(env["INDELIBLE_TOPIC_PREFIX"] ?? DEFAULT_TOPIC_PREFIX),
  );
  return {
    receiver: new Receiver({ admission, appender, dedup: memoryDedup(), deadLetters }, metrics),
    metrics,
    state: () => ({ inFlightMessages: admission.messages, inFlightBytes: admission.bytes }),
    async close() {
      await appender.close();
      await transport.close();
    },
  };
}

/** @throws ERR_CONFIG */
export function projectOf(env: NodeJS.ProcessEnv): string {
  const projectId = env["GOOGLE_CLOUD_PROJECT"];
  if (projectId !== undefined && projectId !== "") return projectId;
  throw new IndelibleError("ERR_CONFIG", "GOOGLE_CLOUD_PROJECT is not set", {
    hint: "Set it to the project that holds the topics and tables.",
  });
}

function wholeNumber(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name];
  if (text === undefined || text === "") return undefined;
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new IndelibleError("ERR_CONFIG", `${name} is ${JSON.stringify(text)}`, {
    hint: "Give it a whole number above 0.",
  });
}

/**
 * gRPC's own pauses between two tries to connect grow to two minutes, and meanwhile every stream fails at once: the appender's pauses, up to
 * 5 s, would be spent in vain.
 */
const reconnection = { "grpc.initial_reconnect_backoff_ms": 100, "grpc.max_reconnect_backoff_ms": 5_000 };

/** With the universe settled, a client that needs no credentials does not ask the network for some. */
export const noCredentials: { readonly clientOptions: { readonly universeDomain: string } } = {
  clientOptions: { universeDomain: "googleapis.com" },
};

/** Client options for a local warehouse, without TLS. */
function insecure(address: string): NonNullable<ConstructorParameters<typeof v1.BigQueryWriteClient>[0]> {
  const match = /^([^:]+):(\d+)$/.exec(address);
  if (match === null) {
    throw new IndelibleError("ERR_CONFIG", `BIGQUERY_STORAGE_HOST is ${JSON.stringify(address)}`, {
      hint: "Give it as host:port, such as 127.0.0.1:9060.",
    });
  }
  return {
    apiEndpoint: match[1] as string,
    port: Number(match[2]),
    sslCreds: credentials.createInsecure(),
    ...noCredentials,
  };
}
