import { status } from "@grpc/grpc-js";
import { WarehouseError } from "../errors.ts";
import { SchemaMismatch } from "../row-decoder.ts";
import { WireFault } from "../wire-reader.ts";
import { encodeStorageError } from "./wire.ts";

export type StorageErrorCode =
  | "TABLE_NOT_FOUND"
  | "STREAM_NOT_FOUND"
  | "INVALID_STREAM_TYPE"
  | "STREAM_FINALIZED"
  | "SCHEMA_MISMATCH_EXTRA_FIELDS"
  | "OFFSET_ALREADY_EXISTS"
  | "OFFSET_OUT_OF_RANGE";

/** `google.rpc.Status` */
export type RpcStatus = {
  readonly code: number;
  readonly message: string;
  readonly details: readonly { readonly type_url: string; readonly value: Uint8Array }[];
};

/** A refusal of the Storage Write API. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly code: status;
  readonly storageError: { readonly code: StorageErrorCode; readonly entity: string } | undefined;

  constructor(code: status, message: string, storageError?: { code: StorageErrorCode; entity: string }) {
    super(message);
    this.code = code;
    this.storageError = storageError;
  }
}

/** The error as `google.rpc.Status`, with a `StorageError` among its details where Google sends one. */
export function rpcStatus(error: StatusError): RpcStatus {
  const { code, message, storageError } = error;
  return {
    code,
    message,
    details: storageError === undefined ? [] : [encodeStorageError({ ...storageError, message })],
  };
}

/** Any failure as the status that the client of this stream gets. */
export function toStatusError(error: unknown, streamName: string): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof SchemaMismatch) {
    const detail = { code: "SCHEMA_MISMATCH_EXTRA_FIELDS", entity: streamName } as const;
    return new StatusError(status.INVALID_ARGUMENT, error.message, error.extraFields ? detail : undefined);
  }
  if (error instanceof WireFault) return new StatusError(status.INVALID_ARGUMENT, error.message);
  if (error instanceof WarehouseError && error.reason === "notFound") {
    return new StatusError(status.NOT_FOUND, error.message, { code: "TABLE_NOT_FOUND", entity: streamName });
  }
  return new StatusError(status.INTERNAL, error instanceof Error ? error.message : String(error));
}
