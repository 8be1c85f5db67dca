import type { Caller, RequestOrigin } from "../access/caller.ts";
import type { TableRef } from "../sql/translate.ts";

export type QueryRead = {
  readonly kind: "query";
  readonly jobId: string;
  readonly projectId: string;
  readonly location: string;
  readonly query: string;
  /** BigQuery's word for what the statement does. Default: SELECT. */
  readonly statementType?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Tables that were read, those behind views too, each once. */
  readonly tables: readonly TableRef[];
  /** Views that they were read by, each once. */
  readonly views: readonly TableRef[];
  /** Where the result was stored, if it was. */
  readonly destination?: TableRef | undefined;
  readonly createdMs: number;
  readonly startMs: number;
  readonly endMs: number;
  /** Rows of the result, where they are known. */
  readonly rows?: number | undefined;
  /** Of a job that failed after it had begun to read: an error may quote what it read. */
  readonly failure?: string | undefined;
};

/** One read of data: what the audit log says of it, apart from who. Times are milliseconds since 1970. */
export type ReadRecord =
  | QueryRead
  | {
      readonly kind: "list";
      readonly table: TableRef;
      readonly fields: readonly string[];
      readonly atMs: number;
    }
  | {
      readonly kind: "read_session";
      /** `projects/P/locations/L/sessions/S` */
      readonly session: string;
      readonly table: TableRef;
      readonly fields: readonly string[];
      readonly atMs: number;
    };

/** Told of every read before its first row is given out. */
export interface ReadRecorder {
  /** Resolves when the record is durable. When it rejects, the read is refused: nothing is read without a record. */
  record(caller: Caller, origin: RequestOrigin, read: ReadRecord): Promise<void>;
}

/** For a warehouse that nobody audits. */
export const noRecorder: ReadRecorder = { record: () => Promise.resolve() };
