import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { sealerFromEnvironment } from "@indelible/ledger/config.ts";
import { sealAll } from "@indelible/ledger/sealer.ts";
import { createPubSubTransport } from "@indelible/publisher/pubsub-transport.ts";
import { auditQueriesOf } from "@indelible/schemas/audit-queries.ts";
import { datasetsFromEnvironment, sealedTables, topicPrefixFromEnvironment } from "@indelible/schemas/names.ts";
import { declaredTopics } from "@indelible/schemas/topics.ts";
import { viewsOf } from "@indelible/schemas/views.ts";
import { AccessAudit } from "../../cli/access/audit.ts";
import { bigQueryClient, pubSubClient } from "../../cli/clients.ts";
import { costOf, newestConversation } from "../../cli/cost/survey.ts";
import { deliver } from "../../cli/delivery.ts";
import type { Report } from "../../cli/delivery/report.ts";
import { provisionTopics, provisionWarehouse } from "../../cli/dev/provision.ts";
import { choose } from "../../cli/dlq/choice.ts";
import type { Desk } from "../../cli/dlq/desk.ts";
import { discardLetters } from "../../cli/dlq/discard.ts";
import { Run } from "../../cli/dlq/reviews.ts";
import { compare } from "../../cli/dlq/safety-net.ts";
import { withSafetyNet } from "../../cli/dlq/safety-net-client.ts";
import { DeadLetterWarehouse } from "../../cli/dlq/warehouse.ts";
import { findingsOfDeadLetters } from "../../cli/doctor/dead-letters.ts";
import type { Installation } from "../../cli/doctor/installation.ts";
import { findingsOfSubscriptions, findingsOfTopics, lookAtTopics } from "../../cli/doctor/topics.ts";
import { findingsOfDatasets, findingsOfTables, findingsOfViews } from "../../cli/doctor/warehouse.ts";
import { surveyOf } from "../../cli/gaps/survey.ts";
import { retentionOf } from "../../cli/retention/survey.ts";
import { sampleDay } from "../../cli/sample/day.ts";
import { examine } from "../../cli/show/examine.ts";
import { periodOf } from "../../cli/summarize/period.ts";
import { draftsOf } from "../../cli/summarize/run.ts";
import { summaryOf } from "../../cli/summarize/survey.ts";
import { summaryTables } from "../../cli/summarize/tables.ts";
import { Newcomers } from "../../cli/tail/newcomers.ts";
import { timelineOf } from "../../cli/timeline/read.ts";
import { rowsOf, type Warehouse } from "../../cli/warehouse.ts";
import { startService, type ServiceProcess } from "../processes.ts";

const project = "second-environment-test";
const variables = {
  GOOGLE_CLOUD_PROJECT: project,
  INDELIBLE_TOPIC_PREFIX: "staging-logs",
  INDELIBLE_DATASET: "staging_tables",
  INDELIBLE_VIEWS_DATASET: "staging_views",
};
const datasets = datasetsFromEnvironment(variables);
const topicPrefix = topicPrefixFromEnvironment(variables);
const patience = { deadlineMs: 30_000 };
const day = "2026-01-31";
const start = Date.parse(day) * 1000;

// There is nothing of the usual names: whatever asks for it, or writes to it, fails.
describe("an environment of other names in a project", () => {
  const folder = mkdtempSync(join(tmpdir(), "indelible-second-"));
  const signal = new AbortController().signal;
  const services: ServiceProcess[] = [];
  let warehouse: Warehouse;
  let report: Report;

  before(async () => {
    process.env["METADATA_SERVER_DETECTION"] = "none";
    const broker = await startService("local/pubsub/main.ts", ["--data", join(folder, "pubsub"), "--port", "0"]);
    services.push(broker);
    process.env["PUBSUB_EMULATOR_HOST"] = `127.0.0.1:${broker.ready.port}`;
    const args = ["--data", join(folder, "bigquery"), "--port", "0", "--grpc-port", "0"];
    const stored = await startService("local/bigquery/main.ts", args);
    services.push(stored);
    process.env["BIGQUERY_EMULATOR_HOST"] = `http://127.0.0.1:${stored.ready.port}`;
    process.env["BIGQUERY_STORAGE_HOST"] = `127.0.0.1:${stored.ready.grpcPort}`;
    const subscriber = await startService("subscriber/main.ts", ["--port", "0"], variables);
    services.push(subscriber);

    warehouse = { bigquery: bigQueryClient(project, true), datasets };
    const pubsub = pubSubClient(project);
    await provisionTopics(pubsub, `http://127.0.0.1:${subscriber.ready.port}`, topicPrefix);
    await pubsub.close();
    await provisionWarehouse(warehouse.bigquery, datasets);
    report = await deliver(sampleDay(day), { project, local: true, datasets, topicPrefix, alone: true, signal });
  });
  after(async () => {
    for (const service of services.toReversed()) await service.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("takes a day of a company from the publisher to its views, whole, and its dead letter too", async () => {
    assert.deepEqual([report.complete, report.totals.missing, report.totals.extra], [true, 0, 0]);
    assert.equal(report.totals.deadLetters, 1);
    assert.ok(report.totals.rows > 50, String(report.totals.rows));
    assert.equal(report.hashes.right, report.hashes.checked);
    assert.ok(report.costs.length > 0);
  });

  it("answers every question that a command asks", async () => {
    const { bigquery } = warehouse;
    const [chat] = await rowsOf(warehouse, { query: "SELECT conversation_id, log_id FROM conversations LIMIT 1" });
    const [conversation, logId] = [String(chat?.["conversation_id"]), String(chat?.["log_id"])];
    assert.ok((await timelineOf(warehouse, conversation)).items.length > 0);
    assert.ok("row" in (await examine(warehouse, logId)));
    const spent = await costOf(warehouse, patience, { by: ["agent"], since: start }, true);
    assert.equal(spent.bridge?.total.cost_usd, spent.total.cost_usd);
    assert.ok(spent.total.conversations > 0);
    assert.match((await newestConversation(warehouse, patience)) ?? "", /^2026-01-31T/);
    const gaps = await surveyOf(warehouse, patience, { settled: Date.now() * 1000 });
    assert.deepEqual([gaps.gaps, gaps.numbers > 0], [[], true]);
    assert.equal((await new Newcomers(warehouse, { tables: ["conversations"] }).newest(3, false)).length, 3);
    const { tables } = await retentionOf({ reader: warehouse, auditor: warehouse });
    assert.deepEqual(new Set(tables.map(({ state }) => state)), new Set(["ok"]));
    // The sample tells of reads of the usual datasets, which are somebody else's.
    const audit = new AccessAudit({ project, datasets }, (query) => rowsOf(warehouse, query));
    const since = new Date(0).toISOString();
    const reads = { table: undefined, since, until: undefined, principal: undefined, except: [], limit: 10 };
    assert.deepEqual(await audit.reads(reads), []);
    for (const { name } of viewsOf(project, datasets)) {
      await bigquery.query(`SELECT COUNT(*) FROM \`${project}.${datasets.views}.${name}\``);
    }
    for (const { query } of auditQueriesOf(project, datasets).filter(({ name }) => name.startsWith("conversations_")))
      assert.deepEqual((await bigquery.query(query))[0], []);
  });

  it("is summarized with queries that can be asked there", async () => {
    const scope = { period: periodOf(1, day) };
    const summaries = await summaryOf(warehouse, patience, scope, summaryTables);
    assert.ok(summaries.every(({ entities }) => entities > 0));
    const drafts = draftsOf(summaries, scope, { project, local: true, datasets });
    for (const { content, name } of drafts) {
      const queries = [...content.matchAll(/^```sql\n(.*?)\n```$/gms)].map(([, sql = ""]) => sql);
      assert.ok(queries.length > 0, name);
      for (const query of queries) await warehouse.bigquery.query(query);
    }
  });

  it("has its dead letter in its own safety net, and takes a decision about it by its own topic", async () => {
    const reader = new DeadLetterWarehouse(warehouse, patience);
    const { looked, missing } = await withSafetyNet(project, topicPrefix, (net) =>
      compare(net, reader, { limit: 100, withData: false }),
    );
    assert.deepEqual([looked, missing], [1, []]);
    const transport = createPubSubTransport({ projectId: project });
    try {
      const desk: Desk = { project, reader, transport, topicPrefix, patience, pause: () => Promise.resolve() };
      const wanted = { byFilter: ["open"], byId: ["open"], limit: 10 } as const;
      const { chosen } = await choose(reader, [], {}, wanted);
      const reviewer = { name: "ops@desk", note: undefined, run: new Run() };
      assert.equal(await discardLetters(desk, chosen, reviewer, signal), 1);
    } finally {
      await transport.close();
    }
    const open = async (): Promise<number> => (await reader.groups({}, undefined, 10)).length;
    const deadline = AbortSignal.timeout(30_000);
    while ((await open()) > 0) deadline.throwIfAborted();
  });

  it("is sealed, its seals among its own tables", async () => {
    const service = sealerFromEnvironment({
      ...process.env,
      ...variables,
      INDELIBLE_LEDGER_STORE: join(folder, "store"),
      INDELIBLE_LEDGER_KEYS: join(folder, "keys"),
      INDELIBLE_LEDGER_MARGIN_SECONDS: "0",
    });
    try {
      const { rows } = await sealAll(() => service.options(), 1);
      assert.ok(rows > 50, String(rows));
    } finally {
      await service.close();
    }
    const query = `SELECT COUNT(DISTINCT table_name) AS n FROM ${datasets.raw}.seals`;
    assert.equal((await rowsOf(warehouse, { query }))[0]?.["n"], sealedTables.length);
  });

  it("is found to be well by the doctor", async () => {
    const pubsub = pubSubClient(project);
    const { bigquery } = warehouse;
    const installation: Installation = {
      data: folder,
      project,
      local: true,
      topicPrefix,
      datasets,
      pubsub,
      auditor: bigquery,
      reader: bigquery,
      restart: "",
    };
    try {
      const topics = await lookAtTopics(installation);
      const findings = [
        ...(await findingsOfDatasets(installation)),
        ...(await findingsOfTables(installation)),
        ...(await findingsOfViews(installation)),
        ...(await findingsOfDeadLetters(installation)),
        ...findingsOfTopics(topics, installation),
        ...findingsOfSubscriptions(topics, installation),
      ];
      assert.deepEqual(
        findings.filter(({ status }) => status !== "ok"),
        [],
      );
      assert.equal(findings[0]?.finding, "Datasets staging_tables and staging_views.");
    } finally {
      await pubsub.close();
    }
  });

  it("has made nothing of the usual names", async () => {
    const [found] = await warehouse.bigquery.getDatasets();
    assert.deepEqual(found.map(({ id }) => id).toSorted(), [datasets.raw, datasets.views].toSorted());
    const pubsub = pubSubClient(project);
    const [topics] = await pubsub.getTopics();
    const [subscriptions] = await pubsub.getSubscriptions();
    await pubsub.close();
    const ids = (things: readonly { readonly name: string }[]): string[] =>
      things.map(({ name }) => name.split("/").at(-1) ?? "");
    assert.deepEqual(
      ids(topics).toSorted(),
      declaredTopics("staging-logs")
        .map(({ id }) => id)
        .toSorted(),
    );
    assert.ok(ids(subscriptions).every((id) => id.startsWith("staging-logs.")));
  });
});
