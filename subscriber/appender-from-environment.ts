// Not the whole package, which loads writers and readers of its own: a fifth of what a start costs.
import * as v1 from "@google-cloud/bigquery-storage/build/src/v1/index.js";
import { credentials } from "@grpc/grpc-js";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { datasetsFromEnvironment } from "@indelible/schemas/names.ts";
import { storageWriteAppender, type Appender, type AppendObserver } from "./appender.ts";

/**
 * An appender as the environment describes it:
 *
 * - `INDELIBLE_DATASET`: the dataset of tables, default `agent_logs_raw`.
 * - `BIGQUERY_STORAGE_HOST`: a local warehouse's gRPC address, as host:port, without TLS.
 * - `INDELIBLE_WAREHOUSE_TOKEN`: the token by which that warehouse knows the role. Sent to a local warehouse only.
 *
 * @throws ERR_CONFIG
 */
export function appenderFromEnvironment(
  env: NodeJS.ProcessEnv,
  projectId: string,
  observer?: AppendObserver,
): Appender {
  const local = env["BIGQUERY_STORAGE_HOST"];
  const clientOptions = { projectId, ...reconnection, ...(local !== undefined && insecure(local)) };
  return storageWriteAppender({
    createClient: () => new v1.BigQueryWriteClient(clientOptions),
    projectId,
    datasetId: datasetsFromEnvironment(env).raw,
    ...(observer !== undefined && { observer }),
    ...(local !== undefined && { token: warehouseToken(env) }),
  });
}

/** What `INDELIBLE_WAREHOUSE_TOKEN` holds; undefined when it is not set or empty. @throws ERR_CONFIG when no header can hold it */
export function warehouseToken(env: NodeJS.ProcessEnv): string | undefined {
  const token = env["INDELIBLE_WAREHOUSE_TOKEN"];
  if (token === undefined || token === "") return undefined;
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  // Not quoted: it is a secret.
  throw new IndelibleError("ERR_CONFIG", "INDELIBLE_WAREHOUSE_TOKEN is no token", {
    hint: "Give it the token of a role in the access policy of the warehouse, without blanks and line ends.",
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
