import { createPubSubTransport } from "@indelible/publisher/pubsub-transport.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { deadLetterTopic, topicPrefixFromEnvironment } from "@indelible/schemas/names.ts";
import { Admission } from "./admission.ts";
import { appenderFromEnvironment } from "./appender-from-environment.ts";
import { pubsubDeadLetters } from "./dead-letters.ts";
import { createDedup, type Dedup } from "./dedup.ts";
import { Metrics } from "./metrics.ts";
import { Receiver } from "./receiver.ts";
import { redisDedupStore } from "./redis-dedup-store.ts";
import { SharedDedup } from "./shared-dedup.ts";

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
 * The service as the environment describes it:
 *
 * - `GOOGLE_CLOUD_PROJECT`: the project of topics and tables. Required.
 * - `INDELIBLE_TOPIC_PREFIX`: default `agent-logs`.
 * - `INDELIBLE_DATASET`: the dataset of tables, default `agent_logs_raw`. Not that of views, which `INDELIBLE_VIEWS_DATASET` names.
 * - `INDELIBLE_MAX_IN_FLIGHT_BYTES`: bytes of decompressed messages on their way at once, default 67,108,864; more are answered 429.
 * - `INDELIBLE_DEDUP_REDIS_URL`: a Redis or Valkey through which instances share what they appended, as redis:// or rediss:// (TLS; a
 *   private CA by NODE_EXTRA_CA_CERTS). Default: none.
 * - `INDELIBLE_DEDUP_TTL_SECONDS`: how long it remembers an entry, default 21,600 (6 h), at most 31 days, the longest that Pub/Sub delivers.
 * - `PUBSUB_EMULATOR_HOST`: a local broker, as host:port.
 * - `BIGQUERY_STORAGE_HOST`: a local warehouse's gRPC address, as host:port, without TLS.
 * - `INDELIBLE_WAREHOUSE_TOKEN`: the token with which that warehouse knows the writer. Default: none. Sent to a local warehouse only.
 *
 * @throws ERR_CONFIG
 */
export function serviceFromEnvironment(env: NodeJS.ProcessEnv): Service {
  const projectId = projectOf(env);
  const maxBytes = wholeNumber(env, "INDELIBLE_MAX_IN_FLIGHT_BYTES");
  const admission = new Admission(maxBytes === undefined ? {} : { maxBytes });
  const metrics = new Metrics(admission);
  const appender = appenderFromEnvironment(env, projectId, metrics);
  const transport = createPubSubTransport({ projectId });
  const deadLetters = pubsubDeadLetters(transport, deadLetterTopic(topicPrefixFromEnvironment(env)));
  const dedup = dedupFromEnvironment(env);
  metrics.gauge("dedup_degraded", "1 while the shared dedup store fails, else 0.", () => Number(dedup.degraded));
  return {
    receiver: new Receiver({ admission, appender, dedup, deadLetters }, metrics),
    metrics,
    state: () => ({ inFlightMessages: admission.messages, inFlightBytes: admission.bytes }),
    async close() {
      await appender.close();
      await dedup.close();
      await transport.close();
    },
  };
}

/** The longest that Pub/Sub keeps a message, and so delivers it again. */
const MAX_TTL_SECONDS = 31 * 24 * 60 * 60;

/**
 * Dedup as `INDELIBLE_DEDUP_*` describe it.
 * @throws ERR_CONFIG
 */
export function dedupFromEnvironment(env: NodeJS.ProcessEnv): Dedup {
  const ttlSeconds = wholeNumber(env, "INDELIBLE_DEDUP_TTL_SECONDS");
  if (ttlSeconds !== undefined && ttlSeconds > MAX_TTL_SECONDS) {
    throw new IndelibleError("ERR_CONFIG", `INDELIBLE_DEDUP_TTL_SECONDS is ${ttlSeconds}`, {
      hint: `Give it at most ${MAX_TTL_SECONDS}, which is 31 days.`,
    });
  }
  const url = env["INDELIBLE_DEDUP_REDIS_URL"];
  if (url === undefined || url === "") return createDedup();
  if (!isRedisUrl(url)) {
    // Not quoted: it may hold a password.
    throw new IndelibleError("ERR_CONFIG", "INDELIBLE_DEDUP_REDIS_URL is not a URL of a Redis server", {
      hint: "Give it as redis://[user:password@]host[:port][/database], or rediss:// for TLS; percent-encode special characters.",
    });
  }
  return createDedup({
    shared: new SharedDedup(redisDedupStore(ttlSeconds === undefined ? { url } : { url, ttlSeconds })),
  });
}

/** Whether the client would take all of the text into account: it ignores a query and a fragment, which may be half a password. */
function isRedisUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === "") return false;
  if (!/^\/?$|^\/\d+$/.test(url.pathname) || url.search !== "" || url.hash !== "") return false;
  try {
    decodeURIComponent(url.username + url.password);
    return true;
  } catch {
    return false;
  }
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
