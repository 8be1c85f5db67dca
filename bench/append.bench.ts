/**
 * One connection a table, or one for all tables (multiplexed), and how many requests in flight: `node bench/append.bench.ts [--rounds 5] [--rows 40000]`.
 *
 * Rows of four tables that come all the time, in messages of 200 events, appended to the warehouse of this machine in a process of its own;
 * and how long a single row of a fifth table takes while they do.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { v1 } from "@google-cloud/bigquery-storage";
import { credentials } from "@grpc/grpc-js";
import { RAW_DATASET } from "@indelible/schemas/names.ts";
import { descriptorOf, rowEncoderOf } from "@indelible/schemas/protobuf.ts";
import { tables, type Event, type TableName } from "@indelible/schemas/tables.ts";
import { storageWriteAppender } from "@indelible/subscriber/appender.ts";
import { bigQueryClient } from "../cli/clients.ts";
import { provisionWarehouse } from "../cli/dev/provision.ts";
import { startService } from "../test/processes.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, rows: { type: "string", default: "40000" } },
});
const rowsPerRound = Number(values.rows);
const ROWS_PER_MESSAGE = 200;
const MESSAGES_AT_ONCE = 40;
const projectId = "bench";
const busy: readonly TableName[] = ["conversations", "thinking_logs", "action_logs", "mcp_usage_logs"];
const quiet: TableName = "escalation_logs";

const common = {
  business_id: "acme",
  agent_position: "CFO",
  conversation_id: "c1",
  started_at: "2026-01-31T09:30:00Z",
  log_id: "0199f7a0-0000-7000-8000-000000000001",
};
const events: { readonly [table in TableName]?: Event } = {
  conversations: { ...common, user_prompt_preview: "x".repeat(400) },
  thinking_logs: { ...common, thinking_id: "t", timestamp: common.started_at, thinking_content: "x".repeat(600) },
  action_logs: { ...common, action_id: "a", result_summary: "x".repeat(400) },
  mcp_usage_logs: { ...common, usage_id: "u", server_name: "s", tool_name: "t", called_at: common.started_at },
  escalation_logs: { ...common, escalation_id: "e", source_agent: "CFO", escalated_at: common.started_at },
};
function rowOf(table: TableName): Uint8Array {
  const event = events[table] as Event;
  return rowEncoderOf(tables[table])(event, {
    published_at: 1_780_000_000_000_000,
    message_id: "17",
    ingested_at: Date.now() * 1000,
    schema_version: 1,
    entry: JSON.stringify(event),
    entry_hash: "0".repeat(64),
  });
}

/** Appends a message's rows; resolves when they are acknowledged. */
type Append = (table: TableName, rows: readonly Uint8Array[]) => Promise<void>;

const data = mkdtempSync(join(tmpdir(), "indelible-append-"));
const warehouse = await startService("local/bigquery/main.ts", ["--data", data, "--port", "0", "--grpc-port", "0"]);
process.env["BIGQUERY_EMULATOR_HOST"] = `http://127.0.0.1:${warehouse.ready.port}`;
await provisionWarehouse(bigQueryClient(projectId, true));
const createClient = (): v1.BigQueryWriteClient =>
  new v1.BigQueryWriteClient({
    projectId,
    apiEndpoint: "127.0.0.1",
    port: warehouse.ready.grpcPort ?? 0,
    sslCreds: credentials.createInsecure(),
    clientOptions: { universeDomain: "googleapis.com" },
  });

function perTable(maxInFlightRequests: number): { append: Append; close: () => Promise<void> } {
  const appender = storageWriteAppender({ createClient, projectId, datasetId: RAW_DATASET, maxInFlightRequests });
  return {
    async append(table, rows) {
      await appender.append(
        table,
        rows.map((row) => () => row),
      );
    },
    close: () => appender.close(),
  };
}

/** All tables over one stream, each with natural batching of its own and `maxInFlightRequests` in flight, as in the lanes. */
async function multiplexed(maxInFlightRequests: number): Promise<{ append: Append; close: () => Promise<void> }> {
  const client = createClient();
  await client.initialize();
  const stream = client.appendRows();
  const inFlight: (() => void)[] = [];
  let described: TableName | undefined;
  const lanes = new Map<
    TableName,
    { waiting: { rows: readonly Uint8Array[]; done: () => void }[]; inFlight: number }
  >();
  stream.on("data", () => inFlight.shift()?.());
  stream.on("error", (error) => {
    if (!/cancel/i.test(error.message)) throw error;
  });
  function pump(table: TableName): void {
    const lane = lanes.get(table);
    if (lane === undefined || lane.waiting.length === 0 || lane.inFlight >= maxInFlightRequests) return;
    const batch = lane.waiting.splice(0);
    const protoRows = { rows: { serializedRows: batch.flatMap(({ rows }) => rows) } };
    const writeStream = `projects/${projectId}/datasets/${RAW_DATASET}/tables/${table}/streams/_default`;
    const writerSchema = { protoDescriptor: descriptorOf(tables[table]) as never };
    stream.write(described === table ? { protoRows } : { writeStream, protoRows: { ...protoRows, writerSchema } });
    described = table;
    lane.inFlight += 1;
    inFlight.push(() => {
      lane.inFlight -= 1;
      for (const { done } of batch) done();
      pump(table);
    });
  }
  return {
    append: (table, rows) =>
      new Promise((done) => {
        const lane = lanes.get(table) ?? { waiting: [], inFlight: 0 };
        lanes.set(table, lane);
        lane.waiting.push({ rows, done });
        pump(table);
      }),
    async close() {
      stream.cancel();
      await client.close();
    },
  };
}

interface Sample {
  readonly rowsPerSecond: number;
  readonly quietMs: number;
}

async function measure(append: Append): Promise<Sample> {
  const message = (table: TableName): Uint8Array[] => Array.from({ length: ROWS_PER_MESSAGE }, () => rowOf(table));
  const messages = Array.from({ length: rowsPerRound / ROWS_PER_MESSAGE }, (_, index) => {
    const table = busy[index % busy.length] as TableName;
    return { table, rows: message(table) };
  });
  const quietDelays: number[] = [];
  let running = true;
  const asking = (async () => {
    while (running) {
      const startMs = performance.now();
      await append(quiet, [rowOf(quiet)]);
      quietDelays.push(performance.now() - startMs);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  const startMs = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: MESSAGES_AT_ONCE }, async () => {
      while (next < messages.length) {
        const { table, rows } = messages[next++] as (typeof messages)[number];
        await append(table, rows);
      }
    }),
  );
  const seconds = (performance.now() - startMs) / 1000;
  running = false;
  await asking;
  return { rowsPerSecond: rowsPerRound / seconds, quietMs: median(quietDelays) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const variants: { readonly [name: string]: () => Promise<{ append: Append; close: () => Promise<void> }> } = {
  "a connection a table, 1 in flight": async () => perTable(1),
  "a connection a table, 2 in flight": async () => perTable(2),
  "a connection a table, 4 in flight": async () => perTable(4),
  "one connection, 1 in flight a table": () => multiplexed(1),
  "one connection, 2 in flight a table": () => multiplexed(2),
};
const results = new Map<string, Sample[]>(Object.keys(variants).map((name) => [name, []]));
try {
  for (let round = 0; round <= Number(values.rounds); round += 1) {
    for (const [name, open] of Object.entries(variants)) {
      const { append, close } = await open();
      const sample = await measure(append);
      await close();
      // The first round warms up.
      if (round > 0) results.get(name)?.push(sample);
    }
  }
} finally {
  await warehouse.stop();
  rmSync(data, { recursive: true });
}
console.log(`${cpus()[0]?.model ?? "unknown CPU"}, ${availableParallelism()} cores, Node ${process.version}`);
console.log(`${rowsPerRound.toLocaleString("en")} rows a round, median of ${values.rounds} rounds`);
console.table(
  Object.fromEntries(
    [...results].map(([name, samples]) => [
      name,
      {
        "rows/s": Math.round(median(samples.map(({ rowsPerSecond }) => rowsPerSecond))).toLocaleString("en"),
        "a single row of a quiet table, ms": median(samples.map(({ quietMs }) => quietMs)).toFixed(1),
      },
    ]),
  ),
);
