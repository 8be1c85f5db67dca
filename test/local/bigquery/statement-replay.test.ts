import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parsePolicy } from "../../../local/bigquery/access/policy.ts";
import { RestCaller } from "./callers.ts";
import { DATASET, openWarehouse, temporaryFolder } from "./clients.ts";
import { ADMIN, access, appendRows, createEvents } from "./events-table.ts";
import { end, spawnWarehouse } from "./warehouse-process.ts";

test("statements - an index that is built anew from the journal holds the same rows, whatever the time is then", async (t) => {
  const folder = await temporaryFolder();
  const first = await openWarehouse(t, folder, parsePolicy(access));
  const admin = await createEvents(t, first);
  const statements = [
    "UPDATE events SET text = CAST(CURRENT_TIMESTAMP() AS STRING), noted_at = CURRENT_TIMESTAMP() WHERE id = 1",
    "UPDATE events SET text = CAST(CURRENT_DATE('Asia/Tokyo') AS STRING), tags = ['x'] WHERE id = 2",
    "INSERT INTO events (id, text, cost) SELECT id + 10, text, cost * 2 FROM events WHERE id < 3",
    "CREATE TABLE logs.kept AS SELECT * FROM events",
    "DELETE FROM events WHERE id = 3",
    "CREATE OR REPLACE TABLE events AS SELECT id, text, noted_at, tags, payload, cost FROM events WHERE id != 2",
  ];
  for (const statement of statements) assert.equal((await admin.query(statement, DATASET)).message, "", statement);
  await appendRows(t, first, [4]);
  await admin.query("UPDATE events SET text = 'last' WHERE id = 4", DATASET);
  const rows =
    "SELECT id, text, noted_at, tags, payload, cost FROM events UNION ALL SELECT id, text, noted_at, tags, payload, cost FROM kept ORDER BY id, text, cost";
  const before = await admin.values(rows, DATASET);
  assert.equal(before.length, 9);
  await first.close();
  await rm(join(folder, "index.duckdb"));
  const second = await openWarehouse(t, folder, parsePolicy(access));
  assert.deepEqual(await new RestCaller(second, ADMIN).values(rows, DATASET), before);
});

test("statements - kill -9 between the journal and the index: each statement has been run once", async (t) => {
  const folder = await temporaryFolder();
  const policyFile = join(folder, "access.json");
  await writeFile(policyFile, JSON.stringify(access));
  const first = await spawnWarehouse(t, folder, "--access", policyFile);
  await createEvents(t, first);
  // The index is written to its file when the warehouse is closed, and not again before the kill.
  assert.equal(await end(first, "SIGTERM"), 0);
  const second = await spawnWarehouse(t, folder, "--access", policyFile);
  const admin = new RestCaller(second, ADMIN);
  for (let round = 0; round < 5; round++) {
    await admin.query("UPDATE events SET cost = cost + 1 WHERE TRUE", DATASET);
    await admin.query("INSERT INTO events (id, cost) SELECT MAX(id) + 1, 0 FROM events", DATASET);
  }
  await end(second, "SIGKILL");
  const third = await spawnWarehouse(t, folder, "--access", policyFile);
  const costs = await new RestCaller(third, ADMIN).values("SELECT id, cost FROM events ORDER BY id", DATASET);
  assert.deepEqual(costs, [
    ["1", "6.0"],
    ["2", "7.0"],
    ["3", "8.0"],
    ["4", "4.0"],
    ["5", "3.0"],
    ["6", "2.0"],
    ["7", "1.0"],
    ["8", "0.0"],
  ]);
});

test("statements - rows that are appended meanwhile are all there, and each update counts once", async (t) => {
  const server = await openWarehouse(t, undefined, parsePolicy(access));
  const admin = await createEvents(t, server);
  const appends = Array.from({ length: 20 }, (_, index) => appendRows(t, server, [100 + index]));
  const updates = Array.from({ length: 10 }, () =>
    admin.query("UPDATE events SET cost = cost + 1 WHERE id = 1", DATASET),
  );
  await Promise.all(appends);
  for (const { message } of await Promise.all(updates)) assert.equal(message, "");
  assert.deepEqual(
    await admin.values("SELECT COUNT(*) AS n, MIN(cost) AS cost FROM events WHERE id >= 100 OR id = 1", DATASET),
    [["21", "11.0"]],
  );
});
