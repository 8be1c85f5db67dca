import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { TableMetadata } from "@google-cloud/bigquery";
import { PubSub } from "@google-cloud/pubsub";
import { bigQueryTableOf, type BigQueryField } from "@indelible/schemas/bigquery.ts";
import { RAW_DATASET, VIEWS_DATASET } from "@indelible/schemas/names.ts";
import { tables } from "@indelible/schemas/tables.ts";
import { viewsOf } from "@indelible/schemas/views.ts";
import { bigQueryClient } from "../../cli/clients.ts";
import { provisionTopics, provisionWarehouse } from "../../cli/dev/provision.ts";
import { startService, type ServiceProcess } from "../processes.ts";

const projectId = "provision-test";

describe("provisioning over what an earlier version has made", () => {
  const data = mkdtempSync(join(tmpdir(), "indelible-provision-"));
  let warehouse: ServiceProcess;
  let broker: ServiceProcess;

  before(async () => {
    [warehouse, broker] = await Promise.all([
      startService("local/bigquery/main.ts", ["--data", join(data, "w"), "--port", "0", "--grpc-port", "0"]),
      startService("local/pubsub/main.ts", ["--data", join(data, "b"), "--port", "0"]),
    ]);
    process.env["BIGQUERY_EMULATOR_HOST"] = `http://127.0.0.1:${warehouse.ready.port}`;
    process.env["PUBSUB_EMULATOR_HOST"] = `127.0.0.1:${broker.ready.port}`;
    process.env["METADATA_SERVER_DETECTION"] = "none";
  });
  after(async () => {
    await Promise.all([warehouse?.stop(), broker?.stop()]);
    rmSync(data, { recursive: true });
  });

  it("adds the columns that a table lacks, at its end, and renews the views over it", async () => {
    const bigquery = bigQueryClient(projectId, true);
    const [raw] = await bigquery.dataset(RAW_DATASET).create();
    const [views] = await bigquery.dataset(VIEWS_DATASET).create();
    const { schema, ...rest } = bigQueryTableOf(tables.dead_letters);
    const earlier = { ...rest, schema: { fields: schema.fields.filter(({ name }) => name !== "reason_pattern") } };
    await raw.createTable("dead_letters", earlier as TableMetadata);
    const { query = "" } = viewsOf(projectId).find(({ name }) => name === "dead_letters_history") ?? {};
    await views.createTable("dead_letters_history", { view: { query, useLegacySql: false } });

    await provisionWarehouse(bigquery);
    await provisionWarehouse(bigquery);
    const [table] = await raw.table("dead_letters").getMetadata();
    const fields = (table as TableMetadata).schema as { fields: { name: string }[] };
    assert.equal(fields.fields.at(-1)?.name, "reason_pattern");
    for (const view of ["dead_letters", "dead_letters_history"]) {
      const [rows] = await bigquery.query(`SELECT reason_pattern FROM ${VIEWS_DATASET}.${view}`);
      assert.deepEqual(rows, []);
    }
  });

  it("adds the fields that a struct lacks, at its end, and views have them", async () => {
    const bigquery = bigQueryClient(projectId, true);
    await provisionWarehouse(bigquery);
    const raw = bigquery.dataset(RAW_DATASET);
    const { schema, ...rest } = bigQueryTableOf(tables.decision_logs);
    const earlier = schema.fields.map((field) =>
      field.fields === undefined ? field : { ...field, fields: field.fields.filter(({ name }) => name !== "score") },
    );
    await raw.table("decision_logs").delete();
    await raw.createTable("decision_logs", { ...rest, schema: { fields: earlier } } as TableMetadata);

    await provisionWarehouse(bigquery);
    const [metadata] = await raw.table("decision_logs").getMetadata();
    const { fields } = (metadata as { schema: { fields: BigQueryField[] } }).schema;
    const options = fields.find(({ name }) => name === "options_evaluated")?.fields;
    assert.deepEqual(
      options?.map(({ name }) => name),
      ["option", "pros", "cons", "score"],
    );
    for (const view of ["decision_logs", "decision_logs_history"]) {
      const [rows] = await bigquery.query(
        `SELECT weighed.score FROM ${VIEWS_DATASET}.${view}, UNNEST(options_evaluated) AS weighed`,
      );
      assert.deepEqual(rows, []);
    }
  });

  it("lets a column be empty that had to be there, also in a struct, and asks for no column that may be empty", async () => {
    const bigquery = bigQueryClient(projectId, true);
    await provisionWarehouse(bigquery);
    const raw = bigquery.dataset(RAW_DATASET);
    const { schema, ...rest } = bigQueryTableOf(tables.decision_logs);
    const strict = schema.fields.map((field) => {
      if (field.name === "rationale") return { ...field, mode: "REQUIRED" };
      if (field.name === "decision_id") return { ...field, mode: "NULLABLE" };
      const fields = field.fields?.map((inner) => (inner.name === "score" ? { ...inner, mode: "REQUIRED" } : inner));
      return fields === undefined ? field : { ...field, fields };
    });
    await raw.table("decision_logs").delete();
    await raw.createTable("decision_logs", { ...rest, schema: { fields: strict } } as TableMetadata);

    await provisionWarehouse(bigquery);
    const [metadata] = await raw.table("decision_logs").getMetadata();
    const { fields } = (metadata as { schema: { fields: BigQueryField[] } }).schema;
    const field = (name: string): BigQueryField | undefined => fields.find((one) => one.name === name);
    assert.equal(field("rationale")?.mode, "NULLABLE");
    assert.equal(field("options_evaluated")?.fields?.find(({ name }) => name === "score")?.mode, "NULLABLE");
    assert.equal(field("decision_id")?.mode, "NULLABLE", "a table cannot be asked for what its rows may lack");
    assert.equal(field("business_id")?.mode, "REQUIRED");
  });

  it("lengthens a retention that is shorter than declared, and leaves one that is longer, or that never ends", async () => {
    const bigquery = bigQueryClient(projectId, true);
    await provisionWarehouse(bigquery);
    const day = 86_400_000;
    const daysOf = async (table: string): Promise<number | undefined> => {
      const [metadata] = await bigquery.dataset(RAW_DATASET).table(table).getMetadata();
      const { expirationMs } = (metadata as { timePartitioning: { expirationMs?: string } }).timePartitioning;
      return expirationMs === undefined ? undefined : Number(expirationMs) / day;
    };
    const set = async (table: string, days: number | undefined): Promise<void> => {
      // NULL takes the expiration away, which the client's type does not know.
      const expirationMs = (days === undefined ? null : String(days * day)) as string;
      const timePartitioning = { type: "DAY", field: "ingested_at", expirationMs };
      await bigquery.dataset(RAW_DATASET).table(table).setMetadata({ timePartitioning });
    };
    await set("conversations", 30);
    await set("thinking_logs", 5000);
    await set("action_logs", undefined);
    const read = (): Promise<(number | undefined)[]> =>
      Promise.all(["conversations", "thinking_logs", "action_logs", "mcp_usage_logs"].map(daysOf));
    assert.deepEqual(await read(), [30, 5000, undefined, 366]);
    await provisionWarehouse(bigquery);
    assert.deepEqual(await read(), [2557, 5000, undefined, 366]);
  });

  it("gives each subscription of a table Pub/Sub's own dead-letter policy, and that of the dead letters none", async () => {
    const pubsub = new PubSub({ projectId });
    const [topic] = await pubsub.createTopic("agent-logs.conversations");
    await topic.createSubscription("agent-logs.conversations.function", { pushEndpoint: "http://127.0.0.1:1/earlier" });
    await provisionTopics(pubsub, "http://127.0.0.1:1");
    await provisionTopics(pubsub, "http://127.0.0.1:1");
    for (const name of ["conversations", "dead_letter_reviews", "action_logs"]) {
      const [metadata] = await pubsub.subscription(`agent-logs.${name}.function`).getMetadata();
      assert.equal(metadata.deadLetterPolicy?.maxDeliveryAttempts, 100, name);
      assert.match(metadata.deadLetterPolicy?.deadLetterTopic ?? "", /topics\/agent-logs\.dead-letter$/);
      assert.equal(Number(metadata.retryPolicy?.maximumBackoff?.seconds), 600);
      assert.equal(metadata.pushConfig?.pushEndpoint, `http://127.0.0.1:1/${name}`);
    }
    const [own] = await pubsub.subscription("agent-logs.dead-letter.function").getMetadata();
    assert.ok(!own.deadLetterPolicy);
    await pubsub.close();
  });

  it("sets what somebody has changed of topics and subscriptions as it is declared", async () => {
    const pubsub = new PubSub({ projectId });
    await provisionTopics(pubsub, "http://127.0.0.1:1");
    const subscription = pubsub.subscription("agent-logs.thinking_logs.function");
    const deadLetterPolicy = {
      deadLetterTopic: `projects/${projectId}/topics/agent-logs.action_logs`,
      maxDeliveryAttempts: 5,
    };
    await subscription.setMetadata({ ackDeadlineSeconds: 10, deadLetterPolicy });
    const deadLetters = pubsub.subscription("agent-logs.dead-letter.function");
    await deadLetters.setMetadata({ deadLetterPolicy });
    await pubsub.topic("agent-logs.thinking_logs").setMetadata({ messageRetentionDuration: { seconds: 3600 } });

    await provisionTopics(pubsub, "http://127.0.0.1:1");
    const [metadata] = await subscription.getMetadata();
    assert.equal(metadata.ackDeadlineSeconds, 60);
    assert.deepEqual(metadata.deadLetterPolicy, {
      deadLetterTopic: `projects/${projectId}/topics/agent-logs.dead-letter`,
      maxDeliveryAttempts: 100,
    });
    assert.equal((await deadLetters.getMetadata())[0].deadLetterPolicy, null);
    const [topic] = await pubsub.topic("agent-logs.thinking_logs").getMetadata();
    assert.equal(Number(topic.messageRetentionDuration?.seconds), 31 * 86_400);
    await pubsub.close();
  });
});
