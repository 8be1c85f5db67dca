import { setTimeout as pause } from "node:timers/promises";
import { InterceptingCall, Metadata, status } from "@grpc/grpc-js";
import { withDeadline } from "@indelible/publisher/deadline.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { attempts } from "./attempts.ts";
import type { v1 } from "@google-cloud/bigquery-storage";
import type { CallOptions, ClientReadableStream, ClientUnaryCall, Interceptor, ServiceError } from "@grpc/grpc-js";

export interface ReadSession {
  readonly name: string;
  /** As Arrow serializes it. */
  readonly schema: Uint8Array;
  /** Names. */
  readonly streams: readonly string[];
}

export interface SessionRequest {
  readonly parent: string;
  readonly maxStreamCount: number;
  readonly readSession: {
    readonly table: string;
    readonly dataFormat: "ARROW";
    readonly readOptions: { readonly selectedFields: readonly string[]; readonly rowRestriction: string };
  };
}

interface SessionResponse {
  readonly name?: string;
  readonly arrowSchema?: { readonly serializedSchema?: Uint8Array } | null;
  readonly streams?: readonly { readonly name?: string }[];
}

export interface RowsResponse {
  readonly rowCount?: string | number;
  readonly arrowRecordBatch?: { readonly serializedRecordBatch?: Uint8Array } | null;
}

/** Responses of a ReadRows call; the next one is fetched while one is used, and no more. */
export interface RowsCall {
  readonly responses: AsyncIterator<RowsResponse>;
  /** Ends the call, whatever is on its way. */
  cancel(): void;
}

/** The methods of Google's client below its own retries and buffers, which would hold dozens of responses. */
interface Stub {
  createReadSession(
    request: SessionRequest,
    metadata: Metadata,
    options: CallOptions,
    callback: (error: ServiceError | null, response?: SessionResponse) => void,
  ): ClientUnaryCall;
  readRows(
    request: { readonly readStream: string; readonly offset: number },
    metadata: Metadata,
    options: CallOptions,
  ): ClientReadableStream<RowsResponse>;
}

/** For all attempts. */
const SESSION_DEADLINE_MS = 120_000;
const SETUP_DEADLINE_MS = 20_000;

/** The calls of the Storage Read API, by a client that is made when first needed. */
export class ReadCalls {
  readonly #createClient: () => v1.BigQueryReadClient;
  readonly #token: string | undefined;
  #client: v1.BigQueryReadClient | undefined;
  #opening: Promise<Stub> | undefined;

  constructor(createClient: () => v1.BigQueryReadClient, token: string | undefined) {
    this.#createClient = createClient;
    this.#token = token;
  }

  /**
   * Resolves to undefined when there is no such table. What may pass is tried again, a few times.
   * @throws ERR_READ, ERR_ACCESS_DENIED, or the signal's reason
   */
  async createSession(request: SessionRequest, signal: AbortSignal | undefined): Promise<ReadSession | undefined> {
    signal?.throwIfAborted();
    const what = `a read session for ${request.readSession.table}`;
    try {
      const stub = await this.#stub();
      return await attempts((_, deadlineMs) => this.#createSession(stub, request, deadlineMs, signal), {
        what,
        deadlineMs: SESSION_DEADLINE_MS,
        isTransient: (error) => signal?.aborted !== true && isPassing(error),
        wait: (waitMs) => pause(waitMs, undefined, signal && { signal }),
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (codeOf(error) === status.NOT_FOUND) return undefined;
      throw readError(what, error);
    }
  }

  async #createSession(
    stub: Stub,
    request: SessionRequest,
    deadlineMs: number,
    signal: AbortSignal | undefined,
  ): Promise<ReadSession> {
    const metadata = this.#metadata(`read_session.table=${encodeURIComponent(request.readSession.table)}`);
    const { promise, resolve, reject } = Promise.withResolvers<SessionResponse>();
    const call = stub.createReadSession(request, metadata, { deadline: Date.now() + deadlineMs }, (error, response) =>
      error === null ? resolve(response ?? {}) : reject(error),
    );
    const cancel = (): void => call.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      const { name = "", arrowSchema, streams = [] } = await promise;
      const schema = arrowSchema?.serializedSchema ?? new Uint8Array(0);
      return { name, schema, streams: streams.map((stream) => stream.name ?? "") };
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  async readRows(readStream: string, offset: number): Promise<RowsCall> {
    const stub = await this.#stub();
    const turns = new Turns();
    const metadata = this.#metadata(`read_stream=${encodeURIComponent(readStream)}`);
    const call = stub.readRows({ readStream, offset }, metadata, { interceptors: [turns.interceptor] });
    // What it ends with is for whoever iterates; after that, for nobody.
    call.on("error", () => undefined);
    const responses = call.iterator({ destroyOnReturn: false }) as AsyncIterator<RowsResponse>;
    return {
      responses: {
        next: () => {
          turns.grant();
          return responses.next();
        },
      },
      cancel: () => {
        call.cancel();
        turns.open();
      },
    };
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => undefined);
    await this.#client?.close();
  }

  #stub(): Promise<Stub> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw readError("setting up Google's client", error);
    });
    return this.#opening;
  }

  async #open(): Promise<Stub> {
    const client = this.#createClient();
    const stub = await withDeadline(client.initialize(), SETUP_DEADLINE_MS, "setting up Google's client", false);
    this.#client = client;
    return stub as unknown as Stub;
  }

  #metadata(routing: string): Metadata {
    const metadata = new Metadata();
    metadata.set("x-goog-request-params", routing);
    if (this.#token !== undefined) metadata.set("authorization", `Bearer ${this.#token}`);
    return metadata;
  }
}

/** Lets one message at a time through to a stream, which by itself would take sixteen before anybody asks for one. */
class Turns {
  #granted = 0;
  #isOpen = false;
  #deliver: (() => void) | undefined;

  readonly interceptor: Interceptor = (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, _listener, next) => {
        next(metadata, {
          onReceiveMessage: (message: unknown, deliver: (message: unknown) => void) => {
            this.#deliver = () => deliver(message);
            this.#pass();
          },
        });
      },
    });

  grant(): void {
    this.#granted++;
    this.#pass();
  }

  /** Lets everything through: a call ends only when nothing waits here. */
  open(): void {
    this.#isOpen = true;
    this.#pass();
  }

  #pass(): void {
    const deliver = this.#deliver;
    if (deliver === undefined || (this.#granted === 0 && !this.#isOpen)) return;
    this.#deliver = undefined;
    this.#granted--;
    deliver();
  }
}

export function codeOf(error: unknown): status | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "number" ? error.code : undefined;
}

const passing: ReadonlySet<unknown> = new Set([
  status.CANCELLED,
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.INTERNAL,
  status.UNAVAILABLE,
]);

/** Whether the same call may succeed the next time. */
export function isPassing(error: unknown): boolean {
  return passing.has(codeOf(error));
}

/** The failure of a read in our words. */
export function readError(what: string, cause: unknown): IndelibleError {
  if (IndelibleError.is(cause) && cause.code !== "ERR_DEADLINE") return cause;
  const code = codeOf(cause);
  const isDenied = code === status.PERMISSION_DENIED || code === status.UNAUTHENTICATED;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new IndelibleError(isDenied ? "ERR_ACCESS_DENIED" : "ERR_READ", `${what}: ${message}`, { cause });
}
