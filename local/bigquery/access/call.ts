import { status } from "@grpc/grpc-js";
import { StatusError } from "../storage-write/status.ts";
import { bearerToken, invalidCredentials, missingCredentials } from "./bearer.ts";
import type { Metadata } from "@grpc/grpc-js";
import type { TableRef } from "../sql/translate.ts";
import type { Caller, RequestOrigin } from "./caller.ts";
import type { Policy } from "./policy.ts";

/** What is asked of a gRPC call, whatever its kind. */
type Call = { readonly metadata: Metadata; getPeer(): string };

/** Who makes a gRPC call. @throws {StatusError} UNAUTHENTICATED: nobody has this token. */
export function callerOfCall(call: Call, policy: Policy): Caller {
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

/** How the Storage APIs name the permissions that they ask for. */
const storageNames = {
  TABLES_GET: "bigquery.tables.get",
  TABLES_GET_DATA: "bigquery.tables.getData",
  TABLES_UPDATE_DATA: "bigquery.tables.updateData",
} as const;

/**
 * Refuses a caller who lacks a permission on a table, whether the table exists or not.
 * @throws {StatusError} PERMISSION_DENIED
 */
export function demandStorage(caller: Caller, name: keyof typeof storageNames, ref: TableRef): void {
  if (caller.allows(storageNames[name], ref)) return;
  const resource = `projects/${ref.projectId}/datasets/${ref.datasetId}/tables/${ref.tableId}`;
  throw new StatusError(
    status.PERMISSION_DENIED,
    `Permission '${name}' denied on resource '${resource}' (or it may not exist).`,
  );
}

function textOf(call: Call, name: string): string | undefined {
  const [value] = call.metadata.get(name);
  return value === undefined ? undefined : String(value);
}
