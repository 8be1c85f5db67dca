import assert from "node:assert/strict";
import { test } from "node:test";
import { Catalog } from "../../../local/bigquery/catalog.ts";
import { Expiry } from "../../../local/bigquery/expiry.ts";
import { parseTableSchema } from "../../../local/bigquery/table-schema.ts";
import type { PartitionsChange, Table } from "../../../local/bigquery/catalog.ts";

const DAY_MS = 86_400_000;
const micros = (time: string): number => Date.parse(time) * 1000;

/** A table whose days stay for thirty days, and an index that is only counted in. */
class Host {
  readonly catalog = new Catalog();
  readonly counted: string[] = [];
  readonly removed: PartitionsChange[] = [];
  nowMs = Date.parse("2030-03-01T12:00:00Z");
  rows = 0;
  /** What happens while the index is asked. */
  meanwhile: () => void = () => undefined;
  readonly expiry: Expiry = new Expiry({
    catalog: this.catalog,
    now: () => this.nowMs,
    indexed: async () => undefined,
    count: async (sql) => {
      this.counted.push(sql);
      this.meanwhile();
      return this.rows;
    },
    remove: async (change) => void this.removed.push(change),
  });

  constructor() {
    this.keep(30 * DAY_MS);
  }

  keep(expirationMs: number, createdMs = 1): Table {
    const ref = { projectId: "p", datasetId: "d", tableId: "t" };
    const schema = parseTableSchema({ fields: [{ name: "at", type: "TIMESTAMP" }] });
    const timePartitioning = { type: "DAY", field: "at", expirationMs: String(expirationMs) };
    const table: Table = { ref, schema, settings: { timePartitioning }, createdMs, modifiedMs: createdMs };
    this.catalog.apply({ kind: "putTable", table });
    return table;
  }
}

test("Expiry - the index is asked once a day, and once more after rows of a day that is over", async () => {
  const host = new Host();
  const table = host.keep(30 * DAY_MS);
  for (let read = 0; read < 10; read++) await host.expiry.enforce();
  host.nowMs = Date.parse("2030-03-01T23:59:59.999Z");
  await host.expiry.enforce();
  assert.equal(host.counted.length, 1);
  host.expiry.appended(table, [[micros("2030-01-31T00:00:00Z"), null, BigInt(micros("2030-03-01T00:00:00Z"))]]);
  await host.expiry.enforce();
  assert.equal(host.counted.length, 1);
  host.expiry.appended(table, [[micros("2030-01-30T23:59:59.999Z")]]);
  await host.expiry.enforce();
  assert.equal(host.counted.length, 2);
  host.nowMs += 1;
  await host.expiry.enforce();
  assert.equal(host.counted.length, 3);
  assert.deepEqual(host.removed, []);
});

test("Expiry - rows that come in while the index is asked are looked at before the next read", async () => {
  const host = new Host();
  const table = host.keep(30 * DAY_MS);
  host.meanwhile = () => host.expiry.appended(table, [[0]]);
  await host.expiry.enforce();
  host.meanwhile = () => undefined;
  host.rows = 1;
  await host.expiry.enforce();
  assert.equal(host.removed.length, 1);
});

test("Expiry - whoever lengthens the time, or replaces the table, while the index is asked loses nothing", async () => {
  for (const meanwhile of [(host: Host) => host.keep(365 * DAY_MS), (host: Host) => host.keep(30 * DAY_MS, 2)]) {
    const host = new Host();
    host.rows = 1;
    host.meanwhile = () => void meanwhile(host);
    await host.expiry.enforce();
    assert.deepEqual(host.removed, []);
  }
});

test("Expiry - a table that is dropped while the index is asked is no failure", async () => {
  const host = new Host();
  host.meanwhile = () => {
    host.catalog.apply({ kind: "deleteTable", ref: { projectId: "p", datasetId: "d", tableId: "t" } });
    throw new Error("there is no such table");
  };
  await host.expiry.enforce();
  assert.deepEqual([host.counted.length, host.removed], [1, []]);
});

test("Expiry - an index that cannot be asked fails the read, and the next one asks again", async () => {
  const host = new Host();
  host.rows = 1;
  host.meanwhile = () => {
    throw new Error("the index is away");
  };
  const [first, second] = [host.expiry.enforce(), host.expiry.enforce()];
  await assert.rejects(first, /away/);
  await assert.rejects(second, /away/, "a read that waited for another one asks itself");
  host.meanwhile = () => undefined;
  await host.expiry.enforce();
  assert.deepEqual(
    host.removed.map(({ beforeMs }) => beforeMs),
    [Date.parse("2030-01-31T00:00:00Z")],
  );
});
