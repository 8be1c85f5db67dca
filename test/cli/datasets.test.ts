import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { BigQuery, type Query } from "@google-cloud/bigquery";
import { datasetsOf, topicPrefixOf } from "../../cli/environment.ts";
import { publisherOptionsOf } from "../../cli/emit/options.ts";
import { ledgerEnvironment } from "../../cli/ledger-environment.ts";
import { openWarehouse, rowsOf, type Warehouse } from "../../cli/warehouse.ts";
import { linkTo } from "../../cli/summarize/places.ts";

const before = { ...process.env };
const folder = mkdtempSync(join(tmpdir(), "indelible-datasets-"));
after(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  process.env = { ...before };
});

const shell = {
  INDELIBLE_DATASET: "staging_raw",
  INDELIBLE_VIEWS_DATASET: "staging",
  INDELIBLE_TOPIC_PREFIX: "staging-logs",
};
const datasets = { raw: "staging_raw", views: "staging" };

describe("names that the shell says", () => {
  it("count in the cloud", () => {
    Object.assign(process.env, shell);
    assert.deepEqual(datasetsOf(false), datasets);
    assert.equal(topicPrefixOf(false), "staging-logs");
  });

  it("do not count on one machine, where things are called as `indelible dev` calls them", async () => {
    Object.assign(process.env, shell, { BIGQUERY_EMULATOR_HOST: "http://127.0.0.1:1", GOOGLE_CLOUD_PROJECT: "p" });
    const usual = { raw: "agent_logs_raw", views: "agent_logs" };
    assert.deepEqual(datasetsOf(true), usual);
    assert.equal(topicPrefixOf(true), "agent-logs");
    assert.deepEqual((await openWarehouse(folder)).datasets, usual);
    const env = ledgerEnvironment(folder, "auditor");
    assert.deepEqual([env["INDELIBLE_DATASET"], env["INDELIBLE_VIEWS_DATASET"]], [usual.raw, usual.views]);
  });

  it("are those of the topics that `emit` publishes to, unless an option says another", () => {
    const flags = { deadline: 1, data: folder };
    process.env["INDELIBLE_TOPIC_PREFIX"] = "staging-logs";
    assert.equal(publisherOptionsOf(flags, "p", () => {}).topicPrefix, "staging-logs");
    assert.equal(publisherOptionsOf({ ...flags, topicPrefix: "other" }, "p", () => {}).topicPrefix, "other");
    process.env["INDELIBLE_TOPIC_PREFIX"] = "";
    assert.equal(publisherOptionsOf(flags, "p", () => {}).topicPrefix, "agent-logs");
  });
});

describe("rowsOf()", () => {
  const warehouseThat = (answer: (query: Query) => unknown): Warehouse => {
    const bigquery = new BigQuery({ projectId: "p" });
    return { bigquery: Object.assign(bigquery, { query: async (query: Query) => [answer(query)] }), datasets };
  };

  it("looks for tables without a dataset among the views of the warehouse that is asked", async () => {
    const asked: Query[] = [];
    await rowsOf(
      warehouseThat((query) => (asked.push(query), [])),
      { query: "SELECT 1" },
    );
    assert.deepEqual(asked[0]?.defaultDataset, { projectId: "p", datasetId: "staging" });
  });

  for (const code of [403, 404]) {
    it(`names the dataset of views when it is refused with ${code}`, async () => {
      const refusing = warehouseThat(() => {
        throw Object.assign(new Error("no"), { code });
      });
      await assert.rejects(rowsOf(refusing, { query: "SELECT 1" }), {
        code: "ERR_QUERY",
        hint: /the dataset staging /,
      });
    });
  }
});

describe("linkTo()", () => {
  it("goes to the view in the dataset of views", () => {
    assert.match(linkTo("conversations", { project: "p", local: false, datasets }), /&d=staging&t=conversations&/);
  });
});
