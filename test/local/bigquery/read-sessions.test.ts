import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { duckdbTable } from "../../../local/bigquery/catalog.ts";
import { ReadSessions, SESSION_LIFETIME_MS, streamName } from "../../../local/bigquery/storage-read/read-sessions.ts";
import { createSession, readClient, readRows } from "./read-client.ts";
import { events, serveReads } from "./read-server.ts";
import type { ReadSession } from "../../../local/bigquery/storage-read/read-sessions.ts";

const sessionOf = (number: number): ReadSession =>
  ({ name: `projects/p/locations/us/sessions/s${number}` }) as ReadSession;
const streamOf = (number: number): string => streamName(sessionOf(number).name);

test("ReadSessions - a session is there for 6 hours", () => {
  let now = 1000;
  const sessions = new ReadSessions(() => now);
  assert.equal(sessions.add(sessionOf(1)), 1000 + SESSION_LIFETIME_MS);
  now += SESSION_LIFETIME_MS - 1;
  assert.equal(sessions.ofStream(streamOf(1)).name, sessionOf(1).name);
  now += 1;
  assert.throws(() => sessions.ofStream(streamOf(1)), { code: status.NOT_FOUND, message: /create another one/ });
});

test("ReadSessions - beyond a thousand, the one that was idle longest goes, and never one that is being read", async () => {
  const sessions = new ReadSessions();
  for (let number = 0; number < 1000; number++) sessions.add(sessionOf(number));
  await sessions.reading(streamOf(0), () => Promise.resolve());
  await sessions.reading(streamOf(1), async () => {
    sessions.add(sessionOf(1000));
    for (let number = 2000; number < 3000; number++) sessions.add(sessionOf(number));
    assert.equal(sessions.ofStream(streamOf(1)).name, sessionOf(1).name);
  });
  for (const gone of [0, 2, 999, 1000])
    assert.throws(() => sessions.ofStream(streamOf(gone)), { code: status.NOT_FOUND });
});

test("ReadRows - once rows of the session are deleted, it says so instead of giving the others", async (t) => {
  const server = await serveReads(t);
  const client = readClient(t, server);
  await server.warehouse.caughtUp(10_000);
  const connection = await server.warehouse.connect();
  await connection.run(`INSERT INTO ${duckdbTable(events)} SELECT n, 'text' FROM range(10) rows(n)`);
  const session = await createSession(client, "events", { selectedFields: ["id"] });
  assert.equal((await readRows(client, session)).length, 10);
  await connection.run(`DELETE FROM ${duckdbTable(events)} WHERE id = '3'`);
  connection.closeSync();
  await assert.rejects(readRows(client, session), { code: status.ABORTED, details: /create another session/ });
});
