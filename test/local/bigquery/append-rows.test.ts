import assert from "node:assert/strict";
import { test } from "node:test";
import { protos } from "@google-cloud/bigquery-storage";
import { status } from "@grpc/grpc-js";
import {
  Appender,
  DATASET,
  RowType,
  bigQuery,
  createTable,
  defaultStream,
  openWarehouse,
  writeClient,
} from "./clients.ts";

const { StorageError } = protos.google.cloud.bigquery.storage.v1;

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
  {
    name: "steps",
    type: "STRUCT",
    mode: "REPEATED",
    fields: [
      { name: "name", type: "STRING" },
      { name: "count", type: "INT64" },
      { name: "inner", type: "STRUCT", fields: [{ name: "notes", type: "STRING", mode: "REPEATED" }] },
    ],
  },
];
const idOnly = [{ name: "id", type: "STRING", mode: "REQUIRED" }];

test("AppendRows - every type comes back as it was sent, and a missing field as NULL or an empty list", async (t) => {
  const server = await openWarehouse(t);
  const table = await createTable(server, "all_types", allTypes);
  const rowType = new RowType(allTypes);
  const appender = new Appender(writeClient(t, server));
  const full = {
    id: "a",
    text: 'nul \u0000, snow ☃, astral 🜲, quote "',
    big: "-9223372036854775808",
    number: -0.1,
    flag: false,
    at: "253402300799999999",
    day: 20_000,
    local: "2026-11-23T01:02:03.000004",
    price: "-12345678901234567890123456789.123456789",
    raw: Uint8Array.of(0, 255, 10),
    doc: '{"b": [1, null], "a": "☃"}',
    tags: ["x", "", "z"],
    steps: [{ name: "one", count: "9007199254740993", inner: { notes: ["n1", "n2"] } }, { count: 0 }, {}],
  };
  const response = await appender.append({
    writeStream: defaultStream("all_types"),
    protoRows: {
      writerSchema: rowType.writerSchema,
      rows: { serializedRows: [rowType.encode(full), rowType.encode({ id: "b" })] },
    },
  });
  appender.end();
  assert.equal(response.error ?? null, null);
  assert.equal(response.appendResult?.offset ?? null, null);

  const [rows] = await table.getRows({ skipParsing: true });
  const [first, second] = rows as unknown as { f: { v: unknown }[] }[];
  const step = (name: unknown, count: unknown, notes: unknown): unknown => ({
    v: { f: [{ v: name }, { v: count }, { v: notes }] },
  });
  assert.deepEqual(
    first?.f.map(({ v }) => v),
    [
      full.id,
      full.text,
      full.big,
      "-0.1",
      "false",
      full.at,
      "2024-10-04",
      full.local,
      full.price,
      "AP8K",
      full.doc,
      [{ v: "x" }, { v: "" }, { v: "z" }],
      [
        step("one", "9007199254740993", { f: [{ v: [{ v: "n1" }, { v: "n2" }] }] }),
        step(null, "0", null),
        step(null, null, null),
      ],
    ],
  );
  assert.deepEqual(
    second?.f.map(({ v }) => v),
    ["b", ...Array.from({ length: 10 }, () => null), [], []],
  );
});

test("AppendRows - one bad row: none of the batch is appended and row_errors says which rows and why", async (t) => {
  const server = await openWarehouse(t);
  const table = await createTable(server, "all_types", allTypes);
  const rowType = new RowType(allTypes);
  const appender = new Appender(writeClient(t, server));
  const lax = new RowType(allTypes.map((field) => (field.name === "id" ? { ...field, mode: "NULLABLE" } : field)));
  const good = rowType.encode({ id: "good" });
  const request = (serializedRows: Uint8Array[]): object => ({
    writeStream: defaultStream("all_types"),
    protoRows: { writerSchema: rowType.writerSchema, rows: { serializedRows } },
  });
  const refused = await appender.append(
    request([
      good,
      rowType.encode({ id: "x", at: "253402300800000000" }),
      rowType.encode({ id: "x", doc: "{not json" }),
      lax.encode({ text: "no id" }),
      rowType.encode({ id: "x", price: "1.0000000001" }),
      rowType.encode({ id: "x", local: "2026-02-30T00:00:00" }),
      rowType.encode({ id: "x", doc: String.raw`"\ud800"` }),
      Uint8Array.of(10, 1, 0xff),
      Uint8Array.of(10, 200, 1),
      Uint8Array.of(250, 1, 1, 65),
    ]),
  );
  assert.equal(refused.error?.code, status.INVALID_ARGUMENT);
  assert.deepEqual(
    refused.rowErrors?.map(({ index, code, message }) => [Number(index), code, message]),
    [
      [1, "FIELDS_ERROR", "Field at is a timestamp outside of the years 1 to 9999"],
      [2, "FIELDS_ERROR", "Field doc is not valid JSON"],
      [3, "FIELDS_ERROR", "Field id is required and missing."],
      [4, "FIELDS_ERROR", "Field price is not a NUMERIC with at most 9 decimals"],
      [5, "FIELDS_ERROR", "Field local is not a datetime"],
      [6, "FIELDS_ERROR", "Field doc is not valid JSON"],
      [7, "FIELDS_ERROR", "Field id is not valid UTF-8"],
      [8, "FIELDS_ERROR", "Field id The row ends within a value."],
      [9, "FIELDS_ERROR", "Field number 31 is not in the writer schema."],
    ],
  );
  const retried = await appender.append(request([good]));
  appender.end();
  assert.equal(retried.error ?? null, null);
  const [rows] = await table.getRows();
  assert.deepEqual(
    rows.map(({ id }) => id),
    ["good"],
  );
});

test("AppendRows - a field that the table lacks is a schema mismatch, and the connection goes on", async (t) => {
  const server = await openWarehouse(t);
  await createTable(server, "narrow", idOnly);
  const wide = new RowType([...idOnly, { name: "colour", type: "STRING" }]);
  const narrow = new RowType([{ name: "ID", type: "STRING", mode: "REQUIRED" }]);
  const appender = new Appender(writeClient(t, server));
  const refused = await appender.append({
    writeStream: defaultStream("narrow"),
    protoRows: { writerSchema: wide.writerSchema, rows: { serializedRows: [wide.encode({ id: "a", colour: "red" })] } },
  });
  assert.equal(refused.error?.code, status.INVALID_ARGUMENT);
  const detail = refused.error?.details?.[0];
  assert.equal(detail?.type_url, "type.googleapis.com/google.cloud.bigquery.storage.v1.StorageError");
  const { code } = StorageError.decode(detail?.value as Uint8Array);
  assert.equal(code, StorageError.StorageErrorCode.SCHEMA_MISMATCH_EXTRA_FIELDS);
  const accepted = await appender.append({
    writeStream: defaultStream("narrow"),
    protoRows: { writerSchema: narrow.writerSchema, rows: { serializedRows: [narrow.encode({ ID: "a" })] } },
  });
  appender.end();
  assert.equal(accepted.error ?? null, null);
});

test("AppendRows - one connection writes to several tables, and its responses come in order", async (t) => {
  const server = await openWarehouse(t);
  const numbers = [{ name: "n", type: "INT64" }];
  const [first, second] = [await createTable(server, "first", idOnly), await createTable(server, "second", numbers)];
  const [firstType, secondType] = [new RowType(idOnly), new RowType(numbers)];
  const appender = new Appender(writeClient(t, server));
  for (let turn = 0; turn < 10; turn++) {
    appender.send({
      writeStream: defaultStream("first"),
      protoRows: {
        writerSchema: firstType.writerSchema,
        rows: { serializedRows: [firstType.encode({ id: `${turn}` })] },
      },
    });
    appender.send({
      writeStream: defaultStream("second"),
      protoRows: { writerSchema: secondType.writerSchema, rows: { serializedRows: [secondType.encode({ n: turn })] } },
    });
    appender.send({ protoRows: { rows: { serializedRows: [secondType.encode({ n: turn + 100 })] } } });
  }
  const streams: unknown[] = [];
  for (let index = 0; index < 30; index++) {
    const { error, writeStream } = await appender.response();
    assert.equal(error ?? null, null);
    streams.push(writeStream);
  }
  appender.end();
  const expected = Array.from({ length: 10 }, () => ["first", "second", "second"].map(defaultStream)).flat();
  assert.deepEqual(streams, expected);
  const [[firstRows], [secondRows]] = await Promise.all([first.getRows(), second.getRows()]);
  assert.deepEqual(
    firstRows.map(({ id }) => id),
    Array.from({ length: 10 }, (_, turn) => `${turn}`),
  );
  assert.equal(secondRows.length, 20);
});

const endings = [
  {
    name: "an unknown table",
    code: status.NOT_FOUND,
    request: (rowType: RowType) => ({ writeStream: defaultStream("nowhere"), writerSchema: rowType.writerSchema }),
  },
  {
    name: "a first request without a writer schema",
    code: status.INVALID_ARGUMENT,
    request: () => ({ writeStream: defaultStream("narrow"), writerSchema: null }),
  },
  {
    name: "a first request without a stream",
    code: status.INVALID_ARGUMENT,
    request: (rowType: RowType) => ({ writeStream: "", writerSchema: rowType.writerSchema }),
  },
  {
    name: "a request above 10 MB",
    code: status.INVALID_ARGUMENT,
    request: (rowType: RowType) => ({ writeStream: defaultStream("narrow"), writerSchema: rowType.writerSchema }),
    id: "x".repeat(10 * 1024 * 1024),
  },
];
for (const { name, code, request, id = "a" } of endings) {
  test(`AppendRows - ${name} ends the connection with ${status[code]}`, async (t) => {
    const server = await openWarehouse(t);
    await createTable(server, "narrow", idOnly);
    const rowType = new RowType(idOnly);
    const appender = new Appender(writeClient(t, server));
    const { writeStream, writerSchema } = request(rowType);
    const rows = { serializedRows: [rowType.encode({ id })] };
    await assert.rejects(appender.append({ writeStream, protoRows: { writerSchema, rows } }), { code });
  });
}

test("AppendRows - columns that are added to a table can be written on a connection that is open", async (t) => {
  const server = await openWarehouse(t);
  const table = await createTable(server, "growing", idOnly);
  const wider = [...idOnly, { name: "tags", type: "STRING", mode: "REPEATED" }, { name: "n", type: "INT64" }];
  const [before, after] = [new RowType(idOnly), new RowType(wider)];
  const appender = new Appender(writeClient(t, server));
  const writeStream = defaultStream("growing");
  await appender.append({
    writeStream,
    protoRows: { writerSchema: before.writerSchema, rows: { serializedRows: [before.encode({ id: "old" })] } },
  });
  await table.setMetadata({ schema: { fields: wider } });
  await appender.append({ protoRows: { rows: { serializedRows: [before.encode({ id: "narrow" })] } } });
  const response = await appender.append({
    writeStream,
    protoRows: {
      writerSchema: after.writerSchema,
      rows: { serializedRows: [after.encode({ id: "wide", tags: ["x"], n: 1 })] },
    },
  });
  appender.end();
  assert.equal(response.error ?? null, null);
  const [rows] = await bigQuery(server).dataset(DATASET).table("growing").getRows();
  assert.deepEqual(rows, [
    { id: "old", tags: [], n: null },
    { id: "narrow", tags: [], n: null },
    { id: "wide", tags: ["x"], n: 1 },
  ]);
});
