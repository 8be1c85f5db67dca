/**
 * What `BigQueryAuditMetadata` says of a read. Field by field as googleapis' google/cloud/audit/bigquery_audit_metadata.proto, in the JSON of
 * protobuf: 64-bit numbers are texts, what is empty is missing, and what we do not know is ignored.
 */
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { purposeOf } from "@indelible/schemas/purpose.ts";
import type { logAccessAudit } from "@indelible/schemas/tables/log_access_audit.ts";

export type AccessType = (typeof logAccessAudit.columns.access_type.enum)[number];

/** What was read together: by one job, read session or call. */
export interface Access {
  /** Name of the job or read session; undefined for a single call. */
  readonly by: string | undefined;
  readonly type: AccessType;
  /** Names of tables and views. */
  readonly tables: readonly string[];
  readonly columns?: readonly string[] | undefined;
  readonly statement?: string | undefined;
  readonly destination?: string | undefined;
  readonly rows?: number | undefined;
  readonly bytes?: number | undefined;
  readonly purpose?: string | undefined;
  /** Whether it tells of a whole job, which the records of its single tables do not. */
  readonly whole: boolean;
}

type Json = { readonly [name: string]: unknown };

/** The access that an audit record tells of; undefined when it tells of none. @throws ERR_INVALID_EVENT */
export function accessOf(payload: Json): Access | undefined {
  const metadata = object(payload["metadata"]);
  const read = object(metadata?.["tableDataRead"]);
  if (read !== undefined) return isRefused(payload) ? undefined : readOf(payload, read);
  const change = object(metadata?.["jobChange"]);
  if (change !== undefined) return jobOf(change);
  return text(payload["methodName"])?.endsWith(".CreateReadSession") === true && !isRefused(payload)
    ? sessionOf(payload)
    : undefined;
}

/** The Storage Read API reports its requests as `AuditLog` has them, also without metadata of BigQuery's. */
function sessionOf(payload: Json): Access {
  const request = object(payload["request"]);
  const session = object(request?.["readSession"]) ?? object(payload["response"]);
  const name = [payload["resourceName"], session?.["table"]].find((one) => /\/tables\//.test(text(one) ?? ""));
  return {
    by: text(object(payload["response"])?.["name"]),
    type: "read_session",
    tables: [required(name, "the table of the read session")],
    columns: texts(object(session?.["readOptions"])?.["selectedFields"], "selectedFields"),
    whole: false,
  };
}

/** `status` is empty when the call was answered. */
function isRefused(payload: Json): boolean {
  const code = object(payload["status"])?.["code"];
  return code !== undefined && code !== 0;
}

function readOf({ methodName, resourceName }: Json, read: Json): Access {
  const session = text(read["sessionName"]);
  return {
    by: text(read["jobName"]) ?? session,
    type: typeOfRead(text(read["reason"]), session, text(methodName) ?? ""),
    tables: [required(resourceName, "resourceName")],
    columns: texts(read["fields"], "fields"),
    whole: false,
  };
}

/** A reason that is new to us, or hidden, is told by the method; what cannot be told is a read all the same. */
function typeOfRead(reason: string | undefined, session: string | undefined, method: string): AccessType {
  if (reason === "TABLEDATA_LIST_REQUEST") return "list";
  if (reason === "CREATE_READ_SESSION" || session !== undefined || method.endsWith("ReadSession"))
    return "read_session";
  return method.endsWith("TableDataService.List") && (reason ?? "REASON_UNSPECIFIED") === "REASON_UNSPECIFIED"
    ? "list"
    : "query";
}

function jobOf(change: Json): Access | undefined {
  const job = object(change["job"]);
  const status = object(job?.["jobStatus"]);
  if (change["after"] !== "DONE" && status?.["jobState"] !== "DONE") return undefined;
  const config = object(job?.["jobConfig"]) ?? {};
  const stats = object(job?.["jobStats"]) ?? {};
  const reading = queryOf(config, stats) ?? copyOf(config) ?? exportOf(config, stats);
  if (reading === undefined || reading.tables.length === 0) return undefined;
  // A copy or export that failed has given nothing out; a query that failed has, perhaps, in the text of its error.
  if (reading.type !== "query" && status?.["errorResult"] !== undefined) return undefined;
  const by = required(job?.["jobName"], "jobName");
  return { ...reading, by, purpose: purposeOf(object(config["labels"]) ?? {}), whole: true };
}

type Reading = Omit<Access, "by" | "whole">;

function queryOf(config: Json, stats: Json): Reading | undefined {
  const query = object(config["queryConfig"]);
  if (query === undefined) return undefined;
  const of = object(stats["queryStats"]) ?? {};
  const destination = text(query["destinationTable"]);
  return {
    type: typeOfStatement(text(query["statementType"]) ?? ""),
    tables: [
      ...(texts(of["referencedTables"], "referencedTables") ?? []),
      ...(texts(of["referencedViews"], "referencedViews") ?? []),
    ],
    statement: text(query["query"]),
    destination: destination === undefined || isAnonymous(destination) ? undefined : destination,
    rows: count(of["outputRowCount"]),
    bytes: count(of["totalProcessedBytes"]),
  };
}

function typeOfStatement(statementType: string): AccessType {
  if (statementType === "EXPORT_DATA") return "export";
  return statementType === "CREATE_SNAPSHOT_TABLE" ? "copy" : "query";
}

function copyOf(config: Json): Reading | undefined {
  const copy = object(config["tableCopyConfig"]);
  if (copy === undefined) return undefined;
  const sources = texts(copy["sourceTables"], "sourceTables") ?? [];
  return { type: "copy", tables: sources, destination: text(copy["destinationTable"]) };
}

function exportOf(config: Json, stats: Json): Reading | undefined {
  const source = object(config["extractConfig"]);
  const table = text(source?.["sourceTable"]);
  if (source === undefined || table === undefined) return undefined;
  const bytes = count(object(stats["extractStats"])?.["totalInputBytes"]);
  const destination = texts(source["destinationUris"], "destinationUris")?.join(" ");
  return { type: "export", tables: [table], destination, bytes };
}

export interface TableReference {
  readonly projectId: string;
  readonly datasetId: string;
  /** Without a partition or a point in time, which stand behind `$` and `@`. */
  readonly tableId: string;
}

/** @throws ERR_INVALID_EVENT */
export function tableReference(name: string): TableReference {
  const [, projectId, datasetId, tableId] = /^projects\/([^/]+)\/datasets\/([^/]+)\/tables\/([^/$@]+)/.exec(name) ?? [];
  if (projectId === undefined || datasetId === undefined || tableId === undefined) {
    throw misfit("the name of a table is not projects/P/datasets/D/tables/T");
  }
  return { projectId, datasetId, tableId };
}

/** Whether it is the result of a query that nobody asked to keep: the query has told what was read. */
export function isAnonymous(name: string): boolean {
  return /^projects\/[^/]+\/datasets\/_/.test(name);
}

export function object(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

export function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** @throws ERR_INVALID_EVENT */
export function required(value: unknown, name: string): string {
  const found = text(value);
  if (found === undefined) throw misfit(`${name} is missing`);
  return found;
}

function texts(value: unknown, name: string): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value as readonly string[];
  throw misfit(`${name} is not a list of texts`);
}

/** A number that a column can hold; what is beyond is not told, because a wrong number is worse than none. */
function count(value: unknown): number | undefined {
  const number = typeof value === "string" && /^\d{1,19}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

export function misfit(detail: string): IndelibleError {
  return new IndelibleError("ERR_INVALID_EVENT", `the record of BigQuery's audit log cannot be understood: ${detail}`);
}
