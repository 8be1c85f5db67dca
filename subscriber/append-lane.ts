import { Backoff } from "@indelible/publisher/backoff.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { AppendCall } from "./append-call.ts";
import type { AppendConnection, AppendRowsResponse } from "./append-connection.ts";
import { AppendQueue, type FilledRequest, type Portion } from "./append-queue.ts";
import type { AppendObserver, PendingRow, RefusedRow } from "./appender.ts";

export interface LaneOptions {
  /** Names the table in messages. */
  readonly name: string;
  /** Opens a connection to the table; may reject. */
  readonly connect: () => Promise<AppendConnection>;
  readonly maxInFlightRequests: number;
  /** For each call. */
  readonly deadlineMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly observer: AppendObserver | undefined;
}

/** gRPC's, of google.rpc.Status: among others, the writer schema has a field that the table has not. */
const INVALID_ARGUMENT = 3;

/** The longest pause between two connections, so that what waits meanwhile is tried more than once before its deadline. */
const MAX_BACKOFF_MS = 5_000;

/**
 * The appends of one table. Calls that come while `maxInFlightRequests` are in flight share the next request (natural batching:
 * an idle lane sends at once, a busy one sends more at a time). It owns its queue, its connection and its pauses, and no retries but of
 * rows that BigQuery said it has not written because of others in their request.
 */
export class AppendLane {
  readonly #options: LaneOptions;
  readonly #queue = new AppendQueue();
  readonly #backoff: Backoff;
  #connection: AppendConnection | undefined;
  #connecting = false;
  /** By what each goes: the connection of now, or one that has been retired. */
  readonly #inFlight = new Map<FilledRequest, AppendConnection>();
  #closed = false;
  /** Why the lane last failed, for calls that wait in vain. */
  #lastFailure: unknown;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#backoff = new Backoff(() => this.#pump(), MAX_BACKOFF_MS);
  }

  /** Contract: see `Appender`. */
  append(rows: readonly PendingRow[]): Promise<readonly RefusedRow[]> {
    if (this.#closed) return Promise.reject(this.#notSent("the appender is closed"));
    const { deadlineMs } = this.#options;
    const call = new AppendCall(rows, deadlineMs, () => {
      queueMicrotask(() => this.#queue.prune());
      return new IndelibleError("ERR_DEADLINE", `${this.#place}: not done within ${deadlineMs} ms`, {
        cause: this.#lastFailure,
      });
    });
    this.#queue.add(call);
    this.#pump();
    return call.result;
  }

  /** Rejects whatever is not settled, and takes nothing more. */
  close(): void {
    this.#closed = true;
    this.#backoff.endWait();
    this.#connection?.close("the appender was closed");
    for (const connection of this.#inFlight.values()) connection.close("the appender was closed");
    for (const call of this.#queue.drain()) call.reject(this.#notSent("the appender was closed before"));
  }

  #pump(): void {
    while (!this.#closed && !this.#queue.empty && this.#inFlight.size < this.#maxInFlight) {
      const connection = this.#connection;
      if (connection === undefined || connection.closed) return void this.#connect();
      const request = this.#queue.fill(this.#options.now() * 1000);
      if (request.rows.length > 0) void this.#send(connection, request);
    }
  }

  get #maxInFlight(): number {
    return Math.min(this.#options.maxInFlightRequests, this.#backoff.maxInFlight);
  }

  async #connect(): Promise<void> {
    if (this.#connecting) return;
    this.#connecting = true;
    try {
      this.#connection = await this.#options.connect();
      if (this.#closed) this.#connection.close("the appender was closed");
    } catch (cause) {
      this.#fail(cause);
      const error = new IndelibleError("ERR_APPEND_REFUSED", `${this.#place}: no connection to BigQuery`, {
        cause,
        hint: "The cause says why: usually there are no credentials. The next delivery tries again; no restart is needed.",
      });
      for (const call of this.#queue.drain()) call.reject(error);
    }
    this.#connecting = false;
    this.#pump();
  }

  async #send(connection: AppendConnection, request: FilledRequest): Promise<void> {
    const { observer, name } = this.#options;
    this.#inFlight.set(request, connection);
    observer?.sent(request.bytes);
    const startMs = performance.now();
    let outcome: Outcome;
    try {
      outcome = outcomeOf(await connection.request(request.rows), request.rows.length);
    } catch (error) {
      outcome = { kind: "failed", error };
    }
    observer?.answered(name, request.bytes, performance.now() - startMs, outcome.kind);
    this.#inFlight.delete(request);
    this.#settle(connection, request, outcome);
    this.#pump();
  }

  #settle(connection: AppendConnection, { portions }: FilledRequest, outcome: Outcome): void {
    switch (outcome.kind) {
      case "written":
        this.#backoff.succeed();
        for (const { call, positions } of portions) call.written(positions.length);
        return;
      case "row errors":
        this.#backoff.succeed();
        this.#queue.putBack(refuseRows(portions, outcome.errors));
        return;
      case "refused":
        // A writer schema that is sent again on the same connection is ignored (storage.proto, AppendRowsRequest.rows). What is in flight
        // beside it may have been written, so its answers are waited for.
        if (outcome.malformed) connection.retire();
        return this.#rejectAll(portions, this.#error("ERR_APPEND_REFUSED", outcome.reason));
      case "unintelligible":
        // Then its other answers are not to be trusted either.
        connection.close(outcome.reason);
        return this.#rejectAll(portions, this.#error("ERR_APPEND_OUTCOME_UNKNOWN", outcome.reason));
      case "failed":
        return this.#rejectAll(portions, outcome.error);
    }
  }

  #rejectAll(portions: readonly Portion[], error: unknown): void {
    this.#fail(error);
    for (const { call } of portions) call.reject(error);
  }

  #fail(error: unknown): void {
    this.#lastFailure = error;
    if (!this.#closed) this.#backoff.fail();
  }

  get #place(): string {
    return `append to ${this.#options.name}`;
  }

  #error(code: "ERR_APPEND_REFUSED" | "ERR_APPEND_OUTCOME_UNKNOWN", reason: string): IndelibleError {
    return new IndelibleError(code, `${this.#place}: ${reason}`);
  }

  /** None of the rows is written. */
  #notSent(reason: string): IndelibleError {
    return this.#error("ERR_APPEND_REFUSED", reason);
  }
}

type Outcome =
  | { readonly kind: "written" }
  /** None of the rows is written, because of these: what BigQuery says by index in the request. */
  | { readonly kind: "row errors"; readonly errors: ReadonlyMap<number, string> }
  /** None of the rows is written. `malformed`: the writer schema may be why. */
  | { readonly kind: "refused"; readonly reason: string; readonly malformed: boolean }
  | { readonly kind: "unintelligible"; readonly reason: string }
  | { readonly kind: "failed"; readonly error: unknown };

function outcomeOf(response: AppendRowsResponse, rowCount: number): Outcome {
  const errors = new Map((response.rowErrors ?? []).map(({ index, message }) => [Number(index), message ?? ""]));
  if (errors.size > 0) {
    const known = [...errors.keys()].every((index) => Number.isInteger(index) && index >= 0 && index < rowCount);
    return known
      ? { kind: "row errors", errors }
      : { kind: "unintelligible", reason: `BigQuery found fault with a row that is none of the ${rowCount}` };
  }
  const { error } = response;
  // "If present, it indicates rows were not accepted into the system" (storage.proto, AppendRowsResponse).
  if (error) {
    const reason = `${error.message || "no message"} (gRPC code ${error.code})`;
    return { kind: "refused", reason, malformed: error.code === INVALID_ARGUMENT };
  }
  return response.appendResult ? { kind: "written" } : { kind: "unintelligible", reason: "BigQuery's answer is empty" };
}

/** Tells each call of its rows that were refused, and returns those that were not. */
function refuseRows(portions: readonly Portion[], errors: ReadonlyMap<number, string>): Portion[] {
  const rest: Portion[] = [];
  let index = 0;
  for (const { call, positions } of portions) {
    const good: number[] = [];
    for (const position of positions) {
      const reason = errors.get(index);
      if (reason === undefined) good.push(position);
      else call.refuse({ position, code: "ERR_ROW_REFUSED", reason });
      index += 1;
    }
    if (good.length > 0) rest.push({ call, positions: good });
  }
  return rest;
}
