import { v1 } from "@google-cloud/bigquery-storage";
import { PubSub } from "@google-cloud/pubsub";
import { credentials } from "@grpc/grpc-js";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { DEFAULT_TOPIC_PREFIX, deadLetterTopic, RAW_DATASET } from "@indelible/schemas/names.ts";
import { storageWriteAppender } from "./appender.ts";
import { pubsubDeadLetters } from "./dead-letters.ts";
import { memoryDedup } from "./dedup.ts";
import type { Pipeline } from "./pipeline.ts";

/**
 * The pipeline as the environment describes it:
 *
 * - `GOOGLE_CLOUD_PROJECT`: the project of topics and tables. Required.
 * - `INDELIBLE_TOPIC_PREFIX`: default `agent-logs`.
 * - `INDELIBLE_DATASET`: the dataset of tables, default `agent_logs_raw`.
 * - `PUBSUB_EMULATOR_HOST`: a local broker, as host:port.
 * - `BIGQUERY_STORAGE_HOST`: a local warehouse's gRPC address, as host:port, without TLS.
 *
 * @throws ERR_CONFIG
 */
export function pipelineFromEnvironment(env: NodeJS.ProcessEnv): Pipeline {
  const projectId = env["GOOGLE_CLOUD_PROJECT"];
  if (projectId === undefined || projectId === "") {
    throw new IndelibleError("ERR_CONFIG", "GOOGLE_CLOUD_PROJECT is not set", {
      hint: "Set it to the project that holds the topics and tables.",
    });
  }
  const local = env["BIGQUERY_STORAGE_HOST"];
  return {
    appender: storageWriteAppender({
      client: new v1.BigQueryWriteClient(local === undefined ? { projectId } : { projectId, ...insecure(local) }),
      projectId,
      datasetId: env["INDELIBLE_DATASET"] ?? RAW_DATASET,
    }),
    dedup: memoryDedup(),
    deadLetters: pubsubDeadLetters(
      new PubSub(env["PUBSUB_EMULATOR_HOST"] === undefined ? { projectId } : { projectId, ...noCredentials }),
      deadLetterTopic(env["INDELIBLE_TOPIC_PREFIX"] ?? DEFAULT_TOPIC_PREFIX),
    ),
  };
}

/** With the universe settled, a client that needs no credentials does not ask the network for some. */
const noCredentials = { clientOptions: { universeDomain: "googleapis.com" } };

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
