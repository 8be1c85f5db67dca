import { tableName } from "../catalog.ts";
import { WarehouseError } from "../errors.ts";
import type { DatasetRef } from "../catalog.ts";
import type { TableRef } from "../sql/translate.ts";
import type { Caller } from "./caller.ts";

// Each of these asks before it is known whether the thing exists, so that a refusal does not tell.

/** @throws {WarehouseError} accessDenied, in BigQuery's words */
export function demandOnProject(caller: Caller, permission: string, projectId: string): void {
  if (caller.allows(permission)) return;
  throw denied(`Project ${projectId}: User does not have ${permission} permission in project ${projectId}.`);
}

/** @throws {WarehouseError} accessDenied, in BigQuery's words */
export function demandOnDataset(caller: Caller, permission: string, { projectId, datasetId }: DatasetRef): void {
  if (caller.allows(permission, { datasetId })) return;
  const name = `${projectId}:${datasetId}`;
  throw denied(`Dataset ${name}: Permission ${permission} denied on dataset ${name} (or it may not exist).`);
}

/** @throws {WarehouseError} accessDenied, in BigQuery's words */
export function demandOnTable(caller: Caller, permission: string, ref: TableRef): void {
  if (caller.allows(permission, ref)) return;
  const name = tableName(ref);
  throw denied(`Table ${name}: Permission ${permission} denied on table ${name} (or it may not exist).`);
}

/** Whether he may do everything, which is asked for what this warehouse has no permission of its own for. */
export function isAdmin(caller: Caller): boolean {
  return caller.allows("bigquery.*");
}

export function denied(what: string): WarehouseError {
  return new WarehouseError("accessDenied", `Access Denied: ${what}`);
}
