import { sqliteCode } from "../durable-database.ts";
import { status } from "@grpc/grpc-js";

/** The names of gRPC's status codes, as Google's own errors spell them. */
export type StatusName = Exclude<keyof typeof status, "OK">;

/** A refusal in Google's terms. `message` says what to do about it and never quotes a payload. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly status: StatusName;

  constructor(statusName: StatusName, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = statusName;
  }
}

const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;

/** Any failure as the status that its caller gets. A full or failing disk is the caller's cue to retry later. */
export function toStatusError(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  switch (sqliteCode(error)) {
    case SQLITE_FULL:
      return new StatusError(
        "RESOURCE_EXHAUSTED",
        "The disk of the broker is full: free space, then publish again.",
        error,
      );
    case SQLITE_IOERR:
      return new StatusError("UNAVAILABLE", "The disk of the broker fails: nothing was stored, try again.", error);
    default:
      return new StatusError(
        "INTERNAL",
        `The broker failed: ${error instanceof Error ? error.message : "unknown"}`,
        error,
      );
  }
}
