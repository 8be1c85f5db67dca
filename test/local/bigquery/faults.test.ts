import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import { status } from "@grpc/grpc-js";
import { Faults } from "../../../local/faults.ts";
import { startWarehouse } from "../../../local/bigquery/server.ts";
import { warehouseFaultPoints } from "../../../local/bigquery/storage-write/append-faults.ts";
import { Appender, RowType, createTable, defaultStream, temporaryFolder, writeClient } from "./clients.ts";
import { spawnWarehouse } from "./warehouse-process.ts";
import type { Table } from "@google-cloud/bigquery";
import type { v1 } from "@google-cloud/bigquery-storage";

const fields = [{ name: "id", type: "STRING", mode: "REQUIRED" }];
const rowType = new RowType(fields);

interface Failing {
  readonly client: v1.BigQueryWriteClient;
  readonly table: Table;
  /** Resolves when the fault has begun. */
  readonly struck: Promise<void>;
}

/** A warehouse whose first append, and no other, suffers `kind`. */
async function failing(t: TestContext, kind: string, more: object = {}): Promise<Failing> {
  const { promise: struck, resolve } = Promise.withResolvers<void>();
  const faults = new Faults({ appendRows: { [kind]: { at: [0], ...more } } }, warehouseFaultPoints, () => resolve());
  const dataDirectory = await temporaryFolder();
  const server = await startWarehouse({ dataDirectory, port: 0, grpcPort: 0, faults });
  t.after(() => server.close());
  return { table: await createTable(server, "t", fields), client: writeClient(t, server), struck };
}

const request = (...ids: string[]): object => ({
  writeStream: defaultStream("t"),
  protoRows: {
    writerSchema: rowType.writerSchema,
    rows: { serializedRows: ids.map((id) => rowType.encode({ id })) },
  },
});

async function idsOf(table: Table): Promise<string[]> {
  const [rows] = await table.getRows();
  return (rows as { id: string }[]).map(({ id }) => id).toSorted();
}

describe("a fault at AppendRows", () => {
  test("refuse - the response is an error, nothing is stored, and the connection goes on", async (t) => {
    const { client, table } = await failing(t, "refuse");
    const appender = new Appender(client);
    const { error } = await appender.append(request("a"));
    assert.ok([status.RESOURCE_EXHAUSTED, status.INTERNAL, status.UNAVAILABLE].includes(error?.code ?? 0));
    assert.equal((await appender.append(request("b"))).error ?? null, null);
    appender.end();
    assert.deepEqual(await idsOf(table), ["b"]);
  });

  for (const [kind, code, stored] of [
    ["permission-denied", status.PERMISSION_DENIED, []],
    ["cut-before", status.UNAVAILABLE, []],
    ["cut-after", status.UNAVAILABLE, ["a"]],
  ] as const) {
    test(`${kind} - the connection ends without a response, ${stored.length} rows are stored`, async (t) => {
      const { client, table } = await failing(t, kind);
      await assert.rejects(new Appender(client).append(request("a")), { code });
      assert.deepEqual(await idsOf(table), stored);
      const again = new Appender(client);
      assert.equal((await again.append(request("b"))).error ?? null, null);
      again.end();
    });
  }

  test("cut-after - what was sent before is answered first", async (t) => {
    const { client, table } = await failing(t, "cut-after", { at: [1] });
    const appender = new Appender(client);
    appender.send(request("a"));
    appender.send(request("b"));
    assert.equal((await appender.response()).error ?? null, null);
    await assert.rejects(appender.response(), { code: status.UNAVAILABLE });
    assert.deepEqual(await idsOf(table), ["a", "b"]);
  });

  for (const [kind, stored] of [
    ["hang-before", ["b"]],
    ["hang-after", ["a", "b"]],
  ] as const) {
    test(`${kind} - neither it nor what follows is answered, other connections are`, async (t) => {
      const { client, table, struck } = await failing(t, kind);
      const hanging = client.appendRows();
      const answered: unknown[] = [];
      hanging.on("data", (response) => answered.push(response));
      hanging.on("error", () => {});
      hanging.write(request("a"));
      await struck;
      const other = new Appender(client);
      assert.equal((await other.append(request("b"))).error ?? null, null);
      other.end();
      assert.deepEqual(await idsOf(table), stored);
      assert.deepEqual(answered, []);
      hanging.cancel();
    });
  }

  test("row-error - one row of the request is refused and none is stored", async (t) => {
    const { client, table } = await failing(t, "row-error");
    const appender = new Appender(client);
    const { error, rowErrors } = await appender.append(request("a", "b", "c"));
    assert.equal(error?.code, status.INVALID_ARGUMENT);
    assert.equal(rowErrors?.length, 1);
    assert.ok([0, 1, 2].includes(Number(rowErrors[0]?.index)));
    assert.equal((await appender.append(request("d"))).error ?? null, null);
    appender.end();
    assert.deepEqual(await idsOf(table), ["d"]);
  });

  test("schema-update - the rows are stored and the response has the schema of the table", async (t) => {
    const { client, table } = await failing(t, "schema-update");
    const appender = new Appender(client);
    const { error, updatedSchema } = await appender.append(request("a"));
    appender.end();
    assert.equal(error ?? null, null);
    assert.deepEqual(
      updatedSchema?.fields?.map(({ name }) => name),
      ["id"],
    );
    assert.deepEqual(await idsOf(table), ["a"]);
  });

  test("delay - responses come late and in order", async (t) => {
    const { client, table } = await failing(t, "delay", { maxDelayMs: 20 });
    const appender = new Appender(client);
    appender.send(request("a"));
    appender.send({ protoRows: { rows: { serializedRows: [Uint8Array.of(0xff)] } } });
    assert.equal((await appender.response()).error ?? null, null);
    assert.notEqual((await appender.response()).error ?? null, null);
    appender.end();
    assert.deepEqual(await idsOf(table), ["a"]);
  });
});

test("--faults - an unknown point or kind is refused with the list of those that there are", async (t) => {
  const folder = await temporaryFolder();
  await assert.rejects(
    spawnWarehouse(t, folder, "--faults", '{"appendRows":{"explode":1}}'),
    /appendRows has no fault .*explode.*cut-after, hang-before/,
  );
});
