import { callbackify } from "node:util";
import { status } from "@grpc/grpc-js";
import { isLoopbackHost } from "../../loopback.ts";
import { tablePath } from "../catalog.ts";
import { WarehouseError } from "../errors.ts";
import { StatusError, toStatusError } from "../storage-write/status.ts";
import { bearerToken, invalidCredentials, missingCredentials } from "./bearer.ts";
import type { Metadata, ServerUnaryCall, handleUnaryCall } from "@grpc/grpc-js";
import type { TableRef } from "../sql/translate.ts";
import type { Caller, RequestOrigin } from "./caller.ts";
import type { Policy } from "./policy.ts";

/** What is asked of a gRPC call, whatever its kind. */
type Call = { readonly metadata: Metadata; getPeer(): string; getHost(): string };

/** Who makes a gRPC call. @throws {StatusError} PERMISSION_DENIED: not by a loopback name; UNAUTHENTICATED: nobody has this token. */
export function callerOfCall(call: Call, policy: Policy): Caller {
  if (!isLoopbackHost(call.getHost())) {
    throw new StatusError(status.PERMISSION_DENIED, "This warehouse answers to loopback names only: use 127.0.0.1.");
  }
  const token = bearerToken(textOf(call, "authorization"));
  const caller = policy.callerOf(token);
  if (caller !== undefined) return caller;
  throw new StatusError(status.UNAUTHENTICATED, token === undefined ? missingCredentials : invalidCredentials);
}

export function originOfCall(call: Call): RequestOrigin {
  // `127.0.0.1:51234`, `[::1]:51234`
  const ip = call.getPeer().replace(/:\d+$/, "").replaceAll(/[[\]]/g, "");
  return { ip, userAgent: textOf(call, "user-agent") ?? "" };
}

/** Makes a method of one request and one response of a function, which is told who calls. */
export type Unary = <Request, Response>(
  handler: (request: Request, caller: Caller, call: ServerUnaryCall<Request, Response>) => Promise<Response>,
) => handleUnaryCall<Request, Response>;

export function unaryFor(policy: Policy): Unary {
  return <Request, Response>(
    handler: (request: Request, caller: Caller, call: ServerUnaryCall<Request, Response>) => Promise<Response>,
  ) => {
    const answer = callbackify(async (call: ServerUnaryCall<Request, Response>): Promise<Response> => {
      try {
        return await handler(call.request, callerOfCall(call, policy), call);
      } catch (error) {
        throw grpcError(error);
      }
    });
    return answer as unknown as handleUnaryCall<Request, Response>;
  };
}

/** Any failure as gRPC has it. */
export function grpcError(error: unknown): Error {
  const { code, message } = statusOf(error);
  return Object.assign(new Error(message, { cause: error }), { code, details: message });
}

function statusOf(error: unknown): StatusError {
  if (!(error instanceof WarehouseError) || error.reason === "notFound") return toStatusError(error, "");
  const code = error.reason === "timeout" ? status.DEADLINE_EXCEEDED : status.UNAVAILABLE;
  return new StatusError(code, error.message);
}

/** How the Storage Write API names the permissions that it asks for. */
const storageNames = {
  TABLES_GET: "bigquery.tables.get",
  TABLES_UPDATE_DATA: "bigquery.tables.updateData",
} as const;

/**
 * Refuses a caller who lacks a permission on a table, whether the table exists or not.
 * @throws {StatusError} PERMISSION_DENIED
 */
export function demandStorage(caller: Caller, name: keyof typeof storageNames, ref: TableRef): void {
  if (caller.allows(storageNames[name], ref)) return;
  const message = `Permission '${name}' denied on resource '${tablePath(ref)}' (or it may not exist).`;
  throw new StatusError(status.PERMISSION_DENIED, message);
}

function textOf(call: Call, name: string): string | undefined {
  const [value] = call.metadata.get(name);
  return value === undefined ? undefined : String(value);
}
