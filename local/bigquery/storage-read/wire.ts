import { createRequire } from "node:module";
import { fromJSON } from "@grpc/proto-loader";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import type { Bytes } from "./arrow-messages.ts";

const protos = createRequire(import.meta.url)("@google-cloud/bigquery-storage/build/protos/protos.json") as object;
const definitions = fromJSON(protos as Parameters<typeof fromJSON>[0], {
  keepCase: false,
  longs: String,
  enums: String,
});

const loaded = definitions["google.cloud.bigquery.storage.v1.BigQueryRead"] as unknown as ServiceDefinition;

/** The service as Google's client declares it. Messages have the field names that the proto file has, in camelCase; what is not set is missing. */
export const readService: ServiceDefinition = {
  ...loaded,
  ReadRows: {
    ...(loaded["ReadRows"] as MethodDefinition<object, ReadRowsMessage>),
    responseSerialize: serializeRows,
  } as MethodDefinition<object, object>,
};

const RECORD_BATCH_TAG = (4 << 3) | 2;
const BATCH_BYTES_TAG = (1 << 3) | 2;
const MAX_VARINT_BYTES = 5;
let scratch = Buffer.alloc(0);

/**
 * `ReadRowsResponse`, put together once, in memory that the next response uses again: gRPC copies it before it does anything else. New buffers of
 * megabytes make the engine collect garbage all the time, which took 1.5 us a row.
 */
function serializeRows({ batch, ...rest }: ReadRowsMessage): Buffer {
  const { responseSerialize } = loaded["ReadRows"] as MethodDefinition<object, object>;
  const head = responseSerialize(rest);
  const batchBytes = 1 + varintBytes(batch.byteLength) + batch.byteLength;
  const needed = head.length + 2 * (1 + MAX_VARINT_BYTES) + batch.byteLength;
  if (scratch.length < needed) scratch = Buffer.allocUnsafe(needed);
  let at = head.copy(scratch);
  scratch[at++] = RECORD_BATCH_TAG;
  at = writeVarint(batchBytes, at);
  scratch[at++] = BATCH_BYTES_TAG;
  at = writeVarint(batch.byteLength, at);
  for (const part of batch.parts) {
    scratch.set(part, at);
    at += part.byteLength;
  }
  return scratch.subarray(0, at);
}

function varintBytes(value: number): number {
  return Math.max(1, Math.ceil((32 - Math.clz32(value)) / 7));
}

function writeVarint(value: number, start: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) scratch[at++] = (rest & 0x7f) | 0x80;
  scratch[at++] = rest;
  return at;
}

export type ReadOptions = {
  readonly selectedFields?: readonly string[];
  readonly rowRestriction?: string;
  readonly arrowSerializationOptions?: {
    readonly bufferCompression?: string;
    readonly picosTimestampPrecision?: string;
  } | null;
  readonly avroSerializationOptions?: object | null;
  readonly samplePercentage?: number;
  readonly responseCompressionCodec?: string;
};
export type CreateSessionRequest = {
  readonly parent?: string;
  readonly readSession?: {
    readonly dataFormat?: string;
    readonly table?: string;
    readonly tableModifiers?: { readonly snapshotTime?: object | null } | null;
    readonly readOptions?: ReadOptions | null;
  } | null;
  readonly maxStreamCount?: number;
};
export type ReadRowsRequest = { readonly readStream?: string; readonly offset?: string };
export type SplitRequest = { readonly name?: string };

export type ArrowSchemaMessage = { readonly serializedSchema: Uint8Array };
/** `ReadSession` */
export type SessionMessage = {
  readonly name: string;
  readonly expireTime: { readonly seconds: number; readonly nanos: number };
  readonly dataFormat: "ARROW";
  readonly arrowSchema: ArrowSchemaMessage;
  readonly table: string;
  readonly readOptions: ReadOptions;
  readonly streams: readonly { readonly name: string }[];
  readonly estimatedRowCount: number;
};
export type ReadRowsMessage = {
  /** `arrow_record_batch.serialized_record_batch` */
  readonly batch: Bytes;
  readonly rowCount: number;
  readonly stats: { readonly progress: { readonly atResponseStart: number; readonly atResponseEnd: number } };
  /** On the first response of a call only. */
  readonly arrowSchema?: ArrowSchemaMessage;
};
