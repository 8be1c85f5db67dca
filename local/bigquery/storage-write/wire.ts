import { createRequire } from "node:module";
import { fromJSON } from "@grpc/proto-loader";
import protobuf from "protobufjs";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import type { RpcStatus } from "./status.ts";

const PACKAGE = "google.cloud.bigquery.storage.v1";

/**
 * AppendRowsRequest with the writer schema and the rows left in their serialized form: the journal stores those bytes
 * as they came, and the decoder reads them once, straight into columns.
 */
const { root } = protobuf.parse(
  `syntax = "proto3";
   message Offset { int64 value = 1; }
   message ProtoData { bytes writer_schema = 1; bytes rows = 2; }
   message AppendRows {
     string write_stream = 1;
     Offset offset = 2;
     oneof data { ProtoData proto_rows = 4; bytes arrow_rows = 5; }
   }`,
  { keepCase: true },
);
const appendRowsType = root.lookupType("AppendRows");

export type AppendRequest = {
  readonly writeStream: string;
  readonly offset: number | undefined;
  readonly writerSchema: Uint8Array | undefined;
  readonly rows: Uint8Array | undefined;
  readonly isArrow: boolean;
  readonly byteSize: number;
};
export type RowError = { readonly index: number; readonly code: "FIELDS_ERROR"; readonly message: string };
export type AppendResponse = {
  readonly appendResult?: { readonly offset?: { readonly value: number } };
  readonly error?: RpcStatus;
  readonly rowErrors?: readonly RowError[];
  /** `TableSchema`: what the table has become while the connection was open. */
  readonly updatedSchema?: object;
  readonly writeStream: string;
};

type RawAppend = {
  write_stream: string;
  offset?: { value: number | { toNumber(): number } } | null;
  proto_rows?: { writer_schema: Uint8Array; rows: Uint8Array } | null;
  arrow_rows?: Uint8Array;
};

function decodeAppendRequest(bytes: Buffer): AppendRequest {
  const raw = appendRowsType.decode(bytes) as unknown as RawAppend;
  const { writer_schema: schema, rows } = raw.proto_rows ?? {};
  return {
    writeStream: raw.write_stream,
    offset: raw.offset === null || raw.offset === undefined ? undefined : Number(raw.offset.value),
    writerSchema: schema === undefined || schema.length === 0 ? undefined : schema,
    rows: rows === undefined || rows.length === 0 ? undefined : rows,
    isArrow: raw.arrow_rows !== undefined && raw.arrow_rows.length > 0,
    byteSize: bytes.length,
  };
}

const protos = createRequire(import.meta.url)("@google-cloud/bigquery-storage/build/protos/protos.json") as object;
const definitions = fromJSON(protos as Parameters<typeof fromJSON>[0], {
  keepCase: false,
  longs: String,
  enums: String,
  defaults: true,
});
const loaded = definitions[`${PACKAGE}.BigQueryWrite`] as unknown as ServiceDefinition;

/** The service as Google's client declares it. Messages have the field names that the proto file has, in camelCase. */
export const writeService: ServiceDefinition = {
  ...loaded,
  AppendRows: {
    ...(loaded["AppendRows"] as MethodDefinition<AppendRequest, unknown>),
    requestDeserialize: decodeAppendRequest,
  } as MethodDefinition<object, object>,
};

const storageErrorType = protobuf.Root.fromJSON(protos as protobuf.INamespace).lookupType(`${PACKAGE}.StorageError`);

/** A `StorageError` as `google.protobuf.Any`. */
export function encodeStorageError(error: { code: string; entity: string; message: string }): {
  type_url: string;
  value: Uint8Array;
} {
  const message = storageErrorType.fromObject({ code: error.code, entity: error.entity, errorMessage: error.message });
  return { type_url: `type.googleapis.com/${PACKAGE}.StorageError`, value: storageErrorType.encode(message).finish() };
}
