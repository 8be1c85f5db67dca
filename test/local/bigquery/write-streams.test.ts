import assert from "node:assert/strict";
import { test } from "node:test";
import { protos } from "@google-cloud/bigquery-storage";
import { status } from "@grpc/grpc-js";
import {
  Appender,
  RowType,
  createTable,
  defaultStream,
  openWarehouse,
  temporaryFolder,
  writeClient,
} from "./clients.ts";

const { StorageError } = protos.google.cloud.bigquery.storage.v1;
const fields = [{ name: "id", type: "INT64" }];
const rowType = new RowType(fields);

function rows(count: number): object {
  const serializedRows = Array.from({ length: count }, (_, id) => rowType.encode({ id }));
  return { writerSchema: rowType.writerSchema, rows: { serializedRows } };
}

function parent(stream: string): string {
  return stream.replace("/streams/_default", "");
}

test("AppendRows - offsets of a COMMITTED stream: each is written once, a gap is refused, and the stream outlives a restart", async (t) => {
  const folder = await temporaryFolder();
  const first = await openWarehouse(t, folder);
  const table = await createTable(first, "events", fields);
  const client = writeClient(t, first);
  const [stream] = await client.createWriteStream({
    parent: parent(defaultStream("events")),
    writeStream: { type: "COMMITTED" },
  });
  const writeStream = stream.name ?? "";
  const appender = new Appender(client);
  const at = (value: number, count: number): object => ({ writeStream, offset: { value }, protoRows: rows(count) });

  const written = await appender.append(at(0, 3));
  assert.equal(Number(written.appendResult?.offset?.value), 0);
  const next = await appender.append({ protoRows: rows(2) });
  assert.equal(Number(next.appendResult?.offset?.value), 3);
  const again = await appender.append(at(0, 3));
  assert.equal(again.error?.code, status.ALREADY_EXISTS);
  const { code } = StorageError.decode(again.error?.details?.[0]?.value as Uint8Array);
  assert.equal(code, StorageError.StorageErrorCode.OFFSET_ALREADY_EXISTS);
  const beyond = await appender.append(at(6, 1));
  assert.equal(beyond.error?.code, status.OUT_OF_RANGE);
  appender.end();
  const [stored] = await table.getRows();
  assert.equal(stored.length, 5);
  await client.close();
  await first.close();

  const second = await openWarehouse(t, folder);
  const secondClient = writeClient(t, second);
  const resumed = new Appender(secondClient);
  const replayed = await resumed.append(at(3, 2));
  assert.equal(replayed.error?.code, status.ALREADY_EXISTS);
  const continued = await resumed.append(at(5, 1));
  assert.equal(Number(continued.appendResult?.offset?.value), 5);
  resumed.end();
});

test("FinalizeWriteStream - answers the row count, and nothing is appended after it", async (t) => {
  const server = await openWarehouse(t);
  await createTable(server, "events", fields);
  const client = writeClient(t, server);
  const [stream] = await client.createWriteStream({
    parent: parent(defaultStream("events")),
    writeStream: { type: "COMMITTED" },
  });
  const writeStream = stream.name ?? "";
  const appender = new Appender(client);
  await appender.append({ writeStream, protoRows: rows(4) });
  const [finalized] = await client.finalizeWriteStream({ name: writeStream });
  assert.equal(Number(finalized.rowCount), 4);
  const { error } = await appender.append({ protoRows: rows(1) });
  appender.end();
  assert.equal(error?.code, status.INVALID_ARGUMENT);
  assert.match(error?.message ?? "", /has been finalized/);
  await assert.rejects(client.finalizeWriteStream({ name: defaultStream("events") }), {
    code: status.INVALID_ARGUMENT,
  });
});

test("GetWriteStream - the default stream of a table is there, with the schema when asked for", async (t) => {
  const server = await openWarehouse(t);
  await createTable(server, "events", fields);
  const client = writeClient(t, server);
  const [stream] = await client.getWriteStream({ name: defaultStream("events"), view: "FULL" });
  assert.equal(stream.type, "COMMITTED");
  assert.deepEqual(
    stream.tableSchema?.fields?.map(({ name, type }) => [name, type]),
    [["id", "INT64"]],
  );
  await assert.rejects(client.getWriteStream({ name: defaultStream("nowhere") }), { code: status.NOT_FOUND });
});

test("BigQueryWrite - what is not served answers UNIMPLEMENTED and says what", async (t) => {
  const server = await openWarehouse(t);
  await createTable(server, "events", fields);
  const client = writeClient(t, server);
  const table = parent(defaultStream("events"));
  const unimplemented = (message: RegExp): object => ({ code: status.UNIMPLEMENTED, message });
  await assert.rejects(
    client.createWriteStream({ parent: table, writeStream: { type: "PENDING" } }),
    unimplemented(/COMMITTED only, not PENDING/),
  );
  await assert.rejects(client.flushRows({ writeStream: defaultStream("events") }), unimplemented(/FlushRows/));
  await assert.rejects(
    client.batchCommitWriteStreams({ parent: table, writeStreams: [defaultStream("events")] }),
    unimplemented(/BatchCommitWriteStreams/),
  );
});
