// Not the whole package, which loads writers and readers of its own: a fifth of what a start costs.
import * as v1 from "@google-cloud/bigquery-storage/build/src/v1/index.js";
import { credentials } from "@grpc/grpc-js";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { RAW_DATASET } from "@indelible/schemas/names.ts";
import { formatTimestamp } from "@indelible/schemas/timestamp.ts";
import { readArrowBatch, readArrowSchema } from "./arrow-batch.ts";
import { ReadCalls } from "./read-calls.ts";
import { resumedRows } from "./resumed-rows.ts";
import type { ReadRequest, RowBatch, RowRead, RowReader } from "./row-reader.ts";
import type { ReadSession } from "./read-calls.ts";

export interface StorageRowReaderOptions {
  readonly projectId: string;
  /** Default: the dataset of raw tables. */
  readonly datasetId?: string;
  /** A local warehouse's gRPC address, as host:port, without TLS. Default: Google's. */
  readonly host?: string | undefined;
  /** Sent as `authorization: Bearer`, for a local warehouse; Google's client brings its own. */
  readonly token?: string | undefined;
  /** Default: Google's client, for `host`. */
  readonly createClient?: () => v1.BigQueryReadClient;
}

/** What one response may have, several times over: BigQuery's are some megabytes. */
const WINDOW_BYTES = 8 * 1024 * 1024;

/**
 * Reads raw tables by the BigQuery Storage Read API, which needs no right to run queries. A stream that breaks is read on from where it broke,
 * a few times, so that each row comes once.
 * @throws ERR_CONFIG when `host` is no address
 */
export function storageRowReader(options: StorageRowReaderOptions): RowReader {
  const { projectId, datasetId = RAW_DATASET, host, token } = options;
  const createClient = options.createClient ?? (() => new v1.BigQueryReadClient(clientOptions(projectId, host)));
  if (host !== undefined) addressOf(host);
  const calls = new ReadCalls(createClient, token);
  return {
    async read(request) {
      const session = await calls.createSession(
        {
          parent: `projects/${projectId}`,
          maxStreamCount: 1,
          readSession: {
            table: `projects/${projectId}/datasets/${datasetId}/tables/${request.table}`,
            dataFormat: "ARROW",
            readOptions: { selectedFields: [...request.columns], rowRestriction: restrictionOf(request) },
          },
        },
        request.signal,
      );
      return session && rowsOf(calls, session, request);
    },
    close: () => calls.close(),
  };
}

function rowsOf(calls: ReadCalls, session: ReadSession, { table, signal }: ReadRequest): RowRead {
  async function* batches(): AsyncGenerator<RowBatch, void, undefined> {
    const schema = readArrowSchema(session.schema);
    for (const stream of session.streams) {
      for await (const batch of resumedRows(calls, stream, table, signal)) {
        yield readArrowBatch(schema, batch);
      }
    }
  }
  return { session: session.name, batches: batches() };
}

function restrictionOf({ from, until }: ReadRequest): string {
  const conditions = [
    ...(from === undefined ? [] : [`ingested_at >= TIMESTAMP '${formatTimestamp(Number(from))}'`]),
    ...(until === undefined ? [] : [`ingested_at < TIMESTAMP '${formatTimestamp(Number(until))}'`]),
  ];
  return conditions.join(" AND ");
}

type ClientOptions = NonNullable<ConstructorParameters<typeof v1.BigQueryReadClient>[0]>;

function clientOptions(projectId: string, host: string | undefined): ClientOptions {
  const options = {
    projectId,
    // HTTP/2's own 64 KiB would make each response wait for many round trips.
    "grpc-node.flow_control_window": WINDOW_BYTES,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 5_000,
  };
  if (host === undefined) return options;
  return {
    ...options,
    ...addressOf(host),
    sslCreds: credentials.createInsecure(),
    // With the universe settled, a client that needs no credentials does not ask the network for some.
    clientOptions: { universeDomain: "googleapis.com" },
  };
}

function addressOf(host: string): { readonly apiEndpoint: string; readonly port: number } {
  const [, apiEndpoint, port] = /^([^:]+):(\d+)$/.exec(host) ?? [];
  if (apiEndpoint === undefined) {
    throw new IndelibleError("ERR_CONFIG", `the address of the warehouse is ${JSON.stringify(host)}`, {
      hint: "Give it as host:port, such as 127.0.0.1:9060.",
    });
  }
  return { apiEndpoint, port: Number(port) };
}
