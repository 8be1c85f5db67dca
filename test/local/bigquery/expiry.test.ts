import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { RestCaller } from "./callers.ts";
import { DATASET, temporaryFolder } from "./clients.ts";
import { appendDays, appendTexts, Clock, createDays, DAY_MS, idsOf, openAt } from "./partitioned-table.ts";
import { createSession, readClient, readRows } from "./read-client.ts";
import { end, spawnWarehouse } from "./warehouse-process.ts";

const days = `/datasets/${DATASET}/tables/days`;

/** The changes that the journal of a closed warehouse holds, of one kind. */
function changes(folder: string, kind: string): Record<string, unknown>[] {
  using journal = new DatabaseSync(join(folder, "journal.sqlite"), { readOnly: true });
  const entries = journal.prepare("SELECT change FROM entries WHERE change IS NOT NULL ORDER BY position").all();
  return entries
    .map(({ change }) => JSON.parse(String(change)) as Record<string, unknown>)
    .filter((change) => change["kind"] === kind);
}

test("expiry - a partition is there until its beginning and its time are past, and then no read gives its rows", async (t) => {
  const clock = new Clock("2030-01-31T23:59:59.999Z");
  const server = await openAt(t, await temporaryFolder(), clock);
  const admin = await createDays(server, 30 * DAY_MS);
  await admin.send("POST", `/datasets/${DATASET}/tables`, {
    tableReference: { tableId: "seen" },
    view: { query: `SELECT id FROM \`test-project.${DATASET}.days\``, useLegacySql: false },
  });
  await appendDays(t, server, "2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z", "2030-01-02T23:59:59.999Z", undefined);
  const client = readClient(t, server);
  const reads = async (): Promise<number[]> => {
    const session = await createSession(client, "days");
    const rows = await readRows(client, session);
    assert.equal(Number(session.estimatedRowCount), rows.length);
    const { body: listed } = await admin.send("GET", `${days}/data`);
    const { body: table } = await admin.send("GET", days);
    const viewed = await admin.values("SELECT COUNT(*) FROM seen", DATASET);
    return [
      (await idsOf(admin)).length,
      Number(viewed[0]?.[0]),
      Number(listed["totalRows"]),
      (listed["rows"] as unknown[]).length,
      Number(table["numRows"]),
      rows.length,
    ];
  };
  // Row 0 is of a day that was over at midnight.
  assert.deepEqual(await reads(), [3, 3, 3, 3, 3, 3]);
  assert.deepEqual(await idsOf(admin), [1, 2, 3]);
  clock.nowMs += 1;
  assert.deepEqual(await reads(), [1, 1, 1, 1, 1, 1]);
  assert.deepEqual(await idsOf(admin), [3], "a row without a day is of no partition");
});

test("expiry - what is gone stays away when the index is built anew and the clock is set back", async (t) => {
  const folder = await temporaryFolder();
  const clock = new Clock("2030-01-15T12:00:00Z");
  const first = await openAt(t, folder, clock);
  const admin = await createDays(first, 30 * DAY_MS);
  await appendDays(t, first, "2030-01-01T12:00:00Z", "2030-01-10T12:00:00Z");
  assert.deepEqual(await idsOf(admin), [0, 1]);
  clock.set("2030-02-01T00:00:00Z");
  assert.deepEqual(await idsOf(admin), [1]);
  clock.set("2030-01-15T12:00:00Z");
  assert.deepEqual(await idsOf(admin), [1]);
  await first.close();
  await rm(join(folder, "index.duckdb"));
  const second = await openAt(t, folder, clock);
  assert.deepEqual(await idsOf(new RestCaller(second, undefined)), [1]);
  await second.close();
  const [removal, ...others] = changes(folder, "removePartitions");
  assert.deepEqual(others, []);
  assert.equal(removal?.["principal"], undefined, "it is nobody's statement");
  assert.deepEqual(changes(folder, "statement"), []);
  assert.deepEqual(
    [removal?.["beforeMs"], removal?.["atMs"]],
    [Date.parse("2030-01-03T00:00:00Z"), Date.parse("2030-02-01T00:00:00Z")],
  );
});

test("expiry - rows that were written long ago go when the warehouse starts, whether somebody asks or not", async (t) => {
  const folder = await temporaryFolder();
  const clock = new Clock("2030-01-15T12:00:00Z");
  const first = await openAt(t, folder, clock);
  await createDays(first, 30 * DAY_MS);
  await appendDays(t, first, "2030-01-01T12:00:00Z");
  await first.close();
  clock.set("2037-01-01T00:00:00Z");
  await (await openAt(t, folder, clock)).close();
  assert.equal(changes(folder, "removePartitions").length, 1);
});

test("expiry - rows that come too late for their partition, by an append or by a statement, are gone at the next read", async (t) => {
  const clock = new Clock("2030-03-15T12:00:00Z");
  const server = await openAt(t, await temporaryFolder(), clock);
  const admin = await createDays(server, 30 * DAY_MS);
  assert.deepEqual(await idsOf(admin), []);
  await appendDays(t, server, "2030-01-01T12:00:00Z", "2030-03-01T12:00:00Z", "2030-03-02T12:00:00Z");
  assert.deepEqual(await idsOf(admin), [1, 2]);
  await admin.query("UPDATE days SET noted_at = TIMESTAMP '2030-01-01 00:00:00Z' WHERE id = 1", DATASET);
  assert.deepEqual(await idsOf(admin), [2]);
  await admin.query("INSERT INTO days (id, noted_at) VALUES (9, TIMESTAMP '2030-01-01 00:00:00Z')", DATASET);
  assert.deepEqual(await idsOf(admin), [2]);
});

test("expiry - a shorter time takes partitions away at once, a longer one keeps those that are left, none keeps all", async (t) => {
  const clock = new Clock("2030-02-15T12:00:00Z");
  const server = await openAt(t, await temporaryFolder(), clock);
  const admin = await createDays(server, undefined);
  await appendDays(t, server, "2030-01-01T12:00:00Z", "2030-02-01T12:00:00Z", "2030-02-15T12:00:00Z");
  assert.deepEqual(await idsOf(admin), [0, 1, 2]);
  const patch = async (expirationMs: number | null): Promise<void> => {
    const timePartitioning = { type: "DAY", expirationMs: expirationMs === null ? null : String(expirationMs) };
    const { message, body } = await admin.send("PATCH", days, { timePartitioning });
    assert.equal(message, "");
    assert.equal((body["timePartitioning"] as { field: string }).field, "noted_at");
  };
  await patch(30 * DAY_MS);
  assert.deepEqual(await idsOf(admin), [1, 2]);
  await patch(90 * DAY_MS);
  assert.deepEqual(await idsOf(admin), [1, 2]);
  await appendDays(t, server, "2030-01-01T12:00:00Z");
  assert.deepEqual(await idsOf(admin), [0, 1, 2]);
  await patch(Number.MAX_SAFE_INTEGER);
  assert.deepEqual(await idsOf(admin), [0, 1, 2], "longer than there are days");
  await patch(null);
  clock.set("2040-02-15T12:00:00Z");
  assert.deepEqual(await idsOf(admin), [0, 1, 2]);
});

test("expiry - a session from before it is aborted when its rows are gone, and a new one gives the others", async (t) => {
  const clock = new Clock("2030-01-30T23:59:00Z");
  const server = await openAt(t, await temporaryFolder(), clock);
  const admin = await createDays(server, 30 * DAY_MS);
  await appendDays(t, server, "2030-01-01T12:00:00Z", "2030-01-10T12:00:00Z");
  const client = readClient(t, server);
  const session = await createSession(client, "days");
  assert.equal((await readRows(client, session)).length, 2);
  clock.set("2030-01-31T00:01:00Z");
  assert.deepEqual(await idsOf(admin), [1]);
  await assert.rejects(readRows(client, session), { code: status.ABORTED, details: /create another session/ });
  assert.equal((await readRows(client, await createSession(client, "days"))).length, 1);
});

test("expiry - a ReadRows that is under way gives all its rows, whatever expires meanwhile", async (t) => {
  const clock = new Clock("2030-01-30T23:59:00Z");
  const server = await openAt(t, await temporaryFolder(), clock);
  const admin = await createDays(server, 30 * DAY_MS);
  // More than is under way at once: 40 MB, of which a client that takes none gets less than a half.
  const times = Array.from({ length: 8 }, () => "2030-01-01T12:00:00Z");
  for (let append = 0; append < 5; append++) await appendTexts(t, server, times, "x".repeat(1024 * 1024));
  const client = readClient(t, server);
  const session = await createSession(client, "days");
  const call = client.readRows({ readStream: session.streams?.[0]?.name ?? "" });
  let rows = 0;
  for await (const { rowCount } of call as AsyncIterable<{ rowCount: number | string }>) {
    rows += Number(rowCount);
    if (clock.nowMs > Date.parse("2030-01-31T00:00:00Z")) continue;
    clock.set("2030-01-31T00:01:00Z");
    assert.deepEqual(await idsOf(admin), []);
  }
  assert.equal(rows, 40);
});

test("expiry - days of a DATE and of a DATETIME column expire by the same clock", async (t) => {
  const clock = new Clock("2030-01-31T00:00:00Z");
  const server = await openAt(t, await temporaryFolder(), clock);
  const admin = await createDays(server, undefined);
  for (const [type, value] of [
    ["DATE", (day: string) => `DATE '${day}'`],
    ["DATETIME", (day: string) => `DATETIME '${day} 23:00:00'`],
  ] as const) {
    const tableId = `by_${type}`;
    const table = {
      tableReference: { tableId },
      schema: { fields: [{ name: "on", type }] },
      timePartitioning: { type: "DAY", field: "on", expirationMs: String(30 * DAY_MS) },
    };
    assert.equal((await admin.send("POST", `/datasets/${DATASET}/tables`, table)).message, "");
    const inserted = `INSERT INTO ${tableId} (\`on\`) VALUES (${value("2030-01-01")}), (${value("2030-01-02")})`;
    assert.equal((await admin.query(inserted, DATASET)).message, "");
    const kept = await admin.values(`SELECT FORMAT_DATE('%F', DATE(\`on\`)) FROM ${tableId}`, DATASET);
    assert.deepEqual(kept, [["2030-01-02"]], type);
  }
});

test("tables - a partitioning that BigQuery would refuse is refused", async (t) => {
  const server = await openAt(t, await temporaryFolder(), new Clock("2030-01-01T00:00:00Z"));
  const admin = await createDays(server, undefined);
  const refused = [
    { type: "DAY", field: "noted_at", expirationMs: "0" },
    { type: "DAY", field: "noted_at", expirationMs: "-1" },
    { type: "DAY", field: "noted_at", expirationMs: "soon" },
    { type: "WEEK", field: "noted_at" },
    { type: "DAY", field: "id" },
    { type: "DAY", field: "nothing" },
    // Other days would be over than those that were.
    { type: "MONTH", field: "noted_at" },
    null,
  ];
  for (const timePartitioning of refused) {
    const { status: code, reason } = await admin.send("PATCH", days, { timePartitioning });
    assert.deepEqual([code, reason], [400, "invalid"], JSON.stringify(timePartitioning));
  }
});

test("tables - a view has no partitions, and none can be taken away from it", async (t) => {
  const server = await openAt(t, await temporaryFolder(), new Clock("2030-01-31T00:00:00Z"));
  const admin = await createDays(server, undefined);
  await appendDays(t, server, "2030-01-01T12:00:00Z");
  const view = { query: `SELECT * FROM ${DATASET}.days`, useLegacySql: false };
  const tables = days.slice(0, days.lastIndexOf("/"));
  const create = (tableId: string, more: object): ReturnType<typeof admin.send> =>
    admin.send("POST", tables, { tableReference: { tableId }, view, ...more });
  const partitioned = await create("parted", { timePartitioning: { type: "DAY", field: "noted_at" } });
  assert.deepEqual([partitioned.status, partitioned.reason], [400, "invalid"]);
  assert.equal((await create("seen", {})).status, 200);
  const patched = await admin.send("PATCH", `${tables}/seen`, { timePartitioning: { type: "DAY", field: "noted_at" } });
  assert.deepEqual([patched.status, patched.reason], [400, "invalid"]);
  const removed = await admin.send("DELETE", `${tables}/seen$20300101`, undefined);
  assert.deepEqual([removed.status, removed.reason], [400, "invalid"]);
  assert.deepEqual(await idsOf(admin), [0]);
});

test("tables.delete - table$YYYYMMDD takes one day away, for whoever may delete, and the journal says who", async (t) => {
  const folder = await temporaryFolder();
  const server = await openAt(t, folder, new Clock("2030-01-31T00:00:00Z"));
  const admin = await createDays(server, undefined);
  await appendDays(
    t,
    server,
    "2030-01-01T23:59:59Z",
    "2030-01-02T00:00:00Z",
    "2030-01-02T23:59:59Z",
    "2030-01-03T00:00:00Z",
  );
  assert.equal((await admin.send("DELETE", `${days}$20300102`)).status, 204);
  assert.deepEqual(await idsOf(admin), [0, 3]);
  for (const id of ["20300231", "2030", "__NULL__"])
    assert.equal((await admin.send("DELETE", `${days}$${id}`)).reason, "invalid", id);
  assert.equal((await admin.send("DELETE", `/datasets/${DATASET}/tables/none$20300101`)).reason, "notFound");
  await server.close();
  const [removal] = changes(folder, "removePartitions");
  assert.equal(removal?.["principal"], "anonymous@localhost");
});

test("the clock - CURRENT_TIMESTAMP goes by it, in views and statements too, and the times of tables and jobs", async (t) => {
  const clock = new Clock("2033-05-05T05:05:05.123Z");
  const server = await openAt(t, await temporaryFolder(), clock);
  const admin = await createDays(server, undefined);
  const year = "SELECT EXTRACT(YEAR FROM CURRENT_TIMESTAMP()) AS y, CURRENT_DATE() AS d, CURRENT_DATETIME() AS t";
  await admin.send("POST", `/datasets/${DATASET}/tables`, {
    tableReference: { tableId: "today" },
    view: { query: year, useLegacySql: false },
  });
  for (const query of [year, "SELECT y, d, t FROM today"])
    assert.deepEqual(await admin.values(query, DATASET), [["2033", "2033-05-05", "2033-05-05T05:05:05.123000"]]);
  clock.set("2034-01-01T00:00:00Z");
  assert.deepEqual(await admin.values("SELECT y FROM today", DATASET), [["2034"]]);
  await admin.query("INSERT INTO days (id, noted_at) VALUES (1, CURRENT_TIMESTAMP())", DATASET);
  assert.deepEqual(await admin.values("SELECT EXTRACT(YEAR FROM noted_at) FROM days", DATASET), [["2034"]]);
  const { body } = await admin.send("GET", days);
  assert.equal(body["creationTime"], String(Date.parse("2033-05-05T05:05:05.123Z")));
});

test("--now - the process starts at that time, and refuses what is none", async (t) => {
  const folder = await temporaryFolder();
  const warehouse = await spawnWarehouse(t, folder, "--now", "2033-05-05T00:00:00+02:00");
  const admin = new RestCaller(warehouse, undefined);
  const [[seconds] = []] = await admin.values("SELECT UNIX_SECONDS(CURRENT_TIMESTAMP())");
  const passed = Number(seconds) - Date.parse("2033-05-04T22:00:00Z") / 1000;
  assert.ok(passed >= 0 && passed < 3600, `${passed} s`);
  await end(warehouse, "SIGTERM");
  await assert.rejects(spawnWarehouse(t, folder, "--now", "tomorrow"), /tomorrow is no time/);
});

test("expiry - a read while tables are being created waits for those, and does not fail of them", async (t) => {
  const server = await openAt(t, await temporaryFolder(), new Clock("2030-01-31T00:00:00Z"));
  const admin = await createDays(server, 30 * DAY_MS);
  const timePartitioning = { type: "DAY", field: "noted_at", expirationMs: String(DAY_MS) };
  const schema = { fields: [{ name: "noted_at", type: "TIMESTAMP" }] };
  for (let round = 0; round < 5; round++) {
    const created = Array.from({ length: 10 }, (_, number) =>
      admin.send("POST", `/datasets/${DATASET}/tables`, {
        tableReference: { tableId: `t${round}_${number}` },
        schema,
        timePartitioning,
      }),
    );
    const read = Array.from({ length: 10 }, () => admin.query("SELECT COUNT(*) FROM days", DATASET));
    for (const { message } of await Promise.all([...created, ...read])) assert.equal(message, "");
  }
});

test("expiry - kill -9 after it: the rows stay away, by whatever clock the warehouse is started again", async (t) => {
  const folder = await temporaryFolder();
  const first = await openAt(t, folder, new Clock("2030-01-15T12:00:00Z"));
  await createDays(first, 30 * DAY_MS);
  await appendDays(t, first, "2030-01-01T12:00:00Z", "2030-01-10T12:00:00Z");
  await first.close();
  const later = await spawnWarehouse(t, folder, "--now", "2030-02-01T00:00:00Z");
  assert.deepEqual(await idsOf(new RestCaller(later, undefined)), [1]);
  await end(later, "SIGKILL");
  const now = await spawnWarehouse(t, folder);
  assert.deepEqual(await idsOf(new RestCaller(now, undefined)), [1]);
  await end(now, "SIGTERM");
});
