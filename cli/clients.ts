import { createRequire } from "node:module";
import { BigQuery, type BigQueryOptions } from "@google-cloud/bigquery";
import type { PubSub } from "@google-cloud/pubsub";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { tokenOfEnvironment } from "./role-token.ts";

/**
 * A BigQuery client of the cloud, or of the warehouse that BIGQUERY_EMULATOR_HOST names: that one takes a role's token, by default what
 * INDELIBLE_WAREHOUSE_TOKEN says, and without any serves readers.
 */
export function bigQueryClient(
  project: string | undefined,
  local: boolean,
  token: string | undefined = tokenOfEnvironment(),
): BigQuery {
  const options: BigQueryOptions = {};
  if (project !== undefined) options.projectId = project;
  if (local) {
    options.authClient = credentialsOf(token);
    // A warehouse on this machine is there or is not; whoever wants to wait for it does so by its own clock.
    options.retryOptions = { autoRetry: false };
  }
  return new BigQuery(options);
}

/**
 * `named`, or else the project that the credentials name. In the cloud it is certain then that there are credentials: without, Google's clients would find
 * out at the first question, after a quarter of a minute and in words of their own.
 *
 * @throws ERR_CONFIG when there are no credentials, or nothing names a project
 */
export async function projectOf(bigquery: BigQuery, named: string | undefined, local: boolean): Promise<string> {
  if (!local) await requireCredentials(bigquery);
  if (named !== undefined) return named;
  try {
    if (!local) return await bigquery.getProjectId();
  } catch (cause) {
    throw projectless("the credentials name no project", cause);
  }
  throw projectless("BIGQUERY_EMULATOR_HOST is set, and nothing names the project");
}

async function requireCredentials(bigquery: BigQuery): Promise<void> {
  try {
    await bigquery.authClient.getClient();
  } catch (cause) {
    throw new IndelibleError("ERR_CONFIG", "no `indelible dev` is running here and there are no cloud credentials", {
      cause,
      hint: "Start `indelible dev` in this folder, or log in with: gcloud auth application-default login",
    });
  }
}

function projectless(message: string, cause?: unknown): IndelibleError {
  return new IndelibleError("ERR_CONFIG", message, {
    cause,
    hint: "Set GOOGLE_CLOUD_PROJECT; for an `indelible dev`, to what it has printed.",
  });
}

/**
 * A Pub/Sub client for administration; it reads PUBSUB_EMULATOR_HOST itself. To be closed.
 *
 * The library is loaded when the first one is made: it takes 0.3 s, twice as long as BigQuery's, and whoever only asks the warehouse does without.
 */
export function pubSubClient(project: string): PubSub {
  const library = createRequire(import.meta.url)("@google-cloud/pubsub") as typeof import("@google-cloud/pubsub");
  return new library.PubSub({ projectId: project });
}

// Without this the client would look for credentials, ask the network for a metadata server, and send the user's own
// token to a local port. Of an AuthClient it only calls this method.
function credentialsOf(token: string | undefined): NonNullable<BigQueryOptions["authClient"]> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return { getRequestHeaders: () => Promise.resolve(new Headers(headers)) } as unknown as NonNullable<
    BigQueryOptions["authClient"]
  >;
}
