import { demandOnDataset, demandOnTable, demandOnProject, denied } from "../access/demand.ts";
import { WarehouseError } from "../errors.ts";
import { isRecord } from "../table-schema.ts";
import type { Caller } from "../access/caller.ts";
import type { Job } from "../query/jobs.ts";
import type { TableRef } from "../sql/translate.ts";
import type { Body } from "./request.ts";

/** Jobs that are no queries, and the fields that name the table that they write to; EXTRACT writes files. */
const otherJobs = { copy: "destinationTable", load: "destinationTable", extract: undefined } as const;

/**
 * Refuses jobs that write to a table other than by a statement: whoever may not write to it in BigQuery's words, whoever may because this
 * warehouse has no such jobs.
 * @throws {WarehouseError} accessDenied, notImplemented
 */
export function refuseWritingJobs(configuration: Body, caller: Caller, projectId: string): void {
  for (const [kind, destination] of Object.entries(otherJobs)) {
    const job = configuration[kind];
    if (!isRecord(job)) continue;
    if (destination === undefined) demandOnProject(caller, "bigquery.tables.export", projectId);
    else demandWriting(caller, job, projectId);
    const instead = kind === "copy" ? ": CREATE TABLE ... AS SELECT does the same" : "";
    throw new WarehouseError("notImplemented", `This warehouse runs query jobs only, and no ${kind} jobs${instead}.`);
  }
  const { query } = configuration;
  if (!isRecord(query)) return;
  const disposition = query["writeDisposition"];
  const isWriting =
    isRecord(query["destinationTable"]) || disposition === "WRITE_TRUNCATE" || disposition === "WRITE_APPEND";
  if (!isWriting) return;
  demandWriting(caller, query, projectId);
  throw new WarehouseError(
    "notImplemented",
    "This warehouse does not support destinationTable and writeDisposition of a query: CREATE TABLE ... AS SELECT, CREATE OR REPLACE TABLE " +
      "... AS SELECT and INSERT INTO ... SELECT do the same.",
  );
}

function demandWriting(caller: Caller, job: Body, projectId: string): void {
  const destination = readTable(job["destinationTable"], projectId);
  const truncates = job["writeDisposition"] === "WRITE_TRUNCATE";
  const onTable = ["bigquery.tables.updateData", ...(truncates ? ["bigquery.tables.delete"] : [])];
  if (destination === undefined) {
    for (const permission of onTable) demandOnProject(caller, permission, projectId);
    return;
  }
  demandOnDataset(caller, "bigquery.tables.create", destination);
  for (const permission of onTable) demandOnTable(caller, permission, destination);
}

function readTable(value: unknown, projectId: string): TableRef | undefined {
  if (!isRecord(value)) return undefined;
  const { projectId: named, datasetId, tableId } = value;
  if (typeof datasetId !== "string" || typeof tableId !== "string") return undefined;
  return { projectId: typeof named === "string" ? named : projectId, datasetId, tableId };
}

/** Refuses to show or stop a job of others, unless he may with all of them. @throws {WarehouseError} accessDenied */
export function demandOnJob(caller: Caller, permission: string, job: Job): void {
  if (startedBy(caller, job) || caller.allows(permission)) return;
  const name = jobName(job);
  throw denied(`Job ${name}: Permission ${permission} denied on job ${name} (or it may not exist).`);
}

/** A result is only for who started the query, whatever others may: it is what he was allowed to read. @throws {WarehouseError} accessDenied */
export function demandOwnJob(caller: Caller, job: Job): void {
  if (startedBy(caller, job)) return;
  const name = jobName(job);
  throw denied(`Job ${name}: User does not have permission to read the results of job ${name}, which another started.`);
}

/** Callers are compared, not principals: who has an account by another token may be allowed other things. */
export function startedBy(caller: Caller, job: Job): boolean {
  return job.caller === caller;
}

function jobName({ projectId, location, jobId }: Job): string {
  return `${projectId}:${location}.${jobId}`;
}
