import { createRequire } from "node:module";
import { v1 } from "@google-cloud/bigquery-storage";
import { credentials, loadPackageDefinition, Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";

export interface AppendRequest {
  readonly writeStream: string;
  readonly protoRows: { readonly writerSchema: unknown; readonly rows: { readonly serializedRows: Buffer[] } };
}
export type AppendCall = ServerDuplexStream<AppendRequest, object>;

/** A BigQueryWrite service on a free port whose AppendRows does what the test says, and a client that talks to it. */
export interface ScriptedWriteApi {
  readonly port: number;
  readonly client: v1.BigQueryWriteClient;
  /** Every request that came in, with the number of its connection from 0. */
  readonly requests: { readonly connection: number; readonly request: AppendRequest }[];
  close(): void;
}

const protos = createRequire(import.meta.url)("@google-cloud/bigquery-storage/build/protos/protos.json") as Parameters<
  typeof fromJSON
>[0];

export async function scriptedWriteApi(
  answer: (request: AppendRequest, call: AppendCall, connection: number) => void,
): Promise<ScriptedWriteApi> {
  const api = loadPackageDefinition(fromJSON(protos)) as never as {
    google: {
      cloud: { bigquery: { storage: { v1: { BigQueryWrite: { service: Parameters<Server["addService"]>[0] } } } } };
    };
  };
  const requests: ScriptedWriteApi["requests"] = [];
  let connections = 0;
  const server = new Server({ "grpc.max_receive_message_length": 10 * 1024 * 1024 });
  server.addService(api.google.cloud.bigquery.storage.v1.BigQueryWrite.service, {
    appendRows(call: AppendCall) {
      const connection = connections;
      connections += 1;
      call.on("data", (request: AppendRequest) => {
        requests.push({ connection, request });
        answer(request, call, connection);
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
  return { port, client, requests, close: () => server.forceShutdown() };
}
