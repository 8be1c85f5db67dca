import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Table, TableMetadata } from "@google-cloud/bigquery";
import { bigQueryTableOf, type BigQueryField } from "@indelible/schemas/bigquery.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { tables, type TableName } from "@indelible/schemas/tables.ts";
import { Admission } from "@indelible/subscriber/admission.ts";
import { storageWriteAppender } from "@indelible/subscriber/appender.ts";
import { createDedup } from "@indelible/subscriber/dedup.ts";
import type { Fault } from "@indelible/subscriber/decode.ts";
import { ingest, type Outcome } from "@indelible/subscriber/pipeline.ts";
import { bigQuery, DATASET, openWarehouse, PROJECT, writeClient } from "../local/bigquery/clients.ts";

/** A function with the declaration of today, in front of a table of the local warehouse that is of another one. */
interface Rollout {
  readonly table: Table;
  /** Everything that became a dead letter. */
  readonly deadLetters: readonly Fault[];
  /** Delivers a message of one event, always the same for the same number. */
  deliver(number: number, more?: object): Promise<Outcome>;
  /** The rows that there are, as `log_id`'s last digit and the wanted columns. */
  rows(...columns: readonly string[]): Promise<unknown[][]>;
  /** Gives the table another schema. */
  change(fields: readonly BigQueryField[]): Promise<void>;
}

const declared = (name: TableName): readonly BigQueryField[] => bigQueryTableOf(tables[name]).schema.fields;
const further: BigQueryField = { name: "region", type: "STRING", mode: "NULLABLE", description: "" };
const list: BigQueryField = { name: "labels", type: "STRING", mode: "REPEATED", description: "" };

async function rolloutOf(t: TestContext, name: TableName, fields: readonly BigQueryField[]): Promise<Rollout> {
  const server = await openWarehouse(t);
  const dataset = bigQuery(server).dataset(DATASET);
  await dataset.create();
  const [table] = await dataset.createTable(name, { schema: { fields } } as TableMetadata);
  const client = writeClient(t, server);
  const appender = storageWriteAppender({ createClient: () => client, projectId: PROJECT, datasetId: DATASET });
  t.after(() => appender.close());
  const deadLetters: Fault[] = [];
  const pipeline = {
    admission: new Admission(),
    appender,
    dedup: createDedup(),
    deadLetters: {
      publish: async (_: unknown, __: unknown, faults: readonly Fault[]) => void deadLetters.push(...faults),
    },
  };
  const required = Object.entries(tables[name].columns).filter(([, column]) => column.required === true);
  const event = Object.fromEntries(
    required.map(([column, { type }]) => [column, type === "timestamp" ? "2026-01-31T09:30:00Z" : "x"]),
  );
  return {
    table,
    deadLetters,
    deliver(number, more = {}) {
      const logId = `00000000-0000-7000-8000-00000000000${number}`;
      const data = Buffer.from(JSON.stringify({ ...event, log_id: logId, ...more }));
      return ingest(pipeline, name, { id: `m${number}`, publishedAt: 1_780_000_000_000_000, data, attributes: {} });
    },
    async rows(...columns) {
      const [rows] = await bigQuery(server).query(
        `SELECT SUBSTR(log_id, -1) AS number${columns.map((column) => `, ${column}`).join("")} FROM ${DATASET}.${name} ORDER BY 1`,
      );
      return (rows as object[]).map((row) => Object.values(row) as unknown[]);
    },
    async change(after) {
      await table.setMetadata({ schema: { fields: after } } as TableMetadata);
    },
  };
}

async function refusalOf(delivery: Promise<Outcome>): Promise<IndelibleError> {
  const error: unknown = await delivery.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(IndelibleError.is(error), "it is refused");
  return error;
}

describe("a function in front of a table that has more columns than it knows", () => {
  it("appends rows with these columns empty", async (t) => {
    const rollout = await rolloutOf(t, "conversations", [...declared("conversations"), further, list]);
    assert.equal((await rollout.deliver(1, { cost_usd: 2 })).accepted, 1);
    assert.deepEqual(await rollout.rows("cost_usd", "region", "labels"), [["1", 2, null, []]]);
    assert.deepEqual(rollout.deadLetters, []);
  });

  it("goes on when the table grows while its connection is open", async (t) => {
    const rollout = await rolloutOf(t, "conversations", declared("conversations"));
    await rollout.deliver(1);
    await rollout.change([...declared("conversations"), further, list]);
    await rollout.deliver(2);
    assert.deepEqual(await rollout.rows("region", "labels"), [
      ["1", null, []],
      ["2", null, []],
    ]);
    assert.deepEqual(rollout.deadLetters, []);
  });

  it("leaves a field of a struct empty that it does not know", async (t) => {
    const fields = declared("decision_logs").map((field) =>
      field.name === "options_evaluated" ? { ...field, fields: [...(field.fields ?? []), further] } : field,
    );
    const rollout = await rolloutOf(t, "decision_logs", fields);
    await rollout.deliver(1, { options_evaluated: [{ option: "a", score: 1 }] });
    const [[, options] = []] = await rollout.rows("options_evaluated");
    assert.deepEqual(options, [{ option: "a", pros: [], cons: [], score: 1, region: null }]);
  });
});

describe("a function in front of a table that lacks a column", () => {
  const lacking = (name: TableName, column: string): readonly BigQueryField[] =>
    declared(name).filter((field) => field.name !== column);

  it("acknowledges nothing and makes no dead letter: every message waits in Pub/Sub, and the error names the column", async (t) => {
    const rollout = await rolloutOf(t, "conversations", lacking("conversations", "cost_source"));
    for (const [number, more] of [
      [1, { cost_source: "provider" }],
      [2, {}],
    ] as const) {
      const { code, retryable, message, hint } = await refusalOf(rollout.deliver(number, more));
      assert.deepEqual([code, retryable], ["ERR_APPEND_REFUSED", true]);
      assert.match(message, /cost_source/);
      assert.match(hint, /Compare the table with the declaration/);
    }
    assert.deepEqual(await rollout.rows(), []);
    assert.deepEqual(rollout.deadLetters, []);
  });

  it("takes the same messages once the table has it, each once, without a restart", async (t) => {
    const rollout = await rolloutOf(t, "conversations", lacking("conversations", "cost_source"));
    await refusalOf(rollout.deliver(1, { cost_source: "provider" }));
    await refusalOf(rollout.deliver(2));
    const [metadata] = await rollout.table.getMetadata();
    const { fields } = (metadata as { schema: { fields: BigQueryField[] } }).schema;
    await rollout.change([...fields, ...declared("conversations").filter(({ name }) => name === "cost_source")]);
    assert.equal((await rollout.deliver(1, { cost_source: "provider" })).accepted, 1);
    assert.equal((await rollout.deliver(2)).accepted, 1);
    assert.equal((await rollout.deliver(2)).duplicates, 1);
    assert.deepEqual(await rollout.rows("cost_source"), [
      ["1", "provider"],
      ["2", null],
    ]);
    assert.deepEqual(rollout.deadLetters, []);
  });

  it("does the same for a field of a struct, and takes it when the table has it", async (t) => {
    const fields = declared("decision_logs").map((field) =>
      field.name === "options_evaluated"
        ? { ...field, fields: (field.fields ?? []).filter(({ name }) => name !== "score") }
        : field,
    );
    const rollout = await rolloutOf(t, "decision_logs", fields);
    const error = await refusalOf(rollout.deliver(1, { options_evaluated: [{ option: "a", score: 1 }] }));
    assert.equal(error.retryable, true);
    assert.match(error.message, /options_evaluated\.score/);
    assert.deepEqual([rollout.deadLetters, await rollout.rows()], [[], []]);
    await rollout.change(declared("decision_logs"));
    assert.equal((await rollout.deliver(1, { options_evaluated: [{ option: "a", score: 1 }] })).accepted, 1);
    assert.deepEqual(await rollout.rows("options_evaluated"), [["1", [{ option: "a", pros: [], cons: [], score: 1 }]]]);
  });
});

describe("a function in front of a table with a column that must not be empty, or may", () => {
  const strict = (name: TableName, column: string, mode: BigQueryField["mode"]): readonly BigQueryField[] =>
    declared(name).map((field) => (field.name === column ? { ...field, mode } : field));

  it("appends to a table where a column may be empty that it requires, also when that changes under it", async (t) => {
    const rollout = await rolloutOf(t, "conversations", declared("conversations"));
    await rollout.deliver(1);
    await rollout.change(strict("conversations", "agent_position", "NULLABLE"));
    await rollout.deliver(2);
    assert.deepEqual(await rollout.rows("agent_position"), [
      ["1", "x"],
      ["2", "x"],
    ]);
    assert.deepEqual(rollout.deadLetters, []);
  });

  it("makes a dead letter of an event without a column that the table still asks for, and rows of its neighbours", async (t) => {
    const rollout = await rolloutOf(t, "conversations", strict("conversations", "user_agent", "REQUIRED"));
    const [without, neighbour] = await Promise.all([rollout.deliver(1), rollout.deliver(2, { user_agent: "curl" })]);
    assert.deepEqual([without.deadLettered, neighbour.accepted], [1, 1]);
    assert.deepEqual(
      rollout.deadLetters.map(({ code }) => code),
      ["ERR_ROW_REFUSED"],
    );
    assert.deepEqual(await rollout.rows("user_agent"), [["2", "curl"]]);
  });
});

describe("an event that is newer than the function", () => {
  it("is a dead letter that says which field or value it is, with its bytes for a replay", async (t) => {
    const rollout = await rolloutOf(t, "conversations", declared("conversations"));
    assert.equal((await rollout.deliver(1, { region: "eu" })).deadLettered, 1);
    assert.equal((await rollout.deliver(2, { status: "cancelled" })).deadLettered, 1);
    assert.deepEqual(
      rollout.deadLetters.map(({ code, detail }) => [code, detail]),
      [
        ["ERR_UNKNOWN_FIELD", 'the event has the field "region", which conversations does not'],
        ["ERR_INVALID_EVENT", 'status must be one of ["completed","error","timeout",null]'],
      ],
    );
    assert.match(rollout.deadLetters[0]?.data.toString() ?? "", /"region":"eu"/);
  });
});
