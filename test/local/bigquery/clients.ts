import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { BigQuery } from "@google-cloud/bigquery";
import { adapt, protos, v1 } from "@google-cloud/bigquery-storage";
import { credentials } from "@grpc/grpc-js";
import protobuf from "protobufjs";
import "protobufjs/ext/descriptor/index.js";
import { startWarehouse } from "../../../local/bigquery/server.ts";
import type { Table } from "@google-cloud/bigquery";
import type { TestContext } from "node:test";
import type { Policy } from "../../../local/bigquery/access/policy.ts";
import type { WarehouseServer } from "../../../local/bigquery/server.ts";

/** Google's clients otherwise look for a metadata server first, for seconds. */
process.env["METADATA_SERVER_DETECTION"] = "none";

export const PROJECT = "test-project";
export const DATASET = "logs";

type Field = { name: string; type: string; mode?: string; fields?: Field[] };
type AppendResponse = protos.google.cloud.bigquery.storage.v1.IAppendRowsResponse;

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/** A folder that is removed after the tests of the file, when nothing has it open any more. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "indelible-warehouse-"));
  folders.push(folder);
  return folder;
}

/** A warehouse for one test, closed after it. */
export async function openWarehouse(t: TestContext, dataDirectory?: string, access?: Policy): Promise<WarehouseServer> {
  const folder = dataDirectory ?? (await temporaryFolder());
  const server = await startWarehouse({
    dataDirectory: folder,
    port: 0,
    grpcPort: 0,
    ...(access === undefined ? {} : { access }),
  });
  t.after(() => server.close());
  return server;
}

/** Google's Node client, set up the way that BIGQUERY_EMULATOR_HOST sets it up. */
export function bigQuery({ port }: { port: number }): BigQuery {
  process.env["BIGQUERY_EMULATOR_HOST"] = `http://127.0.0.1:${port}`;
  return new BigQuery({ projectId: PROJECT });
}

/** A table in the dataset of the tests, which is created when it is missing. */
export async function createTable(server: { port: number }, tableId: string, fields: readonly Field[]): Promise<Table> {
  const dataset = bigQuery(server).dataset(DATASET);
  await dataset.get({ autoCreate: true });
  const [table] = await dataset.createTable(tableId, { schema: { fields: [...fields] } });
  return table;
}

/** Google's client of the Storage Write API; closed after the test. */
export function writeClient(t: TestContext, { grpcPort }: { grpcPort: number }): v1.BigQueryWriteClient {
  const client = new v1.BigQueryWriteClient({
    apiEndpoint: "127.0.0.1",
    port: grpcPort,
    sslCreds: credentials.createInsecure(),
    projectId: PROJECT,
  });
  t.after(() => client.close());
  return client;
}

/** A message type for a table, made by Google's adapter, and rows of it. */
export class RowType {
  readonly writerSchema: { protoDescriptor: protos.google.protobuf.IDescriptorProto };
  readonly #type: protobuf.Type;

  constructor(fields: readonly Field[]) {
    const storageSchema = adapt.convertBigQuerySchemaToStorageTableSchema({ fields: [...fields] });
    const protoDescriptor = adapt.convertStorageSchemaToProto2Descriptor(storageSchema, "Row");
    this.writerSchema = { protoDescriptor };
    const { fromDescriptor } = protobuf.Type as unknown as { fromDescriptor(descriptor: unknown): protobuf.Type };
    this.#type = fromDescriptor(protoDescriptor);
  }

  encode(row: Readonly<Record<string, unknown>>): Uint8Array {
    return this.#type.encode(this.#type.fromObject(row)).finish();
  }
}

/** One AppendRows connection, whose responses are awaited one by one. */
export class Appender {
  readonly #stream: ReturnType<v1.BigQueryWriteClient["appendRows"]>;
  readonly #responses: AppendResponse[] = [];
  readonly #waiting: { resolve: (response: AppendResponse) => void; reject: (error: Error) => void }[] = [];
  #failure: Error | undefined;

  constructor(client: v1.BigQueryWriteClient) {
    this.#stream = client.appendRows();
    this.#stream.on("data", (response: AppendResponse) => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#responses.push(response);
      else next.resolve(response);
    });
    this.#stream.on("error", (error: Error) => {
      this.#failure = error;
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
  }

  /** Sends a request without waiting. */
  send(request: protos.google.cloud.bigquery.storage.v1.IAppendRowsRequest): void {
    this.#stream.write(request);
  }

  /** The next response. @throws the error that ended the connection. */
  async response(): Promise<AppendResponse> {
    const ready = this.#responses.shift();
    if (ready !== undefined) return ready;
    if (this.#failure !== undefined) throw this.#failure;
    const { promise, resolve, reject } = Promise.withResolvers<AppendResponse>();
    this.#waiting.push({ resolve, reject });
    return promise;
  }

  async append(request: protos.google.cloud.bigquery.storage.v1.IAppendRowsRequest): Promise<AppendResponse> {
    this.send(request);
    return this.response();
  }

  end(): void {
    this.#stream.end();
  }
}

export function defaultStream(tableId: string): string {
  return `projects/${PROJECT}/datasets/${DATASET}/tables/${tableId}/streams/_default`;
}
