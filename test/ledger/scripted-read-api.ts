import { createRequire } from "node:module";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import { Int64, makeData, RecordBatch, RecordBatchStreamWriter, Schema, Field, Struct } from "apache-arrow";
import type { TestContext } from "node:test";
import type { Metadata, ServerUnaryCall, ServerWritableStream, ServiceDefinition } from "@grpc/grpc-js";

/** What a ReadRows call gets: a batch of this many rows each; then its end, or an error with this code, or nothing more. */
export interface Answer {
  readonly batches: readonly number[];
  readonly outcome?: "end" | "hang" | number;
}

/** What came in. */
export interface ReadCall {
  readonly stream: string;
  readonly offset: number;
  readonly metadata: Metadata;
  /** Resolves when the client has cancelled it. */
  readonly cancelled: Promise<void>;
}

/** A BigQueryRead service on a free port whose streams hold the numbers from 0 in the column `n`, and whose calls end as told. */
export interface ScriptedReadApi {
  readonly host: string;
  readonly calls: readonly ReadCall[];
  /** How many sessions have been asked for. */
  readonly sessions: () => number;
}

export interface Script {
  /** The code that CreateReadSession fails with; those that its first calls fail with. Default: it gives a session. */
  readonly create?: number | readonly number[];
  /** Called when a session is asked for, before the answer. */
  readonly onCreate?: () => void;
  /** IDs of the session's streams. Default: one. */
  readonly streams?: readonly string[];
  /** What the ReadRows calls get, one after the other. */
  readonly answers?: readonly Answer[];
}

type ReadRowsRequest = { readonly readStream: string; readonly offset: string };

const protos = createRequire(import.meta.url)("@google-cloud/bigquery-storage/build/protos/protos.json") as Parameters<
  typeof fromJSON
>[0];
const service = fromJSON(protos, { longs: String, defaults: true })[
  "google.cloud.bigquery.storage.v1.BigQueryRead"
] as unknown as ServiceDefinition;

export async function scriptedReadApi(
  t: TestContext,
  { create = [], onCreate = () => {}, streams = ["0"], answers = [] }: Script,
): Promise<ScriptedReadApi> {
  const calls: ReadCall[] = [];
  let sessions = 0;
  const server = new Server();
  server.addService(service, {
    CreateReadSession: (
      _call: ServerUnaryCall<object, object>,
      answer: (error: object | null, response?: object) => void,
    ) => {
      onCreate();
      const code = typeof create === "number" ? create : create[sessions];
      sessions += 1;
      if (code !== undefined) return answer(failure(code));
      const name = "projects/p/locations/us/sessions/s";
      const named = streams.map((id) => ({ name: `${name}/streams/${id}` }));
      answer(null, { name, arrowSchema: { serializedSchema: numbers(0, 0).schema }, streams: named });
    },
    ReadRows: (call: ServerWritableStream<ReadRowsRequest, object>) => {
      const answer = answers[calls.length] ?? { batches: [] };
      const cancelled = new Promise<void>((resolve) => call.on("cancelled", () => resolve()));
      const { readStream: stream, offset } = call.request;
      calls.push({ stream, offset: Number(offset), metadata: call.metadata, cancelled });
      call.on("error", () => {});
      play(call, Number(offset), answer);
    },
  });
  const { promise, resolve } = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_error, port) => resolve(port));
  t.after(() => server.forceShutdown());
  return { host: `127.0.0.1:${await promise}`, calls, sessions: () => sessions };
}

function play(
  call: ServerWritableStream<ReadRowsRequest, object>,
  offset: number,
  { batches, outcome = "end" }: Answer,
): void {
  let at = offset;
  for (const rowCount of batches) {
    call.write({ arrowRecordBatch: { serializedRecordBatch: numbers(at, rowCount).batch }, rowCount });
    at += rowCount;
  }
  if (outcome === "end") call.end();
  else if (outcome !== "hang") call.emit("error", failure(outcome));
}

function failure(code: number): Error {
  return Object.assign(new Error("scripted"), { code, details: "scripted" });
}

/** Messages for `count` numbers from `first` on, cut out of the stream that the library writes. */
function numbers(first: number, count: number): { readonly schema: Uint8Array; readonly batch: Uint8Array } {
  const schema = new Schema([new Field("n", new Int64(), false)]);
  const values = BigInt64Array.from({ length: count }, (_, index) => BigInt(first + index));
  const child = makeData({ type: new Int64(), length: count, nullCount: 0, data: values });
  const data = makeData({ type: new Struct(schema.fields), length: count, nullCount: 0, children: [child] });
  const bytes = RecordBatchStreamWriter.writeAll([new RecordBatch(schema, data)]).toUint8Array(true);
  const schemaEnd = 8 + new DataView(bytes.buffer, bytes.byteOffset).getInt32(4, true);
  return { schema: bytes.slice(0, schemaEnd), batch: bytes.slice(schemaEnd, -8) };
}
