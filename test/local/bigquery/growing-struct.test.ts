import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  Appender,
  bigQuery,
  createTable,
  DATASET,
  defaultStream,
  openWarehouse,
  RowType,
  temporaryFolder,
  writeClient,
} from "./clients.ts";

const name = { name: "name", type: "STRING" };
const score = { name: "score", type: "FLOAT64" };
type Field = Parameters<typeof createTable>[2][number];
const table = (...fields: Field[]): Field[] => [
  { name: "id", type: "STRING", mode: "REQUIRED" },
  { name: "steps", type: "STRUCT", mode: "REPEATED", fields },
  { name: "inner", type: "STRUCT", fields },
];

test("tables.patch - a struct gets further fields: rows that are there have them empty, rows to come may fill them", async (t) => {
  const folder = await temporaryFolder();
  const server = await openWarehouse(t, folder);
  const growing = await createTable(server, "growing", table(name));
  await growing.dataset.createTable("growing_view", {
    view: { query: `SELECT * FROM ${DATASET}.growing`, useLegacySql: false },
  });
  const [before, after] = [new RowType(table(name)), new RowType(table(name, score))];
  const appender = new Appender(writeClient(t, server));
  const writeStream = defaultStream("growing");
  const append = async (type: RowType, row: object, isFirst: boolean): Promise<void> => {
    const protoRows = { rows: { serializedRows: [type.encode(row as { [name: string]: unknown })] } };
    const { writerSchema } = type;
    const { error } = await appender.append(
      isFirst ? { writeStream, protoRows: { ...protoRows, writerSchema } } : { protoRows },
    );
    assert.equal(error ?? null, null);
  };
  await append(before, { id: "a", steps: [{ name: "x" }, { name: "y" }], inner: { name: "z" } }, true);
  await append(before, { id: "b" }, false);
  await growing.setMetadata({ schema: { fields: table(name, score) } });
  await append(before, { id: "c", steps: [{ name: "x" }] }, false);
  await append(after, { id: "d", steps: [{ name: "x", score: 1 }], inner: { score: 2 } }, true);
  appender.end();

  const expected = [
    {
      id: "a",
      steps: [
        { name: "x", score: null },
        { name: "y", score: null },
      ],
      inner: { name: "z", score: null },
    },
    { id: "b", steps: [], inner: null },
    { id: "c", steps: [{ name: "x", score: null }], inner: null },
    { id: "d", steps: [{ name: "x", score: 1 }], inner: { name: null, score: 2 } },
  ];
  const read = async (port: { port: number }, from: string): Promise<unknown> =>
    (await bigQuery(port).query(`SELECT * FROM ${DATASET}.${from} ORDER BY id`))[0];
  assert.deepEqual(await read(server, "growing"), expected);
  assert.deepEqual(await read(server, "growing_view"), expected);

  await server.close();
  await rm(join(folder, "index.duckdb"));
  const again = await openWarehouse(t, folder);
  assert.deepEqual(await read(again, "growing"), expected, "also in an index that is built anew");
  assert.deepEqual(await read(again, "growing_view"), expected);
});
