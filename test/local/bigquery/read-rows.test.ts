import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { RecordBatchReader } from "apache-arrow";
import {
  Appender,
  DATASET,
  PROJECT,
  RowType,
  bigQuery,
  createTable,
  defaultStream,
  temporaryFolder,
  writeClient,
} from "./clients.ts";
import { createSession, readBatches, readClient, readRows, tableName } from "./read-client.ts";
import { spawnWarehouse } from "./warehouse-process.ts";
import type { TestContext } from "node:test";

const allTypes = [
  { name: "id", type: "STRING", mode: "REQUIRED" },
  { name: "text", type: "STRING" },
  { name: "big", type: "INT64" },
  { name: "number", type: "FLOAT64" },
  { name: "flag", type: "BOOL" },
  { name: "at", type: "TIMESTAMP" },
  { name: "day", type: "DATE" },
  { name: "local", type: "DATETIME" },
  { name: "price", type: "NUMERIC" },
  { name: "raw", type: "BYTES" },
  { name: "doc", type: "JSON" },
  { name: "tags", type: "STRING", mode: "REPEATED" },
  { name: "docs", type: "JSON", mode: "REPEATED" },
  {
    name: "one",
    type: "STRUCT",
    fields: [
      { name: "x", type: "INT64" },
      { name: "ys", type: "FLOAT64", mode: "REPEATED" },
    ],
  },
  {
    name: "steps",
    type: "STRUCT",
    mode: "REPEATED",
    fields: [
      { name: "name", type: "STRING" },
      { name: "count", type: "INT64" },
      { name: "raw", type: "BYTES" },
      { name: "inner", type: "STRUCT", fields: [{ name: "notes", type: "STRING", mode: "REPEATED" }] },
    ],
  },
];
const numbered = [
  { name: "n", type: "INT64", mode: "REQUIRED" },
  { name: "text", type: "STRING" },
];

const nothing = {
  ...Object.fromEntries(allTypes.map(({ name }) => [name, null])),
  tags: [],
  docs: [],
  steps: [],
};

type World = Awaited<ReturnType<typeof world>>;

/** A warehouse in a process of its own, and Google's clients of it. */
async function world(t: TestContext): Promise<{
  readonly server: { readonly port: number; readonly grpcPort: number };
  readonly reads: ReturnType<typeof readClient>;
  append(tableId: string, fields: ConstructorParameters<typeof RowType>[0], rows: readonly object[]): Promise<void>;
}> {
  const server = await spawnWarehouse(t, await temporaryFolder());
  const writes = writeClient(t, server);
  return {
    server,
    reads: readClient(t, server),
    async append(tableId, fields, rows) {
      const rowType = new RowType(fields);
      const appender = new Appender(writes);
      const serializedRows = rows.map((row) => rowType.encode(row as Record<string, unknown>));
      const { error } = await appender.append({
        writeStream: defaultStream(tableId),
        protoRows: { writerSchema: rowType.writerSchema, rows: { serializedRows } },
      });
      appender.end();
      assert.equal(error ?? null, null);
    },
  };
}

async function numberedRows({ server, append }: World, tableId: string, count: number, text = "t"): Promise<void> {
  await createTable(server, tableId, numbered);
  for (let from = 0; from < count; from += 5000) {
    const length = Math.min(5000, count - from);
    await append(
      tableId,
      numbered,
      Array.from({ length }, (_, index) => ({ n: from + index, text })),
    );
  }
}

test("ReadRows - every type comes back as it was appended, and NULL and empty lists as such", async (t) => {
  const { server, reads, append } = await world(t);
  await createTable(server, "all_types", allTypes);
  await append("all_types", allTypes, [
    {
      id: "a",
      text: 'nul \u0000, snow ☃, astral 🜲, quote "',
      big: "-9223372036854775808",
      number: -0.1,
      flag: true,
      at: "1764000000123456",
      day: 20_000,
      local: "2026-11-23T01:02:03.000004",
      price: "-12345678901234567890123456789.123456789",
      raw: Uint8Array.of(0, 255, 10),
      doc: '{"b":[1,null],"a":"☃"}',
      tags: ["x", "", "ž"],
      docs: ["[]", '"d"'],
      one: { x: 1, ys: [0.5, -1] },
      steps: [
        { name: "one", count: "9007199254740993", raw: Uint8Array.of(7), inner: { notes: ["n1", "", "n2"] } },
        { count: 0 },
        {},
      ],
    },
    { id: "" },
    { id: "c", text: "", flag: false, raw: new Uint8Array(0), one: {}, steps: [{ inner: {} }] },
  ]);
  const session = await createSession(reads, "all_types");
  assert.deepEqual(await readRows(reads, session), [
    {
      id: "a",
      text: 'nul \u0000, snow ☃, astral 🜲, quote "',
      big: -9_223_372_036_854_775_808n,
      number: -0.1,
      flag: true,
      at: 1_764_000_000_123.456,
      day: 20_000 * 86_400_000,
      local: Date.UTC(2026, 10, 23, 1, 2, 3) + 0.004,
      price: "-12345678901234567890123456789123456789",
      raw: [0, 255, 10],
      doc: '{"b":[1,null],"a":"☃"}',
      tags: ["x", "", "ž"],
      docs: ["[]", '"d"'],
      one: { x: 1n, ys: [0.5, -1] },
      steps: [
        { name: "one", count: 9_007_199_254_740_993n, raw: [7], inner: { notes: ["n1", "", "n2"] } },
        { name: null, count: 0n, raw: null, inner: null },
        { name: null, count: null, raw: null, inner: null },
      ],
    },
    { ...nothing, id: "" },
    {
      ...nothing,
      id: "c",
      text: "",
      flag: false,
      raw: [],
      one: { x: null, ys: [] },
      steps: [{ name: null, count: null, raw: null, inner: { notes: [] } }],
    },
  ]);
});

test("CreateReadSession - the schema is what BigQuery gives for these types", async (t) => {
  const { server, reads } = await world(t);
  await createTable(server, "all_types", allTypes);
  const session = await createSession(reads, "all_types");
  const { schema } = RecordBatchReader.from(session.arrowSchema?.serializedSchema as Uint8Array).open();
  assert.deepEqual(
    schema.fields.map(({ name, type, nullable, metadata }) => [
      name,
      String(type),
      nullable,
      Object.fromEntries(metadata),
    ]),
    [
      ["id", "Utf8", false, {}],
      ["text", "Utf8", true, {}],
      ["big", "Int64", true, {}],
      ["number", "Float64", true, {}],
      ["flag", "Bool", true, {}],
      ["at", "Timestamp<MICROSECOND, UTC>", true, {}],
      ["day", "Date32<DAY>", true, {}],
      ["local", "Timestamp<MICROSECOND>", true, { "ARROW:extension:name": "google:sqlType:datetime" }],
      ["price", "Decimal[38e+9]", true, {}],
      ["raw", "Binary", true, {}],
      ["doc", "Utf8", true, { "ARROW:extension:name": "google:sqlType:json" }],
      ["tags", "List<Utf8>", false, {}],
      ["docs", "List<Utf8>", false, { "ARROW:extension:name": "google:sqlType:json" }],
      ["one", "Struct<{x:Int64, ys:List<Float64>}>", true, {}],
      ["steps", "List<Struct<{name:Utf8, count:Int64, raw:Binary, inner:Struct<{notes:List<Utf8>}>}>>", false, {}],
    ],
  );
  assert.match(session.name ?? "", new RegExp(`^projects/${PROJECT}/locations/us/sessions/[0-9a-f]+$`));
});

test("CreateReadSession - fields come in the table's order, and fields of structs can be chosen", async (t) => {
  const { server, reads, append } = await world(t);
  await createTable(server, "all_types", allTypes);
  await append("all_types", allTypes, [
    { id: "a", text: "x", steps: [{ name: "s", count: 3, inner: { notes: ["n"] } }] },
  ]);
  const selectedFields = ["steps.inner.notes", "TEXT", "id", "steps.count"];
  const session = await createSession(reads, "all_types", { selectedFields });
  const [row] = await readRows(reads, session);
  assert.deepEqual(Object.entries(row ?? {}), [
    ["id", "a"],
    ["text", "x"],
    ["steps", [{ count: 3n, inner: { notes: ["n"] } }]],
  ]);
});

test("CreateReadSession - a restriction selects rows, by numbers, texts and times", async (t) => {
  const current = await world(t);
  const { reads, append, server } = current;
  await numberedRows(current, "numbered", 3000);
  const restricted = await createSession(reads, "numbered", {
    rowRestriction: "n >= 10 AND n < 13 OR n = 2999 -- and no more",
  });
  assert.equal(Number(restricted.estimatedRowCount), 4);
  assert.deepEqual(
    (await readRows(reads, restricted)).map(({ n }) => n),
    [10n, 11n, 12n, 2999n],
  );
  await createTable(server, "all_types", allTypes);
  await append("all_types", allTypes, [{ id: "a", at: 1_000_000 }, { id: "b", at: 1_000_001 }, { id: "c" }]);
  const rowRestriction = "`at` > TIMESTAMP '1970-01-01T00:00:01.000000Z' AND id LIKE 'b%'";
  const session = await createSession(reads, "all_types", { rowRestriction, selectedFields: ["id"] });
  assert.deepEqual(await readRows(reads, session), [{ id: "b" }]);
});

test("ReadRows - from an offset, the rows behind it in the same order, and none at the end", async (t) => {
  const current = await world(t);
  await numberedRows(current, "numbered", 12_000, "x".repeat(900));
  const session = await createSession(current.reads, "numbered", { rowRestriction: "MOD(n, 3) != 1" });
  const all = await readRows(current.reads, session);
  assert.equal(all.length, 8000);
  for (const offset of [0, 1, 170, 171, 3333, 7999, 8000]) {
    assert.deepEqual(await readRows(current.reads, session, offset), all.slice(offset), `offset ${offset}`);
  }
  await assert.rejects(readRows(current.reads, session, 8001), { code: status.OUT_OF_RANGE });
});

test("ReadRows - more rows than a message holds, in order and each once", async (t) => {
  const current = await world(t);
  await numberedRows(current, "numbered", 130_000, "y".repeat(60));
  await current.append("numbered", numbered, [{ n: 130_000, text: "z".repeat(6_000_000) }, { n: 130_001 }]);
  const session = await createSession(current.reads, "numbered");
  const batches = await readBatches(current.reads, session);
  assert.ok(batches.length > 10);
  assert.deepEqual(
    batches.flat().map(({ n }) => n),
    Array.from({ length: 130_002 }, (_, n) => BigInt(n)),
  );
  assert.equal(String(batches.flat().at(-2)?.["text"]).length, 6_000_000);
});

test("ReadRows - a session sees what was acknowledged when it began, and nothing later, however often it is read", async (t) => {
  const current = await world(t);
  const { reads, append } = current;
  await numberedRows(current, "numbered", 10);
  const session = await createSession(reads, "numbered");
  await append("numbered", numbered, [{ n: 10 }]);
  assert.equal((await readRows(reads, session)).length, 10);
  assert.equal((await readRows(reads, session)).length, 10);
  assert.equal((await readRows(reads, await createSession(reads, "numbered"))).length, 11);
});

test("ReadRows - columns that a table got later are NULL or empty in older rows", async (t) => {
  const current = await world(t);
  const { server, reads, append } = current;
  await numberedRows(current, "numbered", 2);
  const before = await createSession(reads, "numbered");
  const fields = [...numbered, { name: "tags", type: "STRING", mode: "REPEATED" }, { name: "late", type: "JSON" }];
  await bigQuery(server).dataset(DATASET).table("numbered").setMetadata({ schema: { fields } });
  await append("numbered", fields, [{ n: 2, tags: ["a"], late: "1" }]);
  assert.deepEqual((await readRows(reads, before)).at(-1), { n: 1n, text: "t" });
  assert.deepEqual((await readRows(reads, await createSession(reads, "numbered"))).slice(1), [
    { n: 1n, text: "t", tags: [], late: null },
    { n: 2n, text: null, tags: ["a"], late: "1" },
  ]);
});

test("ReadRows - a table without rows has a session, and its stream ends at once", async (t) => {
  const { server, reads } = await world(t);
  await createTable(server, "numbered", numbered);
  const session = await createSession(reads, "numbered");
  assert.deepEqual(await readRows(reads, session), []);
});

test("ReadRows - a client that goes away in the middle leaves a warehouse that answers", async (t) => {
  const current = await world(t);
  await numberedRows(current, "numbered", 20_000, "x".repeat(1000));
  const session = await createSession(current.reads, "numbered");
  for (let turn = 0; turn < 3; turn++) {
    const call = current.reads.readRows({ readStream: session.streams?.[0]?.name ?? "" });
    await new Promise((resolve) => call.once("data", resolve));
    call.on("error", () => undefined);
    call.cancel();
  }
  assert.equal((await readRows(current.reads, session)).length, 20_000);
});

test("ReadRows - a stream that nobody created, and one of a table that is gone, is NOT_FOUND", async (t) => {
  const current = await world(t);
  const { reads, server } = current;
  const streams = [{ name: `projects/${PROJECT}/locations/us/sessions/none/streams/0` }];
  await assert.rejects(readRows(reads, { streams }), { code: status.NOT_FOUND });
  await assert.rejects(readRows(reads, { streams: [{ name: "stream" }] }), { code: status.INVALID_ARGUMENT });
  await numberedRows(current, "numbered", 1);
  const session = await createSession(reads, "numbered");
  await bigQuery(server).dataset(DATASET).table("numbered").delete();
  await assert.rejects(readRows(reads, session), { code: status.NOT_FOUND });
});

test("SplitReadStream - answers that the stream cannot be split", async (t) => {
  const current = await world(t);
  await numberedRows(current, "numbered", 1);
  const session = await createSession(current.reads, "numbered");
  const [split] = await current.reads.splitReadStream({ name: session.streams?.[0]?.name ?? "", fraction: 0.5 });
  assert.deepEqual([split.primaryStream ?? null, split.remainderStream ?? null], [null, null]);
});

test("CreateReadSession - what it cannot give is refused, with what to do instead", async (t) => {
  const current = await world(t);
  const { reads, server } = current;
  await numberedRows(current, "numbered", 1);
  await bigQuery(server)
    .dataset(DATASET)
    .createTable("a_view", { view: { query: "SELECT 1 AS n", useLegacySql: false } });
  const parent = `projects/${PROJECT}`;
  const table = tableName("numbered");
  const refusals = [
    [{ dataFormat: "AVRO", table }, status.UNIMPLEMENTED, /use data_format ARROW/],
    [{ table }, status.INVALID_ARGUMENT, /DATA_FORMAT_UNSPECIFIED: use ARROW/],
    [{ dataFormat: "ARROW", table: "numbered" }, status.INVALID_ARGUMENT, /is not the name of a table/],
    [{ dataFormat: "ARROW", table: tableName("nowhere") }, status.NOT_FOUND, /Not found: Table/],
    [{ dataFormat: "ARROW", table: tableName("a_view") }, status.INVALID_ARGUMENT, /non-table entities cannot be read/],
    [
      { dataFormat: "ARROW", table, tableModifiers: { snapshotTime: { seconds: 1 } } },
      status.UNIMPLEMENTED,
      /snapshot_time/,
    ],
    [{ dataFormat: "ARROW", table, readOptions: { samplePercentage: 10 } }, status.UNIMPLEMENTED, /sample_percentage/],
    [
      { dataFormat: "ARROW", table, readOptions: { arrowSerializationOptions: { bufferCompression: "ZSTD" } } },
      status.UNIMPLEMENTED,
      /buffer_compression/,
    ],
    [{ dataFormat: "ARROW", table, readOptions: { responseCompressionCodec: 2 } }, status.UNIMPLEMENTED, /compression/],
    [
      { dataFormat: "ARROW", table, readOptions: { selectedFields: ["x"] } },
      status.INVALID_ARGUMENT,
      /do not exist.*: x/,
    ],
  ] as const;
  for (const [readSession, code, message] of refusals) {
    await assert.rejects(reads.createReadSession({ parent, readSession: readSession as object }), { code, message });
  }
});

const smuggled = [
  "n = 1; SELECT 1",
  "n = 1) OR (TRUE",
  "TRUE) UNION ALL SELECT 1, * FROM numbered WHERE (TRUE",
  "n IN (SELECT n FROM numbered)",
  "EXISTS(SELECT 1 FROM other)",
  "TRUE ORDER BY n",
  "n = 1 LIMIT 1",
  "n = @n",
  "n = ?",
  "text < CAST(CURRENT_TIMESTAMP() AS STRING)",
  "nothing = 1",
  "COUNT(*) > 1",
  "n =",
  "'",
  "CAST(text AS INT64) = 1",
];
test("CreateReadSession - a restriction that is not one condition over the table's columns is refused", async (t) => {
  const current = await world(t);
  await numberedRows(current, "numbered", 1);
  for (const rowRestriction of smuggled) {
    const refused = createSession(current.reads, "numbered", { rowRestriction });
    const message = /Row filter for table test-project:logs.numbered is invalid/;
    await assert.rejects(refused, { code: status.INVALID_ARGUMENT, message }, rowRestriction);
  }
});
