import assert from "node:assert/strict";
import { readdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import {
  Appender,
  DATASET,
  RowType,
  bigQuery,
  createTable,
  defaultStream,
  openWarehouse,
  temporaryFolder,
  writeClient,
} from "./clients.ts";
import { end, spawnWarehouse } from "./warehouse-process.ts";
import type { TestContext } from "node:test";
import type { WarehouseProcess } from "./warehouse-process.ts";

const fields = [
  { name: "id", type: "INT64", mode: "REQUIRED" },
  { name: "text", type: "STRING" },
];
const ROWS_A_REQUEST = 50;

async function storedIds(server: { port: number }): Promise<number[]> {
  const [rows] = await bigQuery(server).dataset(DATASET).table("events").getRows();
  return rows.map(({ id }) => Number(id)).toSorted((a, b) => a - b);
}

/** Appends until the process is killed, once `killAfter` requests are acknowledged. Returns how many were. */
async function appendUntilKilled(
  t: TestContext,
  server: WarehouseProcess,
  firstId: number,
  killAfter: number,
): Promise<number> {
  const rowType = new RowType(fields);
  const appender = new Appender(writeClient(t, server));
  let acknowledged = 0;
  const ended = (async () => {
    for (;;) {
      const { error } = await appender.response();
      assert.equal(error ?? null, null);
      acknowledged++;
      if (acknowledged === killAfter) server.child.kill("SIGKILL");
    }
  })();
  for (let request = 0; request < killAfter + 40; request++) {
    const ids = Array.from({ length: ROWS_A_REQUEST }, (_, index) => firstId + request * ROWS_A_REQUEST + index);
    const serializedRows = ids.map((id) => rowType.encode({ id, text: "x".repeat(200) }));
    appender.send({
      writeStream: defaultStream("events"),
      protoRows: { writerSchema: rowType.writerSchema, rows: { serializedRows } },
    });
  }
  await assert.rejects(ended, /UNAVAILABLE|ECONNRESET|CANCELLED|Connection dropped/);
  return acknowledged;
}

test("kill -9 during appends - every acknowledged row is there, and none twice", async (t) => {
  const folder = await temporaryFolder();
  const kills = [1, 7, 40];
  let expected: number[] = [];
  for (const [round, killAfter] of kills.entries()) {
    const server = await spawnWarehouse(t, folder);
    if (round === 0) await createTable(server, "events", fields);
    const before = await storedIds(server);
    assert.deepEqual([...new Set(before)], before, "a row is there twice");
    const known = new Set(before);
    assert.deepEqual(
      expected.filter((id) => !known.has(id)),
      [],
      "an acknowledged row is missing",
    );
    const firstId = (round + 1) * 1_000_000;
    const acknowledged = await appendUntilKilled(t, server, firstId, killAfter);
    const added = Array.from({ length: acknowledged * ROWS_A_REQUEST }, (_, index) => firstId + index);
    expected = [...before, ...added];
  }
  const server = await spawnWarehouse(t, folder);
  const stored = await storedIds(server);
  const known = new Set(stored);
  assert.equal(known.size, stored.length, "a row is there twice");
  assert.deepEqual(
    expected.filter((id) => !known.has(id)),
    [],
    "an acknowledged row is missing",
  );
});

test("main - SIGTERM ends it with exit code 0, and the rows are there afterwards", async (t) => {
  const folder = await temporaryFolder();
  const server = await spawnWarehouse(t, folder);
  await createTable(server, "events", fields);
  await appendOne(t, server, 1);
  assert.equal(await end(server, "SIGTERM"), 0);
  assert.deepEqual(await storedIds(await spawnWarehouse(t, folder)), [1]);
});

test("main - a port that is taken is an error that says EADDRINUSE, and exit code 1", async (t) => {
  const server = await openWarehouse(t);
  const taken = spawnWarehouse(t, await temporaryFolder(), "--port", String(server.port));
  await assert.rejects(taken, /exit 1: .*EADDRINUSE/s);
  const grpcTaken = spawnWarehouse(t, await temporaryFolder(), "--grpc-port", String(server.grpcPort));
  await assert.rejects(grpcTaken, /exit 1: .*EADDRINUSE/s);
});

test("main - a folder has one warehouse at a time", async (t) => {
  const folder = await temporaryFolder();
  await openWarehouse(t, folder);
  await assert.rejects(spawnWarehouse(t, folder), /exit 1: .*Another warehouse uses/s);
});

const damages = [
  { name: "garbage", damage: (path: string) => writeFile(path, "this is no database".repeat(1000)) },
  { name: "cut off", damage: (path: string) => truncate(path, 20_000) },
  { name: "ahead of the journal", damage: moveAhead },
];
for (const { name, damage } of damages) {
  test(`open - an index that is ${name} is moved aside and built anew from the journal`, async (t) => {
    const folder = await temporaryFolder();
    const first = await spawnWarehouse(t, folder);
    await createTable(first, "events", fields);
    for (const id of [1, 2, 3]) await appendOne(t, first, id);
    await end(first, "SIGTERM");
    await damage(join(folder, "index.duckdb"));
    const second = await openWarehouse(t, folder);
    assert.deepEqual(await storedIds(second), [1, 2, 3]);
    assert.equal((await readdir(folder)).filter((file) => file.startsWith("index.duckdb.unusable-")).length, 1);
  });
}

async function moveAhead(path: string): Promise<void> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  await connection.run("UPDATE _indelible.position SET value = value + 1");
  connection.closeSync();
  instance.closeSync();
}

async function appendOne(t: TestContext, server: { grpcPort: number }, id: number): Promise<void> {
  const rowType = new RowType(fields);
  const appender = new Appender(writeClient(t, server));
  const rows = { serializedRows: [rowType.encode({ id })] };
  const { error } = await appender.append({
    writeStream: defaultStream("events"),
    protoRows: { writerSchema: rowType.writerSchema, rows },
  });
  appender.end();
  assert.equal(error ?? null, null);
}
