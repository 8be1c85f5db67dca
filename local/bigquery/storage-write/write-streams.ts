import { randomUUID } from "node:crypto";
import { status } from "@grpc/grpc-js";
import { tablePath } from "../catalog.ts";
import { StatusError } from "./status.ts";
import type { Table, WriteStream } from "../catalog.ts";
import type { TableRef } from "../sql/translate.ts";
import type { Warehouse } from "../warehouse.ts";

const streamPattern = /^projects\/([^/]+)\/datasets\/([^/]+)\/tables\/([^/]+)\/(?:streams\/)?([^/]+)$/;
const tablePattern = /^projects\/([^/]+)\/datasets\/([^/]+)\/tables\/([^/]+)$/;
const DEFAULT_STREAM = "_default";

/** The table that the name of a table or stream begins with, whether it exists or not. @throws {StatusError} INVALID_ARGUMENT */
export function tableOfName(name: string): TableRef {
  const match = streamPattern.exec(name) ?? tablePattern.exec(name);
  const [, projectId = "", datasetId = "", tableId = ""] = match ?? [];
  if (match !== null) return { projectId, datasetId, tableId };
  throw new StatusError(status.INVALID_ARGUMENT, `${JSON.stringify(name)} is not the name of a table or write stream.`);
}

/** Where an append goes. `stream` is undefined for a table's default stream. */
export type Destination = { readonly table: Table; readonly stream: WriteStream | undefined };

/** The explicit streams and how many rows each holds. Owner of the lengths: they move when a request is put into the journal. */
export class WriteStreams {
  readonly #warehouse: Warehouse;
  readonly #lengths: Map<string, number>;

  constructor(warehouse: Warehouse) {
    this.#warehouse = warehouse;
    this.#lengths = warehouse.streamLengths();
  }

  /**
   * The table and stream that a stream's name stands for.
   * @throws {StatusError} INVALID_ARGUMENT, NOT_FOUND
   */
  destination(name: string): Destination {
    const match = streamPattern.exec(name);
    const [, projectId = "", datasetId = "", tableId = "", streamId = ""] = match ?? [];
    if (match === null) {
      throw new StatusError(status.INVALID_ARGUMENT, `${JSON.stringify(name)} is not the name of a write stream.`);
    }
    const table = this.#table({ projectId, datasetId, tableId }, name);
    if (streamId === DEFAULT_STREAM) return { table, stream: undefined };
    const stream = this.#warehouse.catalog.findStream(name);
    if (stream === undefined) {
      throw new StatusError(status.NOT_FOUND, `Requested entity was not found. Entity: ${name}`, {
        code: "STREAM_NOT_FOUND",
        entity: name,
      });
    }
    return { table, stream };
  }

  length(stream: WriteStream): number {
    return this.#lengths.get(stream.name) ?? 0;
  }

  /**
   * Checks the offset that a client gives against the end of the stream.
   * @throws {StatusError} ALREADY_EXISTS, OUT_OF_RANGE
   */
  checkOffset(stream: WriteStream, offset: number): void {
    const end = this.length(stream);
    const entity = stream.name;
    if (offset < end) {
      const message = `The offset is within stream, expected offset ${end}, received ${offset}`;
      throw new StatusError(status.ALREADY_EXISTS, message, { code: "OFFSET_ALREADY_EXISTS", entity });
    }
    if (offset > end) {
      const message = `The offset is beyond stream, expected offset ${end}, received ${offset}`;
      throw new StatusError(status.OUT_OF_RANGE, message, { code: "OFFSET_OUT_OF_RANGE", entity });
    }
  }

  /** Counts rows that are being put into the journal. Returns the offset of the first. */
  extend(stream: WriteStream, rowCount: number): number {
    const offset = this.length(stream);
    this.#lengths.set(stream.name, offset + rowCount);
    return offset;
  }

  /** @throws {StatusError} */
  async create(parent: string, type: string): Promise<WriteStream> {
    const match = tablePattern.exec(parent);
    const [, projectId = "", datasetId = "", tableId = ""] = match ?? [];
    if (match === null)
      throw new StatusError(status.INVALID_ARGUMENT, `${JSON.stringify(parent)} is not the name of a table.`);
    const { ref } = this.#table({ projectId, datasetId, tableId }, parent);
    if (type !== "COMMITTED") {
      const message = `This warehouse has streams of type COMMITTED only, not ${type}: use one, or the default stream.`;
      throw new StatusError(status.UNIMPLEMENTED, message, { code: "INVALID_STREAM_TYPE", entity: parent });
    }
    const name = `${tablePath(ref)}/streams/${randomUUID().replaceAll("-", "")}`;
    const stream: WriteStream = { name, table: ref, createdMs: this.#warehouse.now(), finalized: false };
    await this.#warehouse.change({ kind: "putStream", stream });
    return stream;
  }

  /** No row is appended to the stream after this. Returns how many it holds. */
  async finalize(name: string): Promise<number> {
    const { stream } = this.destination(name);
    if (stream === undefined) throw new StatusError(status.INVALID_ARGUMENT, "A default stream cannot be finalized.");
    await this.#warehouse.change({ kind: "putStream", stream: { ...stream, finalized: true } });
    return this.length(stream);
  }

  #table(ref: TableRef, entity: string): Table {
    const table = this.#warehouse.catalog.findTable(ref);
    if (table === undefined) {
      throw new StatusError(status.NOT_FOUND, `Requested entity was not found. Entity: ${entity}`, {
        code: "TABLE_NOT_FOUND",
        entity,
      });
    }
    if (table.viewQuery !== undefined)
      throw new StatusError(status.INVALID_ARGUMENT, `${entity} is a view: it takes no rows.`);
    return table;
  }
}
