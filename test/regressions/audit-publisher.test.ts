import assert from "node:assert/strict";
import { test } from "node:test";
import { everybody } from "../../local/bigquery/access/caller.ts";
import { AuditLog } from "../../local/bigquery/audit/audit-log.ts";
import { AuditTopic } from "../local/bigquery/audit-topic.ts";
import { temporaryFolder } from "../local/bigquery/clients.ts";

/** The publisher once looked for records that were added and not yet on disk, in a loop that let no commit happen: the process hung. */
test("reads that come while others are published - are all recorded, and published once each", async (t) => {
  const topic = await AuditTopic.start();
  t.after(() => topic.stop());
  const dataDirectory = await temporaryFolder();
  const log = new AuditLog({ dataDirectory, topic: topic.topic, pubsubHost: topic.host });
  t.after(() => log.close());
  const origin = { ip: "127.0.0.1", userAgent: "test" };
  const table = { projectId: "p", datasetId: "d", tableId: "t" };
  const [readers, readsEach] = [20, 50];
  const read = async (): Promise<void> => {
    for (let n = 0; n < readsEach; n++) {
      await log.record(everybody, origin, { kind: "list", table, fields: [], atMs: Date.now() });
    }
  };
  await Promise.all(Array.from({ length: readers }, read));
  const entries = await topic.take(readers * readsEach);
  assert.equal(new Set(entries.map(({ insertId }) => insertId)).size, readers * readsEach);
  assert.equal(entries.length, readers * readsEach);
});
