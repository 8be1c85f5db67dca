import { once } from "node:events";
import { status } from "@grpc/grpc-js";
import { demandStorage } from "../access/call.ts";
import { isAdmin } from "../access/demand.ts";
import { parseMessageType } from "../message-type.ts";
import { failAppend } from "./append-faults.ts";
import { StatusError, rpcStatus, toStatusError } from "./status.ts";
import { storageSchema } from "./storage-schema.ts";
import { tableOfName } from "./write-streams.ts";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { Caller } from "../access/caller.ts";
import type { Warehouse } from "../warehouse.ts";
import type { AppendFault, WarehouseFaults } from "./append-faults.ts";
import type { AppendRequest, AppendResponse, RowError } from "./wire.ts";
import type { Destination, WriteStreams } from "./write-streams.ts";

/** "must be less than 10 MB", says the API; clients that keep to 9 MiB are safe with either reading. */
export const MAX_REQUEST_BYTES: number = 10 * 1024 * 1024;
/** Responses that one connection may be behind with, before its next request is read. */
const MAX_IN_FLIGHT = 1000;
const MAX_ROW_ERRORS = 1000;

/** What a request is answered with; `response` may still wait for the disk. */
export type AppendReply = { readonly response: AppendResponse | Promise<AppendResponse> };

export type AppendCall = ServerDuplexStream<AppendRequest, AppendResponse>;

/**
 * One AppendRows connection: requests are taken one by one, and answered in the same order, each when its rows are on
 * disk. What is wrong with one request is in its response; what is wrong with the conversation ends the connection,
 * after the responses to everything before it.
 */
export class AppendConnection {
  readonly #call: AppendCall;
  readonly #caller: Caller;
  readonly #warehouse: Warehouse;
  readonly #streams: WriteStreams;
  readonly #faults: WarehouseFaults | undefined;
  readonly #closed = new AbortController();
  #streamName = "";
  #descriptorId: number | undefined;
  #inFlight = 0;
  #lastResponse: Promise<void> = Promise.resolve();

  constructor(
    call: AppendCall,
    caller: Caller,
    warehouse: Warehouse,
    streams: WriteStreams,
    faults: WarehouseFaults | undefined,
  ) {
    this.#call = call;
    this.#caller = caller;
    this.#warehouse = warehouse;
    this.#streams = streams;
    this.#faults = faults;
    for (const event of ["close", "cancelled", "error"]) call.on(event, () => this.#closed.abort());
  }

  /** Resolves when the connection is over; what went wrong has been told to the client. */
  async run(): Promise<void> {
    try {
      for await (const request of this.#call.iterator({ destroyOnReturn: false })) {
        const { response } = await this.#accept(request as AppendRequest);
        this.#inFlight++;
        this.#lastResponse = this.#write(response, this.#lastResponse);
        if (this.#inFlight >= MAX_IN_FLIGHT) await this.#lastResponse;
      }
      await this.#lastResponse;
      this.#call.end();
    } catch (error) {
      await this.#lastResponse;
      if (this.#closed.signal.aborted) return;
      const { code, message } = toStatusError(error, this.#streamName);
      this.#call.emit("error", Object.assign(new Error(message), { code, details: message }));
    }
  }

  /** Takes a request as far as the journal's queue. */
  async #accept(request: AppendRequest): Promise<AppendReply> {
    if (request.byteSize > MAX_REQUEST_BYTES) {
      const message = `AppendRows request too large: ${request.byteSize} limit ${MAX_REQUEST_BYTES}`;
      throw new StatusError(status.INVALID_ARGUMENT, message);
    }
    const descriptorId = this.#follow(request);
    this.#streams.destination(this.#streamName);
    const { rows, offset } = request;
    if (rows === undefined) throw new StatusError(status.INVALID_ARGUMENT, "The request has no rows.");
    const fault = this.#faults?.at("appendRows");
    if (fault !== undefined) return this.#fail(fault, rows, offset, descriptorId);
    return this.#store(rows, offset, descriptorId);
  }

  async #store(rows: Uint8Array, offset: number | undefined, descriptorId: number): Promise<AppendReply> {
    const bytes = rows.byteLength;
    try {
      await this.#warehouse.admit(bytes);
    } catch (error) {
      return this.#refuse(new StatusError(status.RESOURCE_EXHAUSTED, (error as Error).message));
    }
    try {
      return this.#append(rows, offset, descriptorId);
    } catch (error) {
      this.#warehouse.release(bytes);
      return this.#refuse(toStatusError(error, this.#streamName));
    }
  }

  async #fail(
    fault: AppendFault,
    rows: Uint8Array,
    offset: number | undefined,
    descriptorId: number,
  ): Promise<AppendReply> {
    const { schema } = this.#streams.destination(this.#streamName).table;
    return failAppend(fault, {
      writeStream: this.#streamName,
      rowCount: () => this.#warehouse.decode(schema, descriptorId, rows).rowCount,
      updatedSchema: () => storageSchema(schema),
      store: () => this.#store(rows, offset, descriptorId),
      closed: this.#closed.signal,
    });
  }

  /** Which stream, and which writer schema, from this request on. Returns the number of the latter. */
  #follow({ writeStream, writerSchema, isArrow }: AppendRequest): number {
    if (isArrow) throw new StatusError(status.UNIMPLEMENTED, "This warehouse takes proto_rows, not arrow_rows.");
    if (writeStream !== "" && writeStream !== this.#streamName) {
      demandStorage(this.#caller, "TABLES_UPDATE_DATA", tableOfName(writeStream));
      this.#streamName = writeStream;
      this.#descriptorId = undefined;
    }
    if (this.#streamName === "") {
      throw new StatusError(status.INVALID_ARGUMENT, "The first request of a connection must name its write_stream.");
    }
    if (writerSchema !== undefined) this.#descriptorId = this.#readWriterSchema(writerSchema);
    if (this.#descriptorId !== undefined) return this.#descriptorId;
    const message = "The first request of a connection, and the first to another stream, must have a writer_schema.";
    throw new StatusError(status.INVALID_ARGUMENT, message);
  }

  #readWriterSchema(writerSchema: Uint8Array): number {
    try {
      this.#refuseChanges(writerSchema);
      return this.#warehouse.descriptorId(writerSchema);
    } catch (error) {
      if (error instanceof StatusError) throw error;
      throw new StatusError(status.INVALID_ARGUMENT, `Invalid proto schema: ${(error as Error).message}`);
    }
  }

  /** By these columns BigQuery takes rows that change or delete others, in tables with a primary key: ours have none, so that nobody can. */
  #refuseChanges(writerSchema: Uint8Array): void {
    const { fields } = parseMessageType(writerSchema);
    const column = fields.find(({ name }) => /^_CHANGE_(?:TYPE|SEQUENCE_NUMBER)$/i.test(name))?.name;
    if (column === undefined) return;
    const { projectId, datasetId, tableId } = tableOfName(this.#streamName);
    const table = `projects/${projectId}/datasets/${datasetId}/tables/${tableId}`;
    if (!isAdmin(this.#caller)) {
      const message = `Permission 'TABLES_UPDATE_DATA' denied on resource '${table}' for rows with ${column}: this table is append-only.`;
      throw new StatusError(status.PERMISSION_DENIED, message);
    }
    const message = `The writer schema has ${column}, which takes a table with a primary key: ${table} has none.`;
    throw new StatusError(status.INVALID_ARGUMENT, message);
  }

  #append(rows: Uint8Array, offset: number | undefined, descriptorId: number): AppendReply {
    const streamName = this.#streamName;
    const destination = this.#streams.destination(streamName);
    const { table, stream } = destination;
    this.#checkStream(destination, offset);
    const decoded = this.#warehouse.decode(table.schema, descriptorId, rows);
    if (decoded.failures.length > 0) {
      this.#warehouse.release(rows.byteLength);
      const rowErrors = decoded.failures
        .slice(0, MAX_ROW_ERRORS)
        .map(({ index, message }): RowError => ({ index, code: "FIELDS_ERROR", message }));
      const message = `Errors found while processing rows. Please refer to the row_errors field for details. The list may not be complete because of the size limitations. Entity: ${streamName}`;
      return this.#refuse(new StatusError(status.INVALID_ARGUMENT, message), rowErrors);
    }
    const { rowCount } = decoded;
    const entry = { kind: "rows", table: table.ref, descriptorId, stream: stream?.name, rowCount, rows } as const;
    const stored = this.#warehouse.append(entry, table, decoded);
    const appendResult = stream === undefined ? {} : { offset: { value: this.#streams.extend(stream, rowCount) } };
    return { response: this.#acknowledge(stored, { appendResult, writeStream: streamName }) };
  }

  async #acknowledge(stored: Promise<void>, response: AppendResponse): Promise<AppendResponse> {
    try {
      await stored;
      return response;
    } catch (error) {
      const { writeStream } = response;
      return { error: rpcStatus(toStatusError(error, writeStream)), writeStream };
    }
  }

  #checkStream({ stream }: Destination, offset: number | undefined): void {
    if (stream === undefined) {
      if (offset === undefined) return;
      throw new StatusError(status.INVALID_ARGUMENT, "An offset cannot be given for the default stream.");
    }
    if (stream.finalized) {
      const detail = { code: "STREAM_FINALIZED", entity: stream.name } as const;
      throw new StatusError(status.INVALID_ARGUMENT, `Stream ${stream.name} has been finalized.`, detail);
    }
    if (offset !== undefined) this.#streams.checkOffset(stream, offset);
  }

  #refuse(error: StatusError, rowErrors: readonly RowError[] = []): AppendReply {
    return { response: { error: rpcStatus(error), rowErrors, writeStream: this.#streamName } };
  }

  async #write(response: AppendReply["response"], previous: Promise<void>): Promise<void> {
    await previous;
    const message = await response;
    this.#inFlight--;
    if (this.#closed.signal.aborted || this.#call.write(message)) return;
    await once(this.#call, "drain", { signal: this.#closed.signal }).catch(() => undefined);
  }
}
