import type { v1 } from "@google-cloud/bigquery-storage";
import { IndelibleError, type ErrorCode } from "@indelible/schemas/errors.ts";
import { descriptorOf } from "@indelible/schemas/protobuf.ts";
import { tables, type TableName } from "@indelible/schemas/tables.ts";
import { openConnection, type AppendConnection, type AppendRowsResponse } from "./append-connection.ts";

/** Encodes a row for an append attempt that is made at `ingestedAt`, in microseconds since 1970. */
export type PendingRow = (ingestedAt: number) => Uint8Array;

/** A row that BigQuery will never take: its position among the rows of the call, and why. */
export interface RefusedRow {
  readonly position: number;
  readonly code: Extract<ErrorCode, "ERR_ROW_REFUSED" | "ERR_TOO_LARGE">;
  readonly reason: string;
}

/**
 * Appends rows to BigQuery.
 *
 * `append` resolves when every row of the call is either durable in BigQuery or among the refused rows that it resolves to.
 * It rejects with a retryable error: ERR_APPEND_OUTCOME_UNKNOWN or ERR_DEADLINE (any number of the rows may be written),
 * ERR_APPEND_REFUSED (those of the failed request are not), ERR_QUEUE_FULL (none is). It never retries a request whose
 * outcome is unknown: the caller does, or Pub/Sub. It settles within the deadline for each request that it needs.
 */
export interface Appender {
  append(table: TableName, rows: readonly PendingRow[]): Promise<readonly RefusedRow[]>;
  /** Rejects what is in flight and closes every connection. */
  close(): Promise<void>;
}

export interface AppenderOptions {
  readonly client: v1.BigQueryWriteClient;
  readonly projectId: string;
  readonly datasetId: string;
  /** Milliseconds until a request without an answer is given up. Default 30,000. */
  readonly deadlineMs?: number;
  /** Bytes of rows in flight over all tables, above which `append` rejects with ERR_QUEUE_FULL. Default 128 MiB. */
  readonly maxInFlightBytes?: number;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

/** BigQuery's own limit is 10 MB a request, its envelope included. */
const MAX_REQUEST_BYTES = 9 * 1024 * 1024;

/** gRPC codes with which BigQuery says that a request was not carried out, and would not be if sent again as it is. */
const REFUSALS = new Set([
  3 /* INVALID_ARGUMENT */, 5 /* NOT_FOUND */, 7 /* PERMISSION_DENIED */, 9 /* FAILED_PRECONDITION */,
]);

interface WaitingRow {
  readonly position: number;
  readonly encode: PendingRow;
}

/** An appender over the `_default` streams, one connection a table, opened when first needed. */
export function storageWriteAppender(options: AppenderOptions): Appender {
  const { client, projectId, datasetId, deadlineMs = 30_000, maxInFlightBytes = 128 * 1024 * 1024 } = options;
  const now = options.now ?? Date.now;
  const connections = new Map<TableName, AppendConnection>();
  let inFlightBytes = 0;

  function connectionTo(table: TableName): AppendConnection {
    const open = connections.get(table);
    if (open !== undefined && !open.closed) return open;
    const writeStream = `projects/${projectId}/datasets/${datasetId}/tables/${table}/streams/_default`;
    const connection = openConnection({ client, writeStream, descriptor: descriptorOf(tables[table]), deadlineMs });
    connections.set(table, connection);
    return connection;
  }

  async function send(table: TableName, rows: readonly Uint8Array[]): Promise<RowErrors> {
    const bytes = rows.reduce((sum, row) => sum + row.length, 0);
    if (inFlightBytes > 0 && inFlightBytes + bytes > maxInFlightBytes) {
      throw new IndelibleError("ERR_QUEUE_FULL", `${inFlightBytes} of ${maxInFlightBytes} bytes are being appended`);
    }
    inFlightBytes += bytes;
    try {
      return rowErrorsOf(await connectionTo(table).request(rows), table, rows.length);
    } finally {
      inFlightBytes -= bytes;
    }
  }

  return {
    async append(table, rows) {
      const refused: RefusedRow[] = [];
      let waiting: readonly WaitingRow[] = rows.map((encode, position) => ({ position, encode }));
      while (waiting.length > 0) {
        const request = fill(waiting, now() * 1000, refused);
        const errors: RowErrors = request.rows.length === 0 ? new Map() : await send(table, request.encoded);
        for (const [index, reason] of errors) {
          refused.push({ position: (request.rows[index] as WaitingRow).position, code: "ERR_ROW_REFUSED", reason });
        }
        // A request with a bad row writes none of its rows, so the good ones go again.
        const again = errors.size === 0 ? [] : request.rows.filter((_, index) => !errors.has(index));
        waiting = [...again, ...waiting.slice(request.taken)];
      }
      return refused;
    },
    async close() {
      for (const connection of connections.values()) connection.close();
      connections.clear();
      await client.close();
    },
  };
}

/** As many of the waiting rows as fit into a request. A row that fits into none is refused. */
function fill(
  waiting: readonly WaitingRow[],
  ingestedAt: number,
  refused: RefusedRow[],
): { rows: WaitingRow[]; encoded: Uint8Array[]; taken: number } {
  const rows: WaitingRow[] = [];
  const encoded: Uint8Array[] = [];
  let bytes = 0;
  let taken = 0;
  for (const row of waiting) {
    const bytesOfRow = row.encode(ingestedAt);
    if (bytesOfRow.length > MAX_REQUEST_BYTES) {
      const reason = `the row has ${bytesOfRow.length} bytes, the most is ${MAX_REQUEST_BYTES}`;
      refused.push({ position: row.position, code: "ERR_TOO_LARGE", reason });
    } else {
      bytes += bytesOfRow.length;
      if (bytes > MAX_REQUEST_BYTES) break;
      rows.push(row);
      encoded.push(bytesOfRow);
    }
    taken += 1;
  }
  return { rows, encoded, taken };
}

/** Index of a bad row in its request, and what BigQuery says of it. */
type RowErrors = ReadonlyMap<number, string>;

function rowErrorsOf(response: AppendRowsResponse, table: TableName, rowCount: number): RowErrors {
  const errors = new Map((response.rowErrors ?? []).map(({ index, message }) => [Number(index), message ?? ""]));
  if (errors.size > 0 && [...errors.keys()].every((index) => index >= 0 && index < rowCount)) return errors;
  const { error } = response;
  if (error === null || error === undefined) return errors;
  const refusal = REFUSALS.has(Number(error.code));
  throw new IndelibleError(
    refusal ? "ERR_APPEND_REFUSED" : "ERR_APPEND_OUTCOME_UNKNOWN",
    `append to ${table}: ${error.message ?? "no message"} (gRPC code ${error.code})`,
  );
}
