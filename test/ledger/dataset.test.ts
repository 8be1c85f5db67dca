import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BigQuery } from "@google-cloud/bigquery";
import { bigQueryLookup } from "@indelible/ledger/big-query-lookup.ts";
import { bigQueryQuestions } from "@indelible/ledger/questions.ts";
import { warehouseSources } from "@indelible/ledger/warehouse-sources.ts";

/** A client that has no rows, and keeps the names of datasets that it was asked for. */
function recording(): { bigquery: BigQuery; datasets: () => string[] } {
  const asked: string[] = [];
  const ask = (query: string | { query: string }): void => {
    const text = typeof query === "string" ? query : query.query;
    asked.push(...[...text.matchAll(/`p\.(\w+)\.\w+`/g)].map((match) => match[1] as string));
  };
  const bigquery = {
    projectId: "p",
    getProjectId: async () => "p",
    query: async (query: { query: string }) => (ask(query), [[]]),
    createQueryJob: async (query: string) => (ask(query), [{ getQueryResults: async () => [[], null, {}] }]),
    dataset: (name: string) => (
      asked.push(name),
      { table: () => ({ getMetadata: async () => [{ creationTime: "0" }] }) }
    ),
  };
  return { bigquery: bigquery as unknown as BigQuery, datasets: () => [...new Set(asked.splice(0))] };
}

async function exhaust(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

describe("a log in a dataset of another name", () => {
  const cases: readonly (readonly [string, (bigquery: BigQuery, dataset?: string) => Promise<unknown>])[] = [
    ["gaps", (bigquery, dataset) => exhaust(bigQueryQuestions(bigquery, dataset).gaps())],
    ["conflicts", (bigquery, dataset) => exhaust(bigQueryQuestions(bigquery, dataset).conflicts())],
    ["facts", (bigquery, dataset) => warehouseSources(bigquery, dataset).facts("conversations")],
    ["audited sessions", (bigquery, dataset) => warehouseSources(bigquery, dataset).auditedSessions(new Set(["s"]))],
    ["rows", (bigquery, dataset) => bigQueryLookup(bigquery, dataset).rows("id")],
    ["seals", (bigquery, dataset) => bigQueryLookup(bigquery, dataset).seals("conversations", 1n)],
  ];
  for (const [what, ask] of cases) {
    it(`is the only one that is asked for ${what}`, async () => {
      const { bigquery, datasets } = recording();
      await ask(bigquery, "other_raw");
      assert.deepEqual(datasets(), ["other_raw"]);
      await ask(bigquery);
      assert.deepEqual(datasets(), ["agent_logs_raw"]);
    });
  }
});
