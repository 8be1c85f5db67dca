/**
 * The records that BigQuery itself makes of a read: Cloud Audit Logs' `LogEntry`, as a log sink publishes it in JSON. The shapes are those of
 *
 * - https://docs.cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry (insertId, logName, resource, timestamp);
 * - https://docs.cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditLog (protoPayload);
 * - https://docs.cloud.google.com/bigquery/docs/reference/auditlogs/rest/Shared.Types/BigQueryAuditMetadata (protoPayload.metadata),
 *   field by field googleapis' google/cloud/audit/bigquery_audit_metadata.proto;
 * - https://docs.cloud.google.com/bigquery/docs/reference/auditlogs (which method makes which event, `bigquery_project` and `bigquery_dataset`).
 *
 * As in JSON of any protobuf message, 64-bit numbers are texts, and what is empty is left out. Left out too is what this warehouse does not
 * know: bytes, and of a query the columns. "If a job fails before or during execution, TableDataRead events are not logged": only its own.
 */
import { createHash, randomUUID } from "node:crypto";
import { tablePath } from "../catalog.ts";
import { jobName } from "../query/job-name.ts";
import type { Caller, RequestOrigin } from "../access/caller.ts";
import type { TableRef } from "../sql/translate.ts";
import type { QueryRead, ReadRecord } from "./read-record.ts";

type Json = { readonly [name: string]: unknown };

const AUDIT_LOG = "type.googleapis.com/google.cloud.audit.AuditLog";
const METADATA = "type.googleapis.com/google.cloud.audit.BigQueryAuditMetadata";
const INSERT_JOB = "google.cloud.bigquery.v2.JobService.InsertJob";
const LIST = "google.cloud.bigquery.v2.TableDataService.List";
const CREATE_READ_SESSION = "google.cloud.bigquery.storage.v1.BigQueryRead.CreateReadSession";
/** Of the statement: "Truncated if exceeds 50K." An error may quote as much. */
const MAX_TEXT_CHARACTERS = 50_000;

/** The entries of one read: of a query the job that is done, and of every read that succeeds one for each table and view. */
export function logEntries(caller: Caller, origin: RequestOrigin, read: ReadRecord): Json[] {
  const entry = entryMaker(caller, origin);
  switch (read.kind) {
    case "query":
      return [
        entry({
          projectId: read.projectId,
          atMs: read.endMs,
          methodName: INSERT_JOB,
          resourceName: jobName(read),
          resource: { type: "bigquery_project", labels: { project_id: read.projectId, location: read.location } },
          metadata: { jobChange: { before: "RUNNING", after: "DONE", job: job(caller, read) } },
        }),
        ...(read.failure === undefined ? [...read.tables, ...read.views] : []).map((table) =>
          entry({
            ...ofTable(table, read.endMs, INSERT_JOB),
            // The log of the project that ran the job, as in BigQuery.
            projectId: read.projectId,
            metadata: { tableDataRead: { reason: "JOB", jobName: jobName(read) } },
          }),
        ),
      ];
    case "list":
      return [
        entry({
          ...ofTable(read.table, read.atMs, LIST),
          metadata: { tableDataRead: { fields: read.fields, reason: "TABLEDATA_LIST_REQUEST" } },
        }),
      ];
    case "read_session":
      return [
        entry({
          ...ofTable(read.table, read.atMs, CREATE_READ_SESSION),
          metadata: {
            tableDataRead: { fields: read.fields, reason: "CREATE_READ_SESSION", sessionName: read.session },
          },
        }),
      ];
  }
}

type Event = {
  /** Whose log it stands in. */
  readonly projectId: string;
  readonly atMs: number;
  readonly methodName: string;
  readonly resourceName: string;
  readonly resource: Json;
  readonly metadata: Json;
};

function ofTable(table: TableRef, atMs: number, methodName: string): Omit<Event, "metadata"> {
  const { projectId, datasetId } = table;
  return {
    projectId,
    atMs,
    methodName,
    resourceName: tablePath(table),
    resource: { type: "bigquery_dataset", labels: { project_id: projectId, dataset_id: datasetId } },
  };
}

function entryMaker(caller: Caller, { ip, userAgent }: RequestOrigin): (event: Event) => Json {
  return ({ projectId, atMs, methodName, resourceName, resource, metadata }) => ({
    insertId: randomUUID(),
    logName: `projects/${projectId}/logs/cloudaudit.googleapis.com%2Fdata_access`,
    severity: "INFO",
    timestamp: time(atMs),
    receiveTimestamp: time(Date.now()),
    resource,
    protoPayload: {
      "@type": AUDIT_LOG,
      serviceName: "bigquery.googleapis.com",
      methodName,
      resourceName,
      authenticationInfo: { principalEmail: caller.principal },
      requestMetadata: { callerIp: ip, callerSuppliedUserAgent: userAgent },
      status: {},
      metadata: { "@type": METADATA, ...metadata },
    },
  });
}

function job(caller: Caller, read: QueryRead): Json {
  const { query, labels, destination, failure, tables, views } = read;
  return {
    jobName: jobName(read),
    jobConfig: {
      type: "QUERY",
      queryConfig: {
        query: cut(query),
        ...(query.length > MAX_TEXT_CHARACTERS ? { queryTruncated: true } : {}),
        destinationTable: tablePath(destination ?? anonymousTable(caller, read)),
        createDisposition: "CREATE_IF_NEEDED",
        writeDisposition: "WRITE_TRUNCATE",
        priority: "QUERY_INTERACTIVE",
        statementType: read.statementType ?? "SELECT",
      },
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
    },
    jobStatus: {
      jobState: "DONE",
      ...(failure === undefined ? {} : { errorResult: { code: 3, message: cut(failure) } }),
    },
    jobStats: {
      createTime: time(read.createdMs),
      startTime: time(read.startMs),
      endTime: time(read.endMs),
      queryStats: {
        ...(tables.length > 0 ? { referencedTables: tables.map(tablePath) } : {}),
        ...(views.length > 0 ? { referencedViews: views.map(tablePath) } : {}),
        ...(read.rows === undefined ? {} : { outputRowCount: String(read.rows) }),
      },
    },
  };
}

/** BigQuery stores every result; one that nobody asked to keep in a hidden dataset, whose ID begins with `_`, for a day. */
function anonymousTable(caller: Caller, { projectId, jobId }: QueryRead): TableRef {
  const digest = (text: string): string => createHash("sha1").update(text).digest("hex");
  return { projectId, datasetId: `_${digest(caller.principal)}`, tableId: `anon${digest(jobId)}` };
}

function cut(text: string): string {
  return text.length > MAX_TEXT_CHARACTERS ? text.slice(0, MAX_TEXT_CHARACTERS).toWellFormed() : text;
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
