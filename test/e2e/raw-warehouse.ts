import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BigQuery } from "@google-cloud/bigquery";
import { v1 } from "@google-cloud/bigquery-storage";
import { credentials } from "@grpc/grpc-js";
import { defaultDatasets, type Datasets } from "@indelible/schemas/names.ts";
import type { Event, TableName } from "@indelible/schemas/tables.ts";
import { Admission } from "@indelible/subscriber/admission.ts";
import { storageWriteAppender, type Appender } from "@indelible/subscriber/appender.ts";
import type { DeadLetters } from "@indelible/subscriber/dead-letters.ts";
import { createDedup } from "@indelible/subscriber/dedup.ts";
import type { Message } from "@indelible/subscriber/message.ts";
import { ingest, ingestAudit, keepDeadLetter } from "@indelible/subscriber/pipeline.ts";
import { provisionWarehouse } from "../../cli/dev/provision.ts";
import { startService, type ServiceProcess } from "../processes.ts";

/** A local warehouse in a process of its own with every table and view, and the subscriber's way into it. To be closed. */
export class RawWarehouse {
  readonly bigquery: BigQuery;
  readonly datasets: Datasets = defaultDatasets;
  readonly appender: Appender;
  readonly #data: string;
  readonly #process: ServiceProcess;
  #messages = 0;

  private constructor(data: string, process: ServiceProcess, bigquery: BigQuery, appender: Appender) {
    this.#data = data;
    this.#process = process;
    this.bigquery = bigquery;
    this.appender = appender;
  }

  /** @param args more for the process. @param now what rows are stamped with. Default: the machine's clock */
  static async open(projectId: string, args: readonly string[] = [], now?: () => number): Promise<RawWarehouse> {
    const data = mkdtempSync(join(tmpdir(), "indelible-raw-"));
    const all = ["--data", data, "--port", "0", "--grpc-port", "0", ...args];
    const warehouse = await startService("local/bigquery/main.ts", all);
    process.env["BIGQUERY_EMULATOR_HOST"] = `http://127.0.0.1:${warehouse.ready.port}`;
    process.env["METADATA_SERVER_DETECTION"] = "none";
    const bigquery = new BigQuery({ projectId });
    await provisionWarehouse(bigquery);
    const client = new v1.BigQueryWriteClient({
      projectId,
      apiEndpoint: "127.0.0.1",
      port: warehouse.ready.grpcPort ?? 0,
      sslCreds: credentials.createInsecure(),
      clientOptions: { universeDomain: "googleapis.com" },
    });
    const appender = storageWriteAppender({
      createClient: () => client,
      projectId,
      datasetId: defaultDatasets.raw,
      ...(now !== undefined && { now }),
    });
    return new RawWarehouse(data, warehouse, bigquery, appender);
  }

  /** Takes events the whole way to rows as one message, published at `publishedAt` (microseconds); none may be refused. */
  async write(table: TableName, publishedAt: number, ...events: readonly Event[]): Promise<void> {
    const data = Buffer.from(events.map((event) => JSON.stringify(event)).join("\n"));
    await ingest(this.#pipeline(), table, { ...this.#message(publishedAt, data), attributes: { format: "ndjson" } });
  }

  /** Keeps `text` as a dead letter, with attributes of SPEC §7. */
  async bury(publishedAt: number, data: string | Buffer, attributes: Message["attributes"] = {}): Promise<void> {
    const message = this.#message(publishedAt, Buffer.from(data as string));
    await keepDeadLetter(this.#pipeline(), "dead_letters", { ...message, attributes });
  }

  /** Takes a record of BigQuery's audit log the whole way to rows. */
  async record(publishedAt: number, logEntry: object): Promise<void> {
    const message = this.#message(publishedAt, Buffer.from(JSON.stringify(logEntry)));
    await ingestAudit(this.#pipeline(), "log_access_audit", message);
  }

  async query<Row>(query: string): Promise<Row[]> {
    const [rows] = await this.bigquery.query(query);
    return rows as Row[];
  }

  async close(): Promise<void> {
    await this.appender.close();
    await this.#process.stop();
    rmSync(this.#data, { recursive: true });
  }

  #message(publishedAt: number, data: Buffer): Message {
    this.#messages += 1;
    return { id: String(this.#messages), publishedAt, data, attributes: {} };
  }

  /** Never deduplicates across calls. */
  #pipeline() {
    const deadLetters: DeadLetters = {
      async publish(_table, _message, faults) {
        assert.deepEqual(faults, []);
      },
    };
    return {
      admission: new Admission(),
      appender: this.appender,
      dedup: createDedup({ maxBytes: 1024 * 1024 }),
      deadLetters,
    };
  }
}
