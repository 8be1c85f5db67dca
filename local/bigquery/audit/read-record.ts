import type { Caller, RequestOrigin } from "../access/caller.ts";
import type { TableRef } from "../sql/translate.ts";

/** One read of data: what the audit log says of it, apart from who. Times are milliseconds since 1970. */
export type ReadRecord =
  | {
      readonly kind: "query";
      readonly jobId: string;
      readonly projectId: string;
      readonly query: string;
      readonly labels: Readonly<Record<string, string>>;
      /** Tables and views that the statement names, each once. */
      readonly tables: readonly TableRef[];
      /** Where the result was stored, if it was. */
      readonly destination?: TableRef | undefined;
      readonly startMs: number;
      readonly endMs: number;
      readonly rows: number;
    }
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
