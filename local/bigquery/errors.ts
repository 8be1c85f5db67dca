import { QueryError } from "./sql/translate.ts";

export type Reason =
  | "accessDenied"
  | "authError"
  | "backendError"
  | "duplicate"
  | "invalid"
  | "invalidQuery"
  | "notFound"
  | "notImplemented"
  | "rateLimitExceeded"
  | "resourceInUse"
  | "stopped"
  | "timeout";

const httpStatuses: Record<Reason, number> = {
  accessDenied: 403,
  authError: 401,
  backendError: 503,
  duplicate: 409,
  invalid: 400,
  invalidQuery: 400,
  notFound: 404,
  notImplemented: 501,
  rateLimitExceeded: 403,
  resourceInUse: 400,
  stopped: 499,
  timeout: 400,
};

const canonicalNames: Record<number, string> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ALREADY_EXISTS",
  499: "CANCELLED",
  500: "INTERNAL",
  501: "UNIMPLEMENTED",
  503: "UNAVAILABLE",
};

/** Something the warehouse refuses, in BigQuery's terms. `message` is what the user reads. */
export class WarehouseError extends Error {
  override readonly name = "WarehouseError";
  readonly reason: Reason;

  constructor(reason: Reason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }

  get httpStatus(): number {
    return httpStatuses[this.reason];
  }
}

/** `errorResult` of a job, and one element of `errors` in a REST error. */
export type ErrorProto = { reason: string; message: string; domain: "global"; location?: string };

export type ErrorBody = { error: { code: number; message: string; errors: ErrorProto[]; status: string } };

/** Puts any failure into BigQuery's words. What is not ours is reported as internalError, with its message. */
export function errorProto(error: unknown): ErrorProto {
  if (error instanceof QueryError) {
    const location = error.location === undefined ? {} : { location: error.location };
    return { reason: error.reason, message: error.message, domain: "global", ...location };
  }
  if (error instanceof WarehouseError) return { reason: error.reason, message: error.message, domain: "global" };
  return {
    reason: "internalError",
    message: `The warehouse failed: ${error instanceof Error ? error.message : String(error)}`,
    domain: "global",
  };
}

function httpStatus(error: unknown): number {
  if (error instanceof WarehouseError) return error.httpStatus;
  if (error instanceof QueryError) return httpStatuses[error.reason];
  return 500;
}

/** The body of a refused REST request, in the shape that Google's clients parse. Its `error.code` is the HTTP status. */
export function errorBody(error: unknown): ErrorBody {
  const proto = errorProto(error);
  const code = httpStatus(error);
  return { error: { code, message: proto.message, errors: [proto], status: canonicalNames[code] ?? "UNKNOWN" } };
}
