import type { protos, v1 } from "@google-cloud/bigquery-storage";
import { errorKinds, IndelibleError } from "@indelible/schemas/errors.ts";
import type { DescriptorProto } from "@indelible/schemas/protobuf.ts";

type AppendRowsRequest = protos.google.cloud.bigquery.storage.v1.IAppendRowsRequest;
export type AppendRowsResponse = protos.google.cloud.bigquery.storage.v1.IAppendRowsResponse;

/**
 * One AppendRows stream to the `_default` stream of one table. Its responses come in the order of its requests. Once closed it stays closed.
 */
export interface AppendConnection {
  /** It takes no more requests: it is closed, or retired. */
  readonly closed: boolean;
  /**
   * Sends one request. Settles with its response, or rejects with ERR_APPEND_OUTCOME_UNKNOWN when the stream breaks or is
   * closed, and with ERR_DEADLINE when no answer came in time; then the stream is closed with everything in flight, because
   * responses could no longer be told apart. It is closed in the same way when the table's schema has changed, after
   * the response that says so has settled its request.
   */
  request(rows: readonly Uint8Array[]): Promise<AppendRowsResponse>;
  /** Takes no more requests. What is in flight keeps its answers and its deadlines; the stream is closed when that is settled. */
  retire(): void;
  /** Closes the stream; everything in flight is rejected as unknown, with `why` as the reason. */
  close(why: string): void;
}

interface InFlight {
  /** False in the turn of the event loop in which the request was written: nothing can have answered it by then. */
  sent: boolean;
  resolve(response: AppendRowsResponse): void;
  reject(error: IndelibleError): void;
  readonly deadline: NodeJS.Timeout;
}

export function openConnection(options: {
  /** Initialized: otherwise a client whose credentials cannot be loaded raises an unhandled rejection. */
  readonly client: v1.BigQueryWriteClient;
  readonly writeStream: string;
  readonly descriptor: DescriptorProto;
  readonly deadlineMs: number;
  /** Sent as `authorization: Bearer`, for a warehouse that asks for no credentials of Google's. */
  readonly token?: string | undefined;
}): AppendConnection {
  const { client, writeStream, descriptor, deadlineMs, token } = options;
  const inFlight: InFlight[] = [];
  let closed = false;
  let retired = false;
  let described = false;

  const stream = client.appendRows({
    otherArgs: {
      headers: {
        "x-goog-request-params": `write_stream=${writeStream}`,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
    },
  });
  stream.on("data", (response: AppendRowsResponse) => {
    if (closed) return;
    const answered = response.writeStream ?? "";
    if (answered !== "" && answered !== writeStream) return fail(unknown(`BigQuery answered for ${answered}`));
    const oldest = inFlight.shift();
    if (oldest?.sent !== true) {
      if (oldest !== undefined) inFlight.unshift(oldest);
      return fail(unknown("BigQuery answered a request that was not made"));
    }
    clearTimeout(oldest.deadline);
    oldest.resolve(response);
    if (response.updatedSchema) fail(unknown("the table's schema has changed"));
    endIfDone();
  });
  stream.on("error", (error: Error) => fail(unknown(error.message, error)));
  stream.on("end", () => fail(unknown("BigQuery ended the stream")));

  function unknown(what: string, cause?: Error): IndelibleError {
    const hint = isDenial(cause) ? { hint: errorKinds.ERR_APPEND_REFUSED.hint } : {};
    return new IndelibleError("ERR_APPEND_OUTCOME_UNKNOWN", `append to ${writeStream}: ${what}`, { cause, ...hint });
  }

  function fail(error: IndelibleError): void {
    if (closed) return;
    closed = true;
    for (const { deadline, reject } of inFlight.splice(0)) {
      clearTimeout(deadline);
      reject(error);
    }
    // Cancelling makes the stream emit one more error, which the listener above takes and `closed` drops.
    stream.cancel();
  }

  function endIfDone(): void {
    if (retired && inFlight.length === 0) fail(unknown("the connection is retired"));
  }

  return {
    get closed() {
      return closed || retired;
    },
    request(rows) {
      return new Promise((resolve, reject) => {
        if (closed || retired) return reject(unknown("the connection is closed"));
        const deadline = setTimeout(() => {
          fail(new IndelibleError("ERR_DEADLINE", `append to ${writeStream}: no answer within ${deadlineMs} ms`));
        }, deadlineMs);
        const entry: InFlight = { sent: false, resolve, reject, deadline };
        inFlight.push(entry);
        setImmediate(() => (entry.sent = true));
        const protoRows = { rows: { serializedRows: rows as Uint8Array[] } };
        const request: AppendRowsRequest = described
          ? { protoRows }
          : { writeStream, protoRows: { ...protoRows, writerSchema: { protoDescriptor: descriptor as never } } };
        described = true;
        stream.write(request);
      });
    },
    retire() {
      retired = true;
      endIfDone();
    },
    close(why) {
      fail(unknown(why));
    },
  };
}

/** INVALID_ARGUMENT (the table lacks a column, say), NOT_FOUND, PERMISSION_DENIED, UNAUTHENTICATED: redelivery alone will not help. */
const denials: ReadonlySet<unknown> = new Set([3, 5, 7, 16]);

function isDenial(error: Error | undefined): boolean {
  return error !== undefined && "code" in error && denials.has(error.code);
}
