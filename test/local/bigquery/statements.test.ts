import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePolicy } from "../../../local/bigquery/access/policy.ts";
import { DATASET, openWarehouse, temporaryFolder } from "./clients.ts";
import { access, createEvents } from "./events-table.ts";
import type { TestContext } from "node:test";
import type { RestCaller } from "./callers.ts";

async function withEvents(t: TestContext): Promise<RestCaller> {
  return createEvents(t, await openWarehouse(t, undefined, parsePolicy(access)));
}

const texts = (admin: RestCaller): Promise<unknown[][]> =>
  admin.values("SELECT id, text FROM events ORDER BY id, text", DATASET);

/** What each statement leaves of rows 1, 2 and 3, and how many rows it says that it has changed. */
const done: readonly (readonly [
  statement: string,
  affected: number,
  left: readonly (readonly [string, string | null])[],
])[] = [
  [
    "DELETE FROM events WHERE id = 2",
    1,
    [
      ["1", "row 1"],
      ["3", "row 3"],
    ],
  ],
  ["DELETE events AS e WHERE e.id > 1", 2, [["1", "row 1"]]],
  [
    "DELETE FROM `logs.events` WHERE id IN (SELECT MAX(id) FROM events)",
    1,
    [
      ["1", "row 1"],
      ["2", "row 2"],
    ],
  ],
  [
    "DELETE FROM events WHERE FALSE",
    0,
    [
      ["1", "row 1"],
      ["2", "row 2"],
      ["3", "row 3"],
    ],
  ],
  [
    "UPDATE events SET text = 'other' WHERE id = 1",
    1,
    [
      ["1", "other"],
      ["2", "row 2"],
      ["3", "row 3"],
    ],
  ],
  [
    "UPDATE events SET text = CONCAT(text, '!'), id = id + 10 WHERE id < 3",
    2,
    [
      ["3", "row 3"],
      ["11", "row 1!"],
      ["12", "row 2!"],
    ],
  ],
  [
    "UPDATE events AS e SET e.text = NULL WHERE e.id = 3",
    1,
    [
      ["1", "row 1"],
      ["2", "row 2"],
      ["3", null],
    ],
  ],
  [
    "UPDATE events SET tags = ['a', 'b'], payload = JSON '{}', noted_at = '2024-01-01 00:00:00+00', cost = 1 WHERE id = 1",
    1,
    [
      ["1", "row 1"],
      ["2", "row 2"],
      ["3", "row 3"],
    ],
  ],
  [
    "INSERT INTO events (id, text) VALUES (4, 'four'), (5, NULL)",
    2,
    [
      ["1", "row 1"],
      ["2", "row 2"],
      ["3", "row 3"],
      ["4", "four"],
      ["5", null],
    ],
  ],
  [
    "INSERT events (text, id) SELECT UPPER(text), id + 3 FROM events WHERE id = 1",
    1,
    [
      ["1", "row 1"],
      ["2", "row 2"],
      ["3", "row 3"],
      ["4", "ROW 1"],
    ],
  ],
  [
    "INSERT INTO events SELECT * FROM events WHERE id = 1",
    1,
    [
      ["1", "row 1"],
      ["1", "row 1"],
      ["2", "row 2"],
      ["3", "row 3"],
    ],
  ],
  ["TRUNCATE TABLE events;", 3, []],
];

for (const [statement, affected, left] of done) {
  test(`statements - ${statement} does what BigQuery's does, and says how much`, async (t) => {
    const admin = await withEvents(t);
    const { body, message } = await admin.query(statement, DATASET);
    assert.equal(message, "");
    assert.equal(body["jobComplete"], true);
    assert.equal(body["numDmlAffectedRows"], String(affected));
    assert.deepEqual(await texts(admin), left);
  });
}

test("statements - an array that an INSERT does not name is empty, and one that is set is what was set", async (t) => {
  const admin = await withEvents(t);
  await admin.query("INSERT INTO events (id) VALUES (4)", DATASET);
  await admin.query("UPDATE events SET tags = NULL WHERE id = 1", DATASET);
  await admin.query("UPDATE events SET tags = ['a', 'b'] WHERE id = 2", DATASET);
  const lengths = await admin.values("SELECT ARRAY_LENGTH(tags) FROM events ORDER BY id", DATASET);
  assert.deepEqual(lengths, [["0"], ["2"], ["1"], ["0"]]);
});

test("statements - parameters are bound, and a statement that inserts text inserts it as it is", async (t) => {
  const admin = await withEvents(t);
  const text = "'; DROP TABLE events; --";
  const queryParameters = [{ name: "text", parameterType: { type: "STRING" }, parameterValue: { value: text } }];
  const statement = "UPDATE events SET text = @text WHERE id = 1";
  const { message } = await admin.query(statement, DATASET, { queryParameters, parameterMode: "NAMED" });
  assert.equal(message, "");
  assert.deepEqual((await texts(admin))[0], ["1", text]);
});

test("statements - CREATE TABLE AS makes a table with BigQuery's columns, CREATE OR REPLACE another in its place", async (t) => {
  const admin = await withEvents(t);
  const created = await admin.query("CREATE TABLE logs.copy AS SELECT *, 1 AS one, [1] AS list FROM events", DATASET);
  assert.equal(created.message, "");
  const { body } = await admin.send("GET", `/datasets/${DATASET}/tables/copy`);
  const schema = (table: typeof body): unknown =>
    (table["schema"] as { fields: { name: string; type: string; mode: string }[] }).fields.map(
      ({ name, type, mode }) => [name, type, mode],
    );
  assert.deepEqual(schema(body), [
    ["id", "INTEGER", "NULLABLE"],
    ["text", "STRING", "NULLABLE"],
    ["noted_at", "TIMESTAMP", "NULLABLE"],
    ["tags", "STRING", "REPEATED"],
    ["payload", "JSON", "NULLABLE"],
    ["cost", "FLOAT", "NULLABLE"],
    ["one", "INTEGER", "NULLABLE"],
    ["list", "INTEGER", "REPEATED"],
  ]);
  assert.equal(body["numRows"], "3");
  const again = await admin.query("CREATE TABLE logs.copy AS SELECT 1 AS x", DATASET);
  assert.equal(again.reason, "duplicate");
  const replaced = await admin.query("CREATE OR REPLACE TABLE events AS SELECT * FROM events WHERE id = 2", DATASET);
  assert.equal(replaced.message, "");
  assert.deepEqual(await texts(admin), [["2", "row 2"]]);
});

test("statements - DROP TABLE drops, a view over the table answers notFound, and a new table of the name is another", async (t) => {
  const admin = await withEvents(t);
  const view = {
    tableReference: { tableId: "seen" },
    view: { query: "SELECT id FROM logs.events", useLegacySql: false },
  };
  assert.equal((await admin.send("POST", `/datasets/${DATASET}/tables`, view)).message, "");
  assert.equal((await admin.query("DROP TABLE logs.seen")).reason, "invalidQuery");
  assert.equal((await admin.query("DROP TABLE logs.events")).message, "");
  for (const statement of ["SELECT * FROM logs.seen", "SELECT * FROM logs.events", "DROP TABLE logs.events"]) {
    const { status, reason, message } = await admin.query(statement);
    assert.deepEqual([status, reason, message], [404, "notFound", "Not found: Table test-project:logs.events"]);
  }
  assert.equal((await admin.query("DROP TABLE IF EXISTS logs.events")).message, "");
  assert.equal((await admin.query("CREATE TABLE logs.events AS SELECT 7 AS id")).message, "");
  assert.deepEqual(await admin.values("SELECT * FROM logs.seen"), [["7"]]);
});

test("statements - the job says what it was", async (t) => {
  const admin = await withEvents(t);
  const insert = async (query: string): Promise<Record<string, unknown>> => {
    const { body } = await admin.send("POST", "/jobs", {
      configuration: { query: { query, useLegacySql: false, defaultDataset: { datasetId: DATASET } } },
    });
    const { jobId } = body["jobReference"] as { jobId: string };
    await admin.send("GET", `/queries/${jobId}`);
    const job = await admin.send("GET", `/jobs/${jobId}`);
    assert.equal(job.body["user_email"], "admin@indelible.local");
    return (job.body["statistics"] as { query: Record<string, unknown> }).query;
  };
  const deleted = await insert("DELETE FROM events WHERE id = 1");
  assert.deepEqual([deleted["statementType"], deleted["numDmlAffectedRows"]], ["DELETE", "1"]);
  const created = await insert("CREATE OR REPLACE TABLE events AS SELECT * FROM events");
  assert.deepEqual([created["statementType"], created["ddlOperationPerformed"]], ["CREATE_TABLE_AS_SELECT", "REPLACE"]);
  assert.equal((await insert("TRUNCATE TABLE events"))["statementType"], "TRUNCATE_TABLE");
  assert.equal((await insert("DROP TABLE events"))["statementType"], "DROP_TABLE");
  assert.equal((await insert("SELECT 1"))["statementType"], "SELECT");
});

test("statements - a dry run changes nothing", async (t) => {
  const admin = await withEvents(t);
  for (const statement of [
    "DELETE FROM events WHERE TRUE",
    "TRUNCATE TABLE events",
    "DROP TABLE events",
    "CREATE OR REPLACE TABLE events AS SELECT 1 AS id",
  ]) {
    assert.equal((await admin.query(statement, DATASET, { dryRun: true })).message, "");
  }
  assert.equal((await texts(admin)).length, 3);
});

/** Statements that the admin may send and that are not run, with what he reads. */
const refused: readonly (readonly [statement: string, reason: string, message: RegExp])[] = [
  ["DELETE FROM events", "invalidQuery", /^DELETE must have a WHERE clause at \[1:1\]$/],
  ["UPDATE events SET id = 1", "invalidQuery", /^UPDATE must have a WHERE clause at \[1:1\]$/],
  ["DELETE FROM nowhere WHERE TRUE", "notFound", /^Not found: Table test-project:logs.nowhere$/],
  [
    "UPDATE events SET nothing = 1 WHERE TRUE",
    "invalidQuery",
    /^Column nothing is not present in the table at \[1:19\]$/,
  ],
  ["UPDATE events SET id = 1, ID = 2 WHERE TRUE", "invalidQuery", /^Update item ID is named more than once/],
  ["UPDATE events SET id = NULL WHERE id = 1", "invalidQuery", /^Required field id cannot be null$/],
  ["UPDATE events SET id = 'x' WHERE TRUE", "invalidQuery", /expected INT64 but got STRING/],
  ["UPDATE events SET text = id WHERE TRUE", "invalidQuery", /No matching signature/],
  ["UPDATE events SET id = DIV(1, 0) WHERE TRUE", "invalidQuery", /division by zero/],
  ["UPDATE events SET text = other.text FROM events AS other WHERE TRUE", "notImplemented", /UPDATE with FROM/],
  ["UPDATE events SET payload.a = 1 WHERE TRUE", "notImplemented", /field of a STRUCT/],
  ["UPDATE events SET text = GENERATE_UUID() WHERE TRUE", "notImplemented", /could not be rebuilt from its journal/],
  ["INSERT INTO events (text) VALUES ('x')", "invalidQuery", /^Required field id cannot be null$/],
  [
    "INSERT INTO events (id, text) VALUES (1)",
    "invalidQuery",
    /^Inserted row has wrong column count; Has 1, expected 2 at/,
  ],
  [
    "INSERT INTO events (id) SELECT 1 AS a, 2 AS b",
    "invalidQuery",
    /^Inserted row has wrong column count; Has 2, expected 1$/,
  ],
  ["INSERT INTO events (id) SELECT 'x'", "invalidQuery", /No matching signature/],
  ["CREATE TABLE logs.made AS SELECT id / 0 AS x FROM events", "invalidQuery", /division by zero/],
  ["CREATE TABLE nowhere.made AS SELECT 1 AS x", "notFound", /Not found: Dataset/],
  ["CREATE TABLE logs.made (id INT64)", "notImplemented", /anything but AS and a query/],
  ["MERGE events USING events AS other ON TRUE WHEN MATCHED THEN DELETE", "notImplemented", /^MERGE is not supported/],
  ["ALTER TABLE events DROP COLUMN text", "notImplemented", /^ALTER is not supported/],
  ["DELETE FROM events WHERE TRUE; DELETE FROM events WHERE TRUE", "invalidQuery", /Scripts of several statements/],
];

test("statements - what is wrong with a statement is said, and nothing is changed", async (t) => {
  const folder = await temporaryFolder();
  const server = await openWarehouse(t, folder, parsePolicy(access));
  const admin = await createEvents(t, server);
  for (const [statement, reason, message] of refused) {
    const answer = await admin.query(statement, DATASET);
    assert.deepEqual([statement, answer.reason], [statement, reason]);
    assert.match(answer.message, message, statement);
  }
  assert.deepEqual(await texts(admin), [
    ["1", "row 1"],
    ["2", "row 2"],
    ["3", "row 3"],
  ]);
});

test("statements - a view that asks the clock is not read by a statement, because it would answer otherwise when it is replayed", async (t) => {
  const admin = await withEvents(t);
  const query = "SELECT id, CURRENT_TIMESTAMP() AS now FROM logs.events";
  for (const [tableId, text] of [
    ["clock", query],
    ["behind", "SELECT id FROM logs.clock"],
  ] as const) {
    const view = { tableReference: { tableId }, view: { query: text, useLegacySql: false } };
    assert.equal((await admin.send("POST", `/datasets/${DATASET}/tables`, view)).message, "");
  }
  const { reason, message } = await admin.query("DELETE FROM events WHERE id IN (SELECT id FROM behind)", DATASET);
  assert.deepEqual([reason, /test-project:logs\.clock calls a clock/.test(message)], ["notImplemented", true], message);
  assert.equal((await texts(admin)).length, 3);
});

test("statements - without an access policy nobody changes rows by a statement", async (t) => {
  const server = await openWarehouse(t);
  const somebody = await createEvents(t, server);
  const { status, reason, message } = await somebody.query("DELETE FROM events WHERE TRUE", DATASET);
  assert.deepEqual([status, reason], [403, "accessDenied"]);
  assert.match(message, /append-only/);
});

test("statements - that wait for one another leave room for queries", async (t) => {
  const admin = await withEvents(t);
  const start = async (query: string): Promise<string> => {
    const configuration = { query: { query, useLegacySql: false, defaultDataset: { datasetId: DATASET } } };
    const { body } = await admin.send("POST", "/jobs", { configuration });
    return (body["jobReference"] as { jobId: string }).jobId;
  };
  const count = "SELECT COUNT(*) FROM UNNEST(GENERATE_ARRAY(1, 1000000)) AS a, UNNEST(GENERATE_ARRAY(1, 1000000)) AS b";
  const long = await start(`DELETE FROM events WHERE id = (${count} WHERE MOD(a * b, 7) = 1)`);
  const others = [await start("DELETE FROM events WHERE id = 1"), await start("DELETE FROM events WHERE id = 2")];
  assert.equal((await texts(admin)).length, 3);
  await admin.send("POST", `/jobs/${long}/cancel`);
  for (const jobId of [long, ...others]) await admin.send("GET", `/queries/${jobId}`);
  assert.deepEqual(await texts(admin), [["3", "row 3"]]);
});
