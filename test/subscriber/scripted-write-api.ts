import { createRequire } from "node:module";
import { v1 } from "@google-cloud/bigquery-storage";
import {
  credentials,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  status,
  type ServerDuplexStream,
} from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";

export interface AppendRequest {
  /** On the first request of a connection only. */
  readonly writeStream?: string;
  readonly protoRows: { readonly writerSchema: unknown; readonly rows: { readonly serializedRows: Buffer[] } };
}
export type AppendCall = ServerDuplexStream<AppendRequest, object>;

export interface ReceivedRequest {
  /** Number of its connection, from 0. */
  readonly connection: number;
  readonly request: AppendRequest;
}

/** What the service does with a request. `commit` keeps its rows. */
export type Answer = (request: AppendRequest, call: AppendCall, connection: number, commit: () => void) => void;

/** A BigQueryWrite service on a free port whose AppendRows does what the test says, and a client that talks to it. */
export interface ScriptedWriteApi {
  readonly port: number;
  readonly client: v1.BigQueryWriteClient;
  /** Every request that came in. */
  readonly requests: readonly ReceivedRequest[];
  /** Every row that the service keeps, in order, duplicates included. */
  readonly committed: readonly Buffer[];
  /** Waits until so many requests came in. */
  received(count: number): Promise<void>;
  close(): void;
}

const protos = createRequire(import.meta.url)("@google-cloud/bigquery-storage/build/protos/protos.json") as Parameters<
  typeof fromJSON
>[0];

export async function scriptedWriteApi(answer: Answer): Promise<ScriptedWriteApi> {
  const api = loadPackageDefinition(fromJSON(protos)) as never as {
    google: {
      cloud: { bigquery: { storage: { v1: { BigQueryWrite: { service: Parameters<Server["addService"]>[0] } } } } };
    };
  };
  const requests: ReceivedRequest[] = [];
  const committed: Buffer[] = [];
  let waiters: { readonly count: number; readonly resolve: () => void }[] = [];
  let connections = 0;
  const server = new Server({ "grpc.max_receive_message_length": 10 * 1024 * 1024 });
  server.addService(api.google.cloud.bigquery.storage.v1.BigQueryWrite.service, {
    appendRows(call: AppendCall) {
      const connection = connections;
      connections += 1;
      call.on("data", (request: AppendRequest) => {
        requests.push({ connection, request });
        answer(request, call, connection, () => committed.push(...request.protoRows.rows.serializedRows));
        waiters = waiters.filter(({ count, resolve }) => {
          if (requests.length >= count) resolve();
          return requests.length < count;
        });
      });
      call.on("error", () => {});
      call.on("end", () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const client = new v1.BigQueryWriteClient({
    projectId: "p",
    apiEndpoint: "127.0.0.1",
    port,
    sslCreds: credentials.createInsecure(),
    clientOptions: { universeDomain: "googleapis.com" },
  });
  return {
    port,
    client,
    requests,
    committed,
    received: (count) =>
      requests.length >= count ? Promise.resolve() : new Promise((resolve) => void waiters.push({ count, resolve })),
    close: () => server.forceShutdown(),
  };
}

const broken = (code: status, message: string): Error => Object.assign(new Error(message), { code, details: message });

type AnswerName =
  | "ok"
  | "resourceExhausted"
  | "permissionDenied"
  | "cutBeforeCommit"
  | "cutAfterCommit"
  | "end"
  | "hang"
  | "hangAfterCommit"
  | "schemaUpdate"
  | "twice"
  | "empty"
  | "forAnotherStream";

/** The faults by name, each to be put into a script in place of `ok`, which keeps the rows and says so. */
export const answers: { readonly [name in AnswerName]: Answer } = {
  ok(_request, call, _connection, commit) {
    commit();
    call.write({ appendResult: {} });
  },
  resourceExhausted: (_request, call) =>
    void call.write({ error: { code: status.RESOURCE_EXHAUSTED, message: "quota" } }),
  permissionDenied: (_request, call) => void call.emit("error", broken(status.PERMISSION_DENIED, "may not append")),
  cutBeforeCommit: (_request, call) => void call.emit("error", broken(status.UNAVAILABLE, "gone")),
  cutAfterCommit(_request, call, _connection, commit) {
    commit();
    call.emit("error", broken(status.UNAVAILABLE, "gone"));
  },
  end: (_request, call) => void call.end(),
  hang() {},
  hangAfterCommit: (_request, _call, _connection, commit) => commit(),
  schemaUpdate(_request, call, _connection, commit) {
    commit();
    call.write({ appendResult: {}, updatedSchema: { fields: [{ name: "new_column" }] } });
  },
  twice(_request, call, _connection, commit) {
    commit();
    call.write({ appendResult: {} });
    call.write({ appendResult: {} });
  },
  empty: (_request, call) => void call.write({}),
  forAnotherStream: (_request, call) => void call.write({ appendResult: {}, writeStream: "projects/p/other" }),
};

/** In the response: none of the rows is kept, the connection stays. */
export function refuse(code: status): Answer {
  return (_request, call) => void call.write({ error: { code, message: "refused" } });
}

/** Finds fault with these rows of the request, and keeps none. */
export function rowErrors(...indices: readonly number[]): Answer {
  return (_request, call) =>
    void call.write({
      rowErrors: indices.map((index) => ({ index, message: `row ${index}` })),
      error: { code: status.INVALID_ARGUMENT, message: "bad rows" },
    });
}

/** Plays `script` request by request, over all connections, and `ok` from then on. */
export function script(...steps: readonly Answer[]): Answer {
  let next = 0;
  return (...args) => {
    const step = steps[next] ?? answers.ok;
    next += 1;
    step(...args);
  };
}
