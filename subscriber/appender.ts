import type { v1 } from "@google-cloud/bigquery-storage";
import { withDeadline } from "@indelible/publisher/deadline.ts";
import type { ErrorCode } from "@indelible/schemas/errors.ts";
import { descriptorOf } from "@indelible/schemas/protobuf.ts";
import { tables, type TableName } from "@indelible/schemas/tables.ts";
import { openConnection, type AppendConnection } from "./append-connection.ts";
import { AppendLane } from "./append-lane.ts";

/** Encodes a row for an append attempt that is made at `ingestedAt`, in microseconds since 1970. */
export type PendingRow = (ingestedAt: number) => Uint8Array;

/** A row that BigQuery will never take: its position among the rows of the call, and why. */
export interface RefusedRow {
  readonly position: number;
  readonly code: Extract<ErrorCode, "ERR_ROW_REFUSED" | "ERR_TOO_LARGE">;
  readonly reason: string;
}

/**
 * Appends rows to BigQuery, the rows of concurrent calls in common requests.
 *
 * `append` resolves when every row of the call is either durable in BigQuery or among the refused rows that it resolves to.
 * It rejects with a retryable error. With ERR_APPEND_OUTCOME_UNKNOWN (the stream broke, or the table's schema changed) and ERR_DEADLINE
 * any number of the rows may be written. With ERR_APPEND_REFUSED (BigQuery refused a request as a whole, or there was no connection to send it
 * by) those of that request are not written; a call that began in the request before may have rows there.
 *
 * It sends nothing twice but rows of which BigQuery said that they are not written because of others: retries are the caller's,
 * or Pub/Sub's. It settles within twice `deadlineMs`, whatever BigQuery does. What waits here is bounded by whoever calls (see `Admission`).
 */
export interface Appender {
  append(table: TableName, rows: readonly PendingRow[]): Promise<readonly RefusedRow[]>;
  /** Rejects whatever is not settled and closes every connection. */
  close(): Promise<void>;
}

/** Told of every request. */
export interface AppendObserver {
  sent(bytes: number): void;
  answered(
    table: string,
    bytes: number,
    durationMs: number,
    outcome: "written" | "row errors" | "refused" | "unintelligible" | "failed",
  ): void;
}

export interface AppenderOptions {
  /**
   * Makes a client. One that cannot be initialized (no credentials, say) is thrown away, and the next append makes another.
   */
  readonly createClient: () => v1.BigQueryWriteClient;
  readonly projectId: string;
  readonly datasetId: string;
  /**
   * Milliseconds until a request without an answer ends its connection. Default 20,000: a call, which may have to wait for a request before it,
   * is rejected after twice that, within the acknowledgement deadline of the push subscriptions, 60 s.
   */
  readonly deadlineMs?: number;
  /**
   * Requests that may be in flight for each table, each of at most 9 MiB. Default 1: more were no faster (bench/RESULTS.md),
   * because what waits shares the next one.
   */
  readonly maxInFlightRequests?: number;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
  readonly observer?: AppendObserver;
  /** The writer's token, of a local warehouse. Default: none. */
  readonly token?: string | undefined;
}

/** An appender over the `_default` streams, one connection a table, opened when first needed. */
export function storageWriteAppender(options: AppenderOptions): Appender {
  const {
    projectId,
    datasetId,
    deadlineMs = 20_000,
    maxInFlightRequests = 1,
    now = Date.now,
    observer,
    token,
  } = options;
  const clients = new WriteClients(options.createClient, deadlineMs);
  const lanes = new Map<TableName, AppendLane>();

  async function connect(table: TableName): Promise<AppendConnection> {
    const client = await clients.initialized();
    const writeStream = `projects/${projectId}/datasets/${datasetId}/tables/${table}/streams/_default`;
    return openConnection({ client, writeStream, descriptor: descriptorOf(tables[table]), deadlineMs, token });
  }

  function laneOf(table: TableName): AppendLane {
    let lane = lanes.get(table);
    if (lane === undefined) {
      const connectLane = (): Promise<AppendConnection> => connect(table);
      lane = new AppendLane({
        name: table,
        connect: connectLane,
        maxInFlightRequests,
        deadlineMs: 2 * deadlineMs,
        now,
        observer,
      });
      lanes.set(table, lane);
    }
    return lane;
  }

  return {
    append(table, rows) {
      return rows.length === 0 ? Promise.resolve([]) : laneOf(table).append(rows);
    },
    async close() {
      for (const lane of lanes.values()) lane.close();
      await clients.close();
    },
  };
}

/** The client that all connections share. */
class WriteClients {
  readonly #create: () => v1.BigQueryWriteClient;
  readonly #deadlineMs: number;
  #opening: Promise<v1.BigQueryWriteClient> | undefined;
  #client: v1.BigQueryWriteClient | undefined;

  constructor(create: () => v1.BigQueryWriteClient, deadlineMs: number) {
    this.#create = create;
    this.#deadlineMs = deadlineMs;
  }

  initialized(): Promise<v1.BigQueryWriteClient> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }

  async #open(): Promise<v1.BigQueryWriteClient> {
    const client = this.#create();
    await withDeadline(client.initialize(), this.#deadlineMs, "setting up Google's client", false);
    this.#client = client;
    return client;
  }
}
