import { canonicalize } from "@indelible/schemas/canonical.ts";
import { cut } from "@indelible/schemas/canonicalizer.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { accessIdOf, accessLogId, isLogEntry } from "@indelible/schemas/log-entry.ts";
import type { Event } from "@indelible/schemas/tables.ts";
import { logAccessAudit } from "@indelible/schemas/tables/log_access_audit.ts";
import { parseTimestamp } from "@indelible/schemas/timestamp.ts";
import { accessOf, isAnonymous, misfit, object, required, tableReference, text } from "./audit-metadata.ts";
import type { Decoded, Fault } from "./decode.ts";
import type { Message } from "./message.ts";
import { faultOf } from "./validate.ts";

/** Lines in the words of their table with what they weigh, and how many of the message's were none of its business. */
export interface Translated extends Decoded {
  readonly ignored: number;
}

/** Cloud Logging takes entries of up to 256 KB, and splits longer ones of the audit log. */
const MAX_CHARACTERS = 1024 * 1024;
/** BigQuery's own limit for a query. */
const MAX_TABLES = 1_000;
/** BigQuery cuts a statement at 50,000; it stands in each of the entries. */
const MAX_STATEMENT = 65_536;

/**
 * Puts a record of BigQuery's audit log, a `LogEntry`, into the words of `log_access_audit`: a line for each table that was read. What tells of
 * no read is ignored. A record that cannot be understood is added to `faults` as it came.
 *
 * Everything in a line comes from the record, so that the same record gives the same entries, however often and by whatever message it comes.
 */
export function accessLines(message: Message, { lines: records, bytes }: Decoded, faults: Fault[]): Translated {
  const [record] = records;
  if (record === undefined) return { lines: records, bytes, ignored: 0 };
  try {
    if (records.length > 1) throw misfit("a message holds one record");
    const events = accessEvents(record.text);
    const lines = events.map((event, index) => ({ index, text: canonicalize(event) }));
    const characters = lines.reduce((sum, { text }) => sum + text.length, 0);
    return { lines, bytes: bytes + characters, ignored: events.length === 0 ? 1 : 0 };
  } catch (error) {
    // The whole message, without an index: those are the events' of the record.
    faults.push({ ...faultOf(0, "", error), index: undefined, data: message.data });
    return { lines: [], bytes, ignored: 0 };
  }
}

/** The events that a `LogEntry` tells of. @throws ERR_NOT_JSON, ERR_INVALID_EVENT, ERR_TOO_LARGE */
export function accessEvents(json: string): Event[] {
  if (json.length > MAX_CHARACTERS)
    throw new IndelibleError("ERR_TOO_LARGE", `a record of ${json.length} characters is none of Cloud Logging's`);
  const entry = object(parse(json));
  if (entry === undefined) throw misfit("it is not a JSON object");
  const payload = object(entry["protoPayload"]);
  const access = payload === undefined ? undefined : accessOf(payload);
  if (payload === undefined || access === undefined) return [];
  if (!isLogEntry(entry)) throw misfit("insertId or logName is missing");
  const names = [...new Set(access.tables)].filter((name) => !isAnonymous(name));
  if (names.length > MAX_TABLES) throw new IndelibleError("ERR_TOO_LARGE", `the record names ${names.length} tables`);
  const accessedAt = timeOf(required(entry.timestamp, "timestamp"));
  const request = object(payload["requestMetadata"]);
  return names.map((name, position) => {
    const { projectId, datasetId, tableId } = tableReference(name);
    const plainName = `projects/${projectId}/datasets/${datasetId}/tables/${tableId}`;
    return withoutGaps({
      log_id: accessLogId(entry, position),
      // Of a whole job none, so that it counts as logged when it was published, after the records of its tables: what it says of them holds.
      logged_at: access.whole ? undefined : accessedAt,
      access_id: accessIdOf(access.by ?? entry.insertId, plainName),
      accessed_at: accessedAt,
      principal: fit("principal", principalOf(payload)),
      caller_ip: fit("caller_ip", text(request?.["callerIp"]) ?? text(request?.["callerIP"])),
      caller_user_agent: fit("caller_user_agent", text(request?.["callerSuppliedUserAgent"])),
      access_type: access.type,
      project_id: fit("project_id", projectId),
      dataset_id: fit("dataset_id", datasetId),
      table_id: fit("table_id", tableId),
      columns_read: access.columns?.filter((column) => column !== "").map((column) => fitting(column, 1024)),
      statement: access.statement === undefined ? undefined : fitting(access.statement, MAX_STATEMENT),
      destination: fit("destination", access.destination),
      job_id: fit("job_id", access.by),
      rows_read: access.rows,
      bytes_read: access.bytes,
      purpose: fit("purpose", access.purpose),
    });
  });
}

/** BigQuery hides who read in another organization's project, and names some by a subject instead of an address. */
function principalOf(payload: { readonly [name: string]: unknown }): string {
  const authentication = object(payload["authenticationInfo"]);
  return text(authentication?.["principalEmail"]) ?? text(authentication?.["principalSubject"]) ?? "unknown";
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new IndelibleError("ERR_NOT_JSON", "the record of BigQuery's audit log is not JSON", { cause });
  }
}

function timeOf(timestamp: string): string {
  if (parseTimestamp(timestamp) === undefined) throw misfit("timestamp is none");
  return timestamp;
}

type TextColumn =
  | "principal"
  | "caller_ip"
  | "caller_user_agent"
  | "project_id"
  | "dataset_id"
  | "table_id"
  | "destination"
  | "job_id"
  | "purpose";

/** `value` as its column takes it. */
function fit(column: TextColumn, value: string | undefined): string | undefined {
  return value === undefined ? undefined : fitting(value, logAccessAudit.columns[column].maxLength);
}

/** At most `maxLength` code points, the last one an ellipsis when anything was cut. */
function fitting(value: string, maxLength: number): string {
  const text = value.toWellFormed();
  return cut(text, maxLength) === text ? text : `${cut(text, maxLength - 1)}…`;
}

function withoutGaps(event: Event): Event {
  return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined));
}
