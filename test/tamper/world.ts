import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BigQuery } from "@google-cloud/bigquery";
import { v1 } from "@google-cloud/bigquery-storage";
import { credentials } from "@grpc/grpc-js";
import { RAW_DATASET } from "@indelible/schemas/names.ts";
import { warehouseRoleNames, type WarehouseRoleName } from "@indelible/schemas/rights.ts";
import type { Event, TableName } from "@indelible/schemas/tables.ts";
import { folderStore } from "@indelible/ledger/folder-store.ts";
import { parseKeyList, type KeyList } from "@indelible/ledger/key-list.ts";
import { openLocalKeys, rotateLocalKeys } from "@indelible/ledger/local-keys.ts";
import type { ObjectStore } from "@indelible/ledger/object-store.ts";
import type { RowReader } from "@indelible/ledger/row-reader.ts";
import { sealRows } from "@indelible/ledger/seal-rows.ts";
import { seal, type SealReport } from "@indelible/ledger/seal.ts";
import { bigQueryQuestions } from "@indelible/ledger/questions.ts";
import { verify, type Verification } from "@indelible/ledger/verify.ts";
import { warehouseSources } from "@indelible/ledger/warehouse-sources.ts";
import { storageRowReader } from "@indelible/ledger/storage-row-reader.ts";
import { openWitness, type Witness } from "@indelible/ledger/witness.ts";
import { Admission } from "@indelible/subscriber/admission.ts";
import { storageWriteAppender, type Appender } from "@indelible/subscriber/appender.ts";
import type { DeadLetters } from "@indelible/subscriber/dead-letters.ts";
import { createDedup } from "@indelible/subscriber/dedup.ts";
import { ingest, ingestAudit } from "@indelible/subscriber/pipeline.ts";
import { logEntry } from "../subscriber/log-entries.ts";
import { bigQueryClient } from "../../cli/clients.ts";
import { policyWith } from "../../cli/dev/access.ts";
import { provisionWarehouse } from "../../cli/dev/provision.ts";
import { startService, type ServiceProcess } from "../processes.ts";

export const MINUTE = 60_000;
export const DAY: number = 24 * 60 * MINUTE;
/** Noon a month ago: the warehouse asks for gaps by the real clock, and not for those of more than a year ago. */
const start = Math.floor(Date.now() / DAY - 30) * DAY + DAY / 2;
/** The date of the log, whose day begins at noon, as `2026-06-01`. */
export const date: string = new Date(start).toISOString().slice(0, 10);

/** A warehouse process of a test file, in which each attack has a project of its own. */
export class Arena {
  readonly #folder = mkdtempSync(join(tmpdir(), "indelible-tamper-"));
  readonly #worlds: World[] = [];
  #service: ServiceProcess | undefined;

  async start(): Promise<void> {
    const tokens = Object.fromEntries(warehouseRoleNames.map((role) => [role, role.padEnd(43, "x")])) as {
      [R in WarehouseRoleName]: string;
    };
    // Whoever sends no token is the admin: this is about what he can do.
    const access = join(this.#folder, "access.json");
    writeFileSync(access, JSON.stringify({ ...policyWith(tokens), anonymous: "admin" }), { mode: 0o600 });
    await this.#serve(0, 0);
    process.env["BIGQUERY_EMULATOR_HOST"] = `http://127.0.0.1:${this.#service?.ready.port}`;
    process.env["METADATA_SERVER_DETECTION"] = "none";
  }

  async #serve(port: number, grpcPort: number, ...more: readonly string[]): Promise<void> {
    const [data, access] = [join(this.#folder, "warehouse"), join(this.#folder, "access.json")];
    const args = ["--data", data, "--access", access, "--port", String(port), "--grpc-port", String(grpcPort), ...more];
    this.#service = await startService("local/bigquery/main.ts", args);
  }

  /** The same warehouse, from now on with this clock; without one, with the machine's. */
  async restart(nowMs?: number): Promise<void> {
    const { port = 0, grpcPort = 0 } = this.#service?.ready ?? {};
    await this.#service?.stop();
    await this.#serve(port, grpcPort, ...(nowMs === undefined ? [] : ["--now", new Date(nowMs).toISOString()]));
  }

  get grpcPort(): number {
    return this.#service?.ready.grpcPort ?? 0;
  }

  /** An untouched log in a project of its own: see `World.fill`. */
  async world(): Promise<World> {
    const projectId = `attack-${this.#worlds.length + 1}`;
    const world = new World(projectId, this.grpcPort, join(this.#folder, projectId));
    this.#worlds.push(world);
    await provisionWarehouse(world.bigquery);
    return world;
  }

  async stop(): Promise<void> {
    for (const world of this.#worlds) await world.close();
    await this.#service?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A log of its own, with everything that is real: appender, sealer, warehouse, store, witness, keys. The clock is the test's. */
export class World {
  readonly projectId: string;
  readonly bigquery: BigQuery;
  readonly reader: RowReader;
  readonly store: ObjectStore;
  readonly witnessStore: ObjectStore;
  readonly folder: string;
  readonly #appender: Appender;
  readonly #sessions: string[] = [];
  /** What the test's clock said, and the real one, whenever it was set. */
  readonly #clock: { readonly realMs: number; readonly nowMs: number }[] = [{ realMs: 0, nowMs: start }];
  /** Whether reads reach the access audit, as the log sink has it. */
  auditSink = true;
  #seq = 0;
  #messages = 0;

  constructor(projectId: string, grpcPort: number, folder: string) {
    this.projectId = projectId;
    this.folder = folder;
    this.bigquery = bigQueryClient(projectId, true);
    this.store = folderStore(join(folder, "store"));
    this.witnessStore = folderStore(join(folder, "witness"));
    this.reader = this.#audited(storageRowReader({ projectId, host: `127.0.0.1:${grpcPort}` }));
    this.#appender = storageWriteAppender({
      createClient: () =>
        new v1.BigQueryWriteClient({
          projectId,
          apiEndpoint: "127.0.0.1",
          port: grpcPort,
          sslCreds: credentials.createInsecure(),
          clientOptions: { universeDomain: "googleapis.com" },
        }),
      projectId,
      datasetId: RAW_DATASET,
      now: () => this.nowMs,
    });
  }

  get nowMs(): number {
    return this.#clock.at(-1)?.nowMs ?? start;
  }

  set nowMs(nowMs: number) {
    this.#clock.push({ realMs: Date.now(), nowMs });
  }

  get origin(): string {
    return `indelible/${this.projectId}/${RAW_DATASET}`;
  }

  get keyFolder(): string {
    return join(this.folder, "keys");
  }

  micros(): bigint {
    return BigInt(this.nowMs) * 1000n;
  }

  /** Three minutes of six conversations and two thoughts each, all sealed: conversations c1 to c18, thoughts t1 to t6. */
  async fill(): Promise<this> {
    for (let minute = 0; minute < 3; minute += 1) {
      for (let number = 1; number <= 6; number += 1) {
        await this.log("conversations", conversation(`c${minute * 6 + number}`));
        this.nowMs += 1000;
      }
      for (let number = 1; number <= 2; number += 1)
        await this.log("thinking_logs", thought(`t${minute * 2 + number}`));
      this.nowMs += 2 * MINUTE;
      await this.seal();
    }
    // What can only be told after a while, such as that a read is not audited, can be told from now on.
    await this.deliverAudit();
    this.nowMs += 90 * MINUTE;
    await this.seal();
    await this.deliverAudit();
    return this;
  }

  /** What the log sink and the subscriber do: the reads so far become rows of `log_access_audit`. */
  async deliverAudit(): Promise<void> {
    for (const session of this.#sessions.splice(0)) {
      if (!this.auditSink) continue;
      const resourceName = `projects/${this.bigquery.projectId}/datasets/${RAW_DATASET}/tables/conversations`;
      const read = { reason: "CREATE_READ_SESSION", sessionName: session };
      const record = {
        ...logEntry({ tableDataRead: read }, { resourceName }),
        timestamp: new Date(this.nowMs).toISOString(),
      };
      await this.#ingest("log_access_audit", record, ingestAudit);
    }
  }

  #audited(reader: RowReader): RowReader {
    return {
      read: async (request) => {
        const read = await reader.read(request);
        if (read !== undefined) this.#sessions.push(read.session);
        return read;
      },
      close: () => reader.close(),
    };
  }

  /** Takes an event of an agent the whole way to a row, now. */
  async log(table: TableName, event: Event): Promise<void> {
    this.#seq += 1;
    await this.#ingest(table, { log_id: logIdOf(this.#seq), publisher_id: "agent", seq: this.#seq, ...event });
  }

  async #ingest(table: TableName, event: object, way: typeof ingestAudit = ingest): Promise<void> {
    const deadLetters: DeadLetters = {
      async publish(_table, _message, faults) {
        if (faults.length > 0) throw new Error(faults[0]?.detail);
      },
    };
    this.#messages += 1;
    const message = {
      id: String(this.#messages),
      publishedAt: this.nowMs * 1000 - 5000,
      data: Buffer.from(JSON.stringify(event)),
      attributes: {},
    };
    await way(
      { admission: new Admission(), appender: this.#appender, dedup: createDedup(), deadLetters },
      table,
      message,
    );
  }

  async witness(): Promise<Witness> {
    const { list } = await openLocalKeys(this.keyFolder, this.origin, this.micros());
    return openWitness({ store: this.witnessStore, keys: list });
  }

  async seal(options: { readonly store?: ObjectStore; readonly witness?: false | Witness } = {}): Promise<SealReport> {
    const { list, signers } = await openLocalKeys(this.keyFolder, this.origin, this.micros());
    return seal({
      reader: this.reader,
      rows: sealRows(this.#appender, this.reader),
      store: options.store ?? this.store,
      keys: list,
      signers,
      witness: options.witness === false ? undefined : (options.witness ?? (await this.witness())),
      now: () => this.nowMs,
    });
  }

  /** As an auditor does, with everything that the product asks; `memory`: he remembers what he saw the last time. */
  async verify(
    options: { readonly memory?: boolean; readonly store?: ObjectStore; readonly keys?: KeyList } = {},
  ): Promise<Verification> {
    const keys = options.keys ?? this.keyList();
    const { facts, auditedSessions } = warehouseSources(this.bigquery);
    return verify({
      auditedSessions,
      // The warehouse goes by the real clock.
      facts: async (table) => {
        const fact = await facts(table);
        return fact === undefined ? undefined : { ...fact, createdAt: this.#timeOf(fact.createdAt) };
      },
      reader: this.reader,
      store: options.store ?? this.store,
      keys,
      witness: openWitness({ store: this.witnessStore, keys }),
      questions: bigQueryQuestions(this.bigquery),
      now: () => this.micros(),
      ...(options.memory === true && { memory: join(this.folder, "memory") }),
    });
  }

  #timeOf(realMicros: bigint): bigint {
    const moment = this.#clock.findLast(({ realMs }) => realMs <= Number(realMicros / 1000n));
    return BigInt(moment?.nowMs ?? start) * 1000n;
  }

  /** The public halves, as a verifier has them. */
  keyList(): KeyList {
    return parseKeyList(readFileSync(join(this.keyFolder, "keys.json"), "utf8"));
  }

  async rotateKeys(overlapMs: number): Promise<void> {
    await rotateLocalKeys(this.keyFolder, this.micros(), overlapMs);
  }

  /** What the admin does: a statement on raw tables, by their bare names. */
  async admin(query: string, params: { readonly [name: string]: unknown } = {}): Promise<void> {
    const defaultDataset = { projectId: this.projectId, datasetId: RAW_DATASET };
    await this.bigquery.query({ query, params, defaultDataset });
  }

  /** What the admin can do without a statement: partitions of a table stay for so many days; undefined: for ever. */
  async retain(table: TableName, days: number | undefined): Promise<void> {
    // NULL takes the expiration away, which the client's type does not know.
    const expirationMs = (days === undefined ? null : String(days * DAY)) as string;
    const timePartitioning = { type: "DAY", field: "ingested_at", expirationMs };
    await this.bigquery.dataset(RAW_DATASET).table(table).setMetadata({ timePartitioning });
  }

  async select<Row>(query: string): Promise<Row[]> {
    const defaultDataset = { projectId: this.projectId, datasetId: RAW_DATASET };
    const [rows] = await this.bigquery.query({ query, defaultDataset });
    return rows as Row[];
  }

  /** Names of the commits in the store, in order. */
  commits(): string[] {
    return readdirSync(join(this.folder, "store", "commits")).sort();
  }

  /** Changes an object of the store, as whoever owns the disk can. */
  changeObject(name: string, change: (text: string) => string): void {
    const path = join(this.folder, "store", name);
    const text = readFileSync(path, "utf8");
    const changed = change(text);
    if (changed === text) throw new Error(`nothing was changed in ${name}`);
    chmodSync(path, 0o600);
    writeFileSync(path, changed);
  }

  removeObject(name: string): void {
    rmSync(join(this.folder, "store", name));
  }

  async close(): Promise<void> {
    await this.#appender.close();
    await this.reader.close();
  }
}

export function logIdOf(seq: number): string {
  return `00000000-0000-7000-8000-${String(seq).padStart(12, "0")}`;
}

export function conversation(id: string): Event {
  return {
    conversation_id: id,
    business_id: "acme",
    agent_position: "CFO",
    started_at: "2026-06-01T12:00:00Z",
    status: "completed",
    cost_usd: 0.25,
    user_prompt_preview: `What about ${id}?`,
  };
}

export function thought(id: string): Event {
  return {
    thinking_id: id,
    conversation_id: "c1",
    business_id: "acme",
    agent_position: "CFO",
    timestamp: "2026-06-01T12:00:00Z",
    thinking_content: `I think of ${id}.`,
  };
}
