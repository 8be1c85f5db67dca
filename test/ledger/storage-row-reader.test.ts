import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { v1 } from "@google-cloud/bigquery-storage";
import { credentials, status } from "@grpc/grpc-js";
import { storageRowReader } from "@indelible/ledger/storage-row-reader.ts";
import { bigQueryTableOf } from "@indelible/schemas/bigquery.ts";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { entryHash } from "@indelible/schemas/entry.ts";
import { RAW_DATASET } from "@indelible/schemas/names.ts";
import { rowEncoderOf } from "@indelible/schemas/protobuf.ts";
import { rowColumns, tableNames, tables } from "@indelible/schemas/tables.ts";
import { parseTimestamp } from "@indelible/schemas/timestamp.ts";
import { storageWriteAppender } from "@indelible/subscriber/appender.ts";
import fc from "fast-check";
import { startWarehouse } from "../../local/bigquery/server.ts";
import { bigQuery, PROJECT, temporaryFolder } from "../local/bigquery/clients.ts";
import { eventsOf } from "../schemas/samples.ts";
import { scriptedReadApi } from "./scripted-read-api.ts";
import type { CellValue, RowRead, RowReader } from "@indelible/ledger/row-reader.ts";
import type { Column, JsonValue } from "@indelible/schemas/columns.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import type { Appender } from "@indelible/subscriber/appender.ts";
import type { TestContext } from "node:test";
import type { WarehouseServer } from "../../local/bigquery/server.ts";
import type { Script, ScriptedReadApi } from "./scripted-read-api.ts";

type Row = Readonly<Record<string, unknown>>;
const PUBLISHED_AT = 1_764_000_000_123_456;

/** What a reader must give for a value that was appended. */
function cellOf(column: Column, value: unknown): CellValue {
  if (value === undefined || value === null) return column.type === "array" ? [] : null;
  switch (column.type) {
    case "json":
      return canonicalize(value as JsonValue);
    case "timestamp":
      return BigInt(typeof value === "number" ? value : (parseTimestamp(value as string) ?? 0));
    case "int64":
      return BigInt(value as number);
    case "array":
      return (value as unknown[]).map((item) => cellOf(column.items, item));
    case "struct":
      return Object.fromEntries(
        Object.entries(column.fields).map(([name, field]) => [name, cellOf(field, (value as Row)[name])]),
      );
    default:
      return value as CellValue;
  }
}

async function valuesOf(read: RowRead | undefined, columns: readonly string[]): Promise<Record<string, CellValue>[]> {
  const rows: Record<string, CellValue>[] = [];
  assert.ok(read);
  for await (const batch of read.batches) {
    for (let row = 0; row < batch.length; row++) {
      rows.push(Object.fromEntries(columns.map((name) => [name, batch.column(name).value(row)])));
    }
  }
  return rows;
}

describe("storageRowReader(), of a warehouse", () => {
  let server: WarehouseServer;
  let appender: Appender;
  let reader: RowReader;

  before(async () => {
    server = await startWarehouse({ dataDirectory: await temporaryFolder(), port: 0, grpcPort: 0 });
    const [dataset] = await bigQuery(server).createDataset(RAW_DATASET);
    for (const name of tableNames) {
      await dataset.createTable(name, { schema: bigQueryTableOf(tables[name]).schema as object });
    }
    appender = storageWriteAppender({
      createClient: () =>
        new v1.BigQueryWriteClient({
          projectId: PROJECT,
          apiEndpoint: server.host,
          port: server.grpcPort,
          sslCreds: credentials.createInsecure(),
          clientOptions: { universeDomain: "googleapis.com" },
        }),
      projectId: PROJECT,
      datasetId: RAW_DATASET,
    });
    reader = storageRowReader({ projectId: PROJECT, host: `${server.host}:${server.grpcPort}` });
  });

  after(async () => {
    await reader.close();
    await appender.close();
    await server.close();
  });

  /** Appends events with their entries, the first at `ingestedAt` and each of the others a microsecond later. */
  async function append(table: TableName, events: readonly Row[], ingestedAt: number): Promise<Row[]> {
    const encode = rowEncoderOf(tables[table]);
    const rows = events.map((event, index) => {
      const entry = canonicalize(event as JsonValue);
      const recorded = {
        published_at: PUBLISHED_AT,
        message_id: `${index}`,
        ingested_at: ingestedAt + index,
        schema_version: 1,
        entry,
        entry_hash: entryHash(entry),
      };
      return { event, recorded };
    });
    const refused = await appender.append(
      table,
      rows.map(
        ({ event, recorded }) =>
          () =>
            encode(event, recorded),
      ),
    );
    assert.deepEqual(refused, []);
    return rows.map(({ event, recorded }) => ({ ...event, ...recorded }));
  }

  for (const table of tableNames) {
    test(`${table} - every column of every row is what was appended, and entries byte by byte`, async () => {
      const events = fc
        .sample(eventsOf(table), { numRuns: 40, seed: 7 })
        .map((event, index) => ({ ...event, log_id: `00000000-0000-7000-8000-${String(index).padStart(12, "0")}` }));
      const rows = await append(table, events, PUBLISHED_AT);
      const columns = rowColumns(tables[table]);
      const names = Object.keys(columns);
      const expected = rows.map((row) =>
        Object.fromEntries(names.map((name) => [name, cellOf(columns[name] as Column, row[name])])),
      );
      const read = await reader.read({ table, columns: names });
      assert.deepEqual(await valuesOf(read, names), expected);
      const entries = await reader.read({ table, columns: ["entry", "ingested_at", "log_id"] });
      let at = 0;
      for await (const batch of entries?.batches ?? []) {
        for (let row = 0; row < batch.length; row++, at++) {
          const appended = rows[at] as Row;
          assert.deepEqual(batch.column("entry").bytes(row), new TextEncoder().encode(appended["entry"] as string));
          assert.equal(batch.column("ingested_at").int64(row), BigInt(appended["ingested_at"] as number));
        }
      }
      assert.equal(at, rows.length);
    });
  }

  test("read() - from is the first microsecond that is read, and until the first that is not", async () => {
    const [event] = fc.sample(eventsOf("escalation_logs"), { numRuns: 1, seed: 7 });
    const events = Array.from({ length: 10 }, (_, index) => ({ ...event, log_id: `${index}` }));
    await append("escalation_logs", events, 1_700_000_000_999_995);
    const at = 1_700_000_000_999_995n;
    const idsOf = async (from?: bigint, until?: bigint): Promise<unknown[]> => {
      const read = await reader.read({ table: "escalation_logs", columns: ["log_id"], from, until });
      const ids = (await valuesOf(read, ["log_id"])).map(({ log_id: id }) => id as string);
      // The others are longer.
      return ids.filter((id) => id.length === 1);
    };
    assert.deepEqual(await idsOf(at + 3n, at + 6n), ["3", "4", "5"]);
    assert.deepEqual(await idsOf(at + 8n), ["8", "9"]);
    assert.deepEqual(await idsOf(undefined, at + 1n), ["0"]);
    assert.deepEqual(await idsOf(at + 10n), []);
  });

  test("read() - there is nothing to read of a table that does not exist", async () => {
    const elsewhere = storageRowReader({
      projectId: PROJECT,
      datasetId: "nowhere",
      host: `${server.host}:${server.grpcPort}`,
    });
    assert.equal(await elsewhere.read({ table: "seals", columns: ["log_id"] }), undefined);
    await elsewhere.close();
  });

  test("column() - a column that was not asked for, or is of another kind, is ERR_READ", async () => {
    const read = await reader.read({ table: "conversations", columns: ["log_id", "published_at"] });
    for await (const batch of read?.batches ?? []) {
      assert.throws(() => batch.column("entry"), { code: "ERR_READ" });
      assert.throws(() => batch.column("log_id").int64(0), { code: "ERR_READ" });
      assert.throws(() => batch.column("published_at").bytes(0), { code: "ERR_READ" });
    }
  });
});

describe("storageRowReader(), of a service that fails", () => {
  const request = { table: "conversations", columns: ["n"] } as const;

  async function readerOf(
    t: TestContext,
    script: Script,
  ): Promise<{ readonly api: ScriptedReadApi; readonly reader: RowReader }> {
    const api = await scriptedReadApi(t, script);
    const reader = storageRowReader({ projectId: "p", host: api.host, token: "secret" });
    t.after(() => reader.close());
    return { api, reader };
  }

  const upTo = (end: number): object[] => Array.from({ length: end }, (_, n) => ({ n: BigInt(n) }));

  test("batches - a stream that breaks is read on behind the last row, and each row comes once", async (t) => {
    const { api, reader } = await readerOf(t, {
      answers: [
        { batches: [3, 4], outcome: status.UNAVAILABLE },
        { batches: [], outcome: status.INTERNAL },
        { batches: [1], outcome: status.UNKNOWN },
        { batches: [2] },
      ],
    });
    assert.deepEqual(await valuesOf(await reader.read(request), ["n"]), upTo(10));
    assert.deepEqual(
      api.calls.map(({ offset }) => offset),
      [0, 7, 7, 8],
    );
  });

  test("batches - a stream that only breaks is given up", async (t) => {
    const answers = Array.from({ length: 10 }, () => ({ batches: [], outcome: status.UNAVAILABLE }));
    const { api, reader } = await readerOf(t, { answers });
    await assert.rejects(valuesOf(await reader.read(request), ["n"]), { code: "ERR_READ", retryable: true });
    assert.equal(api.calls.length, 5);
  });

  test("batches - a stream that breaks after responses without rows is given up as well", async (t) => {
    const answers = Array.from({ length: 10 }, () => ({ batches: [0, 0], outcome: status.UNAVAILABLE }));
    const { api, reader } = await readerOf(t, { answers });
    await assert.rejects(valuesOf(await reader.read(request), ["n"]), { code: "ERR_READ", retryable: true });
    assert.equal(api.calls.length, 5);
  });

  test("batches - an error that will not pass ends the read at once", async (t) => {
    const { api, reader } = await readerOf(t, { answers: [{ batches: [1], outcome: status.ABORTED }] });
    await assert.rejects(valuesOf(await reader.read(request), ["n"]), { code: "ERR_READ", message: /scripted/ });
    assert.equal(api.calls.length, 1);
  });

  test("batches - the rows of all streams of a session, one stream after the other", async (t) => {
    const { api, reader } = await readerOf(t, { streams: ["a", "b"], answers: [{ batches: [2] }, { batches: [3] }] });
    assert.deepEqual(await valuesOf(await reader.read(request), ["n"]), [...upTo(2), ...upTo(3)]);
    assert.deepEqual(
      api.calls.map(({ stream }) => stream.slice(-1)),
      ["a", "b"],
    );
  });

  for (const code of [status.PERMISSION_DENIED, status.UNAUTHENTICATED]) {
    test(`read() - ${status[code]} is ERR_ACCESS_DENIED, of a session as of its rows`, async (t) => {
      const denied = { code: "ERR_ACCESS_DENIED", retryable: false };
      const sessions = await readerOf(t, { create: code });
      await assert.rejects(sessions.reader.read(request), denied);
      const rows = await readerOf(t, { answers: [{ batches: [1], outcome: code }] });
      await assert.rejects(valuesOf(await rows.reader.read(request), ["n"]), denied);
    });
  }

  test("read() - a session that cannot be made at once is asked for again", async (t) => {
    const { api, reader } = await readerOf(t, {
      create: [status.UNAVAILABLE, status.RESOURCE_EXHAUSTED],
      answers: [{ batches: [2] }],
    });
    assert.deepEqual(await valuesOf(await reader.read(request), ["n"]), upTo(2));
    assert.equal(api.sessions(), 3);
  });

  test("read() - a session that can never be made is given up, and one that may not be at once", async (t) => {
    const away = await readerOf(t, { create: status.UNAVAILABLE });
    await assert.rejects(away.reader.read(request), { code: "ERR_READ", retryable: true, message: /scripted/ });
    assert.equal(away.api.sessions(), 4);
    const refused = await readerOf(t, { create: status.INVALID_ARGUMENT });
    await assert.rejects(refused.reader.read(request), { code: "ERR_READ" });
    assert.equal(refused.api.sessions(), 1);
  });

  test("read() - a signal that aborts while a session is asked for ends that with its reason", async (t) => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const { api, reader } = await readerOf(t, {
      create: status.UNAVAILABLE,
      onCreate: () => controller.abort(reason),
    });
    await assert.rejects(reader.read({ ...request, signal: controller.signal }), reason);
    assert.equal(api.sessions(), 1);
  });

  test("read() - the token is sent with each call", async (t) => {
    const { api, reader } = await readerOf(t, { answers: [{ batches: [1] }] });
    await valuesOf(await reader.read(request), ["n"]);
    assert.deepEqual(api.calls[0]?.metadata.get("authorization"), ["Bearer secret"]);
  });

  test("batches - leaving the loop cancels the call", async (t) => {
    const { api, reader } = await readerOf(t, { answers: [{ batches: [1, 1, 1], outcome: "hang" }] });
    const read = await reader.read(request);
    for await (const batch of read?.batches ?? []) {
      assert.equal(batch.length, 1);
      break;
    }
    await api.calls[0]?.cancelled;
  });

  test("batches - a signal that aborts ends the read with its reason, and cancels the call", async (t) => {
    const { api, reader } = await readerOf(t, { answers: [{ batches: [1], outcome: "hang" }] });
    const controller = new AbortController();
    const read = await reader.read({ ...request, signal: controller.signal });
    const reason = new Error("enough");
    await assert.rejects(async () => {
      for await (const batch of read?.batches ?? []) {
        assert.equal(batch.length, 1);
        controller.abort(reason);
      }
    }, reason);
    await api.calls[0]?.cancelled;
    await assert.rejects(reader.read({ ...request, signal: controller.signal }), reason);
  });

  test("storageRowReader() - an address that is none is ERR_CONFIG", () => {
    assert.throws(() => storageRowReader({ projectId: "p", host: "nowhere" }), { code: "ERR_CONFIG" });
  });
});
