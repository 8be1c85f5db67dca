import { v1 } from "@google-cloud/bigquery-storage";
import { credentials } from "@grpc/grpc-js";
import { PROJECT } from "./clients.ts";
import type { protos } from "@google-cloud/bigquery-storage";
import type { ReadOptions, Session } from "./read-client.ts";

/** Somebody who calls the Storage Read API with a token of his, or without one. What is refused is not tried again. */
export class ReadCaller {
  readonly #client: v1.BigQueryReadClient;
  readonly #parent: string;
  readonly #otherArgs: { readonly headers: Record<string, string> };

  constructor({ grpcPort }: { grpcPort: number }, token: string | undefined, project: string = PROJECT) {
    this.#client = new v1.BigQueryReadClient({
      apiEndpoint: "127.0.0.1",
      port: grpcPort,
      sslCreds: credentials.createInsecure(),
      projectId: project,
    });
    this.#parent = `projects/${project}`;
    this.#otherArgs = { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } };
  }

  /** `table` goes on behind the project, as `datasets/D/tables/T`. */
  async createSession(table: string, readOptions: ReadOptions = {}): Promise<Session> {
    const readSession = { table: `${this.#parent}/${table}`, dataFormat: "ARROW" as const, readOptions };
    const request = { parent: this.#parent, readSession, maxStreamCount: 1 };
    const [session] = await this.#client.createReadSession(request, { otherArgs: this.#otherArgs, retry: null });
    return session;
  }

  /** How many rows the session gives. */
  async readRows(session: Session): Promise<number> {
    const call = this.#client.readRows(
      { readStream: streamOf(session) },
      { otherArgs: this.#otherArgs, retryRequestOptions: { retries: 0, noResponseRetries: 0 } as object },
    );
    let rows = 0;
    for await (const { rowCount } of call as AsyncIterable<protos.google.cloud.bigquery.storage.v1.IReadRowsResponse>)
      rows += Number(rowCount);
    return rows;
  }

  async splitStream(session: Session): Promise<void> {
    await this.#client.splitReadStream({ name: streamOf(session) }, { otherArgs: this.#otherArgs, retry: null });
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

function streamOf({ streams }: Session): string {
  return streams?.[0]?.name ?? "";
}
