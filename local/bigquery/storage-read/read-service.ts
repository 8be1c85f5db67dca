import { status } from "@grpc/grpc-js";
import { callerOfCall, grpcError, originOfCall, unaryFor } from "../access/call.ts";
import { tableName, tablePath } from "../catalog.ts";
import { Slots } from "../query/slots.ts";
import { StatusError } from "../storage-write/status.ts";
import { arrowSchema } from "./arrow-schema.ts";
import { serializeSchema } from "./arrow-messages.ts";
import { ReadSessions, SEGMENT_ROWS, sessionName, streamName } from "./read-sessions.ts";
import { sendRows } from "./read-rows.ts";
import { ROW_NUMBER, explainRestriction, restrictedRows } from "./restriction.ts";
import { parseSessionRequest, selectFields } from "./session-request.ts";
import type { ServerUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Caller } from "../access/caller.ts";
import type { Policy } from "../access/policy.ts";
import type { ReadRecorder } from "../audit/read-record.ts";
import type { Table } from "../catalog.ts";
import type { TableRef } from "../sql/translate.ts";
import type { Warehouse } from "../warehouse.ts";
import type { ReadCall } from "./read-rows.ts";
import type { ReadSession } from "./read-sessions.ts";
import type { CreateSessionRequest, SessionMessage, SplitRequest } from "./wire.ts";

export type ReadServiceOptions = {
  /** Who may do what. */
  readonly policy: Policy;
  /** Told of each session before it is given out. */
  readonly recorder: ReadRecorder;
};

const CATCH_UP_DEADLINE_MS = 60_000;
/** Queries hold two of libuv's four threads and the index one. Batches are short, so that several readers take turns. */
const CONCURRENT_READS = 1;
const MAX_WAITING_READS = 1000;

/** The handlers of `BigQueryRead`. */
export function readHandlers(warehouse: Warehouse, options: ReadServiceOptions): UntypedServiceImplementation {
  const { policy, recorder } = options;
  const service = new ReadService(warehouse, recorder);
  const unary = unaryFor(policy);
  return {
    CreateReadSession: unary((request: CreateSessionRequest, caller, call) => service.create(request, caller, call)),
    ReadRows: (call: ReadCall) => {
      // The call ends with an error also when its client goes, and that is nobody's business.
      call.on("error", () => undefined);
      service.read(call, policy).then(
        () => call.end(),
        (error: unknown) => call.emit("error", grpcError(error)),
      );
    },
    SplitReadStream: unary((request: SplitRequest, caller) => service.split(request, caller)),
  };
}

class ReadService {
  readonly #warehouse: Warehouse;
  readonly #recorder: ReadRecorder;
  readonly #sessions: ReadSessions;
  readonly #slots = new Slots(CONCURRENT_READS, MAX_WAITING_READS);

  constructor(warehouse: Warehouse, recorder: ReadRecorder) {
    this.#warehouse = warehouse;
    this.#recorder = recorder;
    this.#sessions = new ReadSessions(warehouse.now);
  }

  async create(
    request: CreateSessionRequest,
    caller: Caller,
    call: ServerUnaryCall<CreateSessionRequest, SessionMessage>,
  ): Promise<SessionMessage> {
    const { projectId, table: ref, options } = parseSessionRequest(request);
    demand(caller, "bigquery.readsessions.create", `projects/${projectId}`);
    demand(caller, "bigquery.tables.getData", tablePath(ref), ref);
    const table = this.#table(ref);
    const schema = selectFields(table.schema, options.selectedFields ?? []);
    const restriction = options.rowRestriction ?? "";
    const rows = restrictedRows(ref, restriction);
    const arrow = arrowSchema(schema);
    const { location } = this.#warehouse.catalog.dataset(ref).settings;
    const name = sessionName(projectId, location);
    const fields = schema.fields.map((field) => field.name);
    const record = (): Promise<void> =>
      this.#recorder.record(caller, originOfCall(call), {
        kind: "read_session",
        session: name,
        table: ref,
        fields,
        atMs: this.#warehouse.now(),
      });
    const session: ReadSession = {
      name,
      caller,
      table,
      restriction,
      rows,
      schema,
      arrow,
      serializedSchema: serializeSchema(arrow),
      ...(await this.#extent(table, rows, restriction, record)),
    };
    const expiresMs = this.#sessions.add(session);
    return {
      name,
      expireTime: { seconds: Math.floor(expiresMs / 1000), nanos: (expiresMs % 1000) * 1_000_000 },
      dataFormat: "ARROW",
      arrowSchema: { serializedSchema: session.serializedSchema },
      table: tablePath(ref),
      readOptions: options,
      streams: [{ name: streamName(session.name) }],
      estimatedRowCount: session.rowCount,
    };
  }

  async read(call: ReadCall, policy: Policy): Promise<void> {
    const caller = callerOfCall(call, policy);
    const { readStream = "", offset: text = "0" } = call.request;
    demand(caller, "bigquery.readsessions.getData", projectOf(readStream));
    await this.#sessions.reading(readStream, async (session) => {
      demandOwn(caller, session);
      const { createdMs } = session.table;
      if (this.#warehouse.catalog.findTable(session.table.ref)?.createdMs !== createdMs)
        throw noTable(session.table.ref);
      const offset = Number(text);
      if (offset < 0) throw new StatusError(status.INVALID_ARGUMENT, `The offset is ${text}: it must not be negative.`);
      if (offset > session.rowCount) {
        const message = `The offset is beyond the end of the stream, which has ${session.rowCount} rows: received ${text}`;
        throw new StatusError(status.OUT_OF_RANGE, message);
      }
      await sendRows(call, this.#warehouse, session, offset, (work) => this.#slots.run(work));
    });
  }

  /** Nothing is split: the answer that names no streams says so. */
  async split({ name = "" }: SplitRequest, caller: Caller): Promise<object> {
    demand(caller, "bigquery.readsessions.update", projectOf(name));
    demandOwn(caller, this.#sessions.ofStream(name));
    return {};
  }

  #table(ref: TableRef): Table {
    const table = this.#warehouse.catalog.findTable(ref);
    if (table === undefined) throw noTable(ref);
    if (table.viewQuery !== undefined) {
      const message = "request failed: non-table entities cannot be read with the storage API";
      throw new StatusError(status.INVALID_ARGUMENT, message);
    }
    return table;
  }

  /**
   * Which rows there are now, by their numbers: whatever is appended after this has a higher one.
   * @param record awaited before any row is looked at: what a restriction fails on may be quoted by its error
   */
  async #extent(
    { ref }: Table,
    rows: string,
    restriction: string,
    record: () => Promise<void>,
  ): Promise<Pick<ReadSession, "segments" | "rowCount" | "lastRow">> {
    await this.#warehouse.caughtUp(CATCH_UP_DEADLINE_MS);
    const explain = (error: unknown): never => {
      throw restriction === "" ? error : explainRestriction(ref, restriction, error);
    };
    const found = await this.#slots.run(async () => {
      const connection = await this.#warehouse.connect();
      try {
        const sql =
          `SELECT CAST(${ROW_NUMBER} // ${SEGMENT_ROWS} AS DOUBLE), CAST(count(*) AS DOUBLE), ` +
          `CAST(max(${ROW_NUMBER}) AS DOUBLE) FROM ${rows} GROUP BY 1 ORDER BY 1`;
        const statement = await connection.prepare(sql).catch(explain);
        await record();
        return (await statement.runAndReadAll().catch(explain)).getRows();
      } finally {
        connection.closeSync();
      }
    });
    const segments = found.map(([number, count]) => ({ number: Number(number), rows: Number(count) }));
    const rowCount = segments.reduce((sum, segment) => sum + segment.rows, 0);
    return { segments, rowCount, lastRow: Number(found.at(-1)?.[2] ?? -1) };
  }
}

function demand(caller: Caller, permission: string, resource: string, table?: TableRef): void {
  if (caller.allows(permission, table)) return;
  const message = `request failed: the user does not have '${permission}' permission for '${resource}'`;
  throw new StatusError(status.PERMISSION_DENIED, message);
}

/** A session is only for who created it, whatever others may: it is what he was allowed to read, and was recorded for. */
function demandOwn(caller: Caller, session: ReadSession): void {
  if (session.caller === caller) return;
  const message = `request failed: the user did not create the session '${session.name}'`;
  throw new StatusError(status.PERMISSION_DENIED, message);
}

function projectOf(stream: string): string {
  return stream.split("/", 2).join("/");
}

function noTable(ref: TableRef): StatusError {
  return new StatusError(status.NOT_FOUND, `Not found: Table ${tableName(ref)}`);
}
