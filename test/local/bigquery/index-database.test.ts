import assert from "node:assert/strict";
import { test } from "node:test";
import { checkpoint, openIndex, prepareSession, storePosition } from "../../../local/bigquery/index-database.ts";
import { temporaryFolder } from "./clients.ts";

test("checkpoint() - a transaction that is older than what is written is not in its way, and sees what it saw", async () => {
  const folder = await temporaryFolder();
  const { instance } = await openIndex(folder, 0);
  const [writer, reader] = [await instance.connect(), await instance.connect()];
  for (const connection of [writer, reader]) await prepareSession(connection);
  const count = async (): Promise<unknown> => (await reader.runAndReadAll("SELECT count(*) FROM t")).getRows()[0]?.[0];
  await writer.run("CREATE TABLE t AS SELECT n FROM range(1000) rows(n)");
  await storePosition(writer, 1);
  await reader.run("BEGIN TRANSACTION READ ONLY");
  assert.equal(await count(), 1000n);
  await writer.run("INSERT INTO t VALUES (0)");
  await storePosition(writer, 2);
  await checkpoint(writer);
  assert.equal(await count(), 1000n);
  await reader.run("COMMIT");
  assert.equal(await count(), 1001n);
  for (const connection of [writer, reader]) connection.closeSync();
  instance.closeSync();
  const again = await openIndex(folder, 2);
  assert.equal(again.position, 2);
  again.instance.closeSync();
});
