import { v1 } from "@google-cloud/bigquery-storage";
import { credentials } from "@grpc/grpc-js";
import { RecordBatchReader } from "apache-arrow";
import { DATASET, PROJECT } from "./clients.ts";
import type { TestContext } from "node:test";
import type { protos } from "@google-cloud/bigquery-storage";
import type { RecordBatch } from "apache-arrow";

export type ReadOptions = protos.google.cloud.bigquery.storage.v1.ReadSession.ITableReadOptions;
export type Session = protos.google.cloud.bigquery.storage.v1.IReadSession;
type Response = protos.google.cloud.bigquery.storage.v1.IReadRowsResponse;

/** Google's client of the Storage Read API; closed after the test. */
export function readClient(t: TestContext, { grpcPort }: { grpcPort: number }): v1.BigQueryReadClient {
  const client = new v1.BigQueryReadClient({
    apiEndpoint: "127.0.0.1",
    port: grpcPort,
    sslCreds: credentials.createInsecure(),
    projectId: PROJECT,
  });
  t.after(() => client.close());
  return client;
}

export function tableName(tableId: string): string {
  return `projects/${PROJECT}/datasets/${DATASET}/tables/${tableId}`;
}

export async function createSession(
  client: v1.BigQueryReadClient,
  tableId: string,
  readOptions: ReadOptions = {},
): Promise<Session> {
  const readSession = { table: tableName(tableId), dataFormat: "ARROW" as const, readOptions };
  const [session] = await client.createReadSession({ parent: `projects/${PROJECT}`, readSession, maxStreamCount: 1 });
  return session;
}

/** Rows as the Arrow library has them, one array for each response. */
export async function readBatches(
  client: v1.BigQueryReadClient,
  session: Session,
  offset = 0,
): Promise<Record<string, unknown>[][]> {
  const batches: Record<string, unknown>[][] = [];
  const request = { readStream: session.streams?.[0]?.name ?? "", offset };
  const call = client.readRows(request, { retryRequestOptions: { retries: 0, noResponseRetries: 0 } as object });
  for await (const response of call as AsyncIterable<Response>) {
    batches.push([...recordBatch(session, response)].map((row) => plain(row) as Record<string, unknown>));
  }
  return batches;
}

export async function readRows(
  client: v1.BigQueryReadClient,
  session: Session,
  offset = 0,
): Promise<Record<string, unknown>[]> {
  return (await readBatches(client, session, offset)).flat();
}

export function recordBatch(session: Session, { arrowRecordBatch }: Response): RecordBatch {
  const schema = session.arrowSchema?.serializedSchema as Uint8Array;
  const batch = arrowRecordBatch?.serializedRecordBatch as Uint8Array;
  return [...RecordBatchReader.from([schema, batch])][0] as RecordBatch;
}

/** The library's rows, vectors and numbers of many words as JavaScript's own. */
function plain(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Uint8Array) return [...value];
  if (ArrayBuffer.isView(value)) return String(value);
  if ("toJSON" in value && typeof value.toJSON === "function") return plain((value.toJSON as () => unknown)());
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}
