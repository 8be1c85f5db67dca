/** What identifies a record of Cloud Audit Logs, and the entries of `log_access_audit` that are made of it. */
import { derivedId } from "./entry.ts";

/** A `LogEntry` of Cloud Logging, as far as its identity goes. */
interface LogEntryIdentity {
  readonly logName?: unknown;
  readonly timestamp?: unknown;
  readonly insertId: string;
}

/** Whether a parsed JSON value is a `LogEntry` and no event of a table: no table has such columns. */
export function isLogEntry(value: unknown): value is LogEntryIdentity {
  return (
    typeof value === "object" &&
    value !== null &&
    "insertId" in value &&
    typeof value.insertId === "string" &&
    "logName" in value
  );
}

/**
 * The `log_id` of what is told of the n-th table of a `LogEntry`. Cloud Logging takes two entries of one log with the same time and `insertId`
 * for one, and so do we: delivered again, or published again by another message, it is a duplicate.
 */
export function accessLogId({ logName, timestamp, insertId }: LogEntryIdentity, position: number): string {
  return derivedId("access", JSON.stringify([logName, timestamp, insertId]), position);
}

/** The `access_id` of what one job, read session or call read of one table, whichever record tells of it. */
export function accessIdOf(source: string, table: string): string {
  return derivedId("access-of", JSON.stringify([source, table]));
}
