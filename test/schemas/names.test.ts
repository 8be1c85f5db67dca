import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { auditQueriesOf } from "@indelible/schemas/audit-queries.ts";
import { costItemsQuery, costRelationsSince } from "@indelible/schemas/cost.ts";
import {
  datasetsFromEnvironment,
  defaultDatasets,
  topicPrefixFromEnvironment,
  type Datasets,
} from "@indelible/schemas/names.ts";
import { copiesWhere, relationsWhere, viewRelations, type Relations } from "@indelible/schemas/relations.ts";
import { tableNames } from "@indelible/schemas/tables.ts";
import { viewsOf } from "@indelible/schemas/views.ts";

describe("datasetsFromEnvironment()", () => {
  it("takes each name from its variable, and the default where there is none, or an empty one", () => {
    assert.deepEqual(datasetsFromEnvironment({}), { raw: "agent_logs_raw", views: "agent_logs" });
    assert.deepEqual(datasetsFromEnvironment({ INDELIBLE_DATASET: "", INDELIBLE_VIEWS_DATASET: "" }), defaultDatasets);
    assert.deepEqual(datasetsFromEnvironment({ INDELIBLE_DATASET: "s_raw", INDELIBLE_VIEWS_DATASET: "s" }), {
      raw: "s_raw",
      views: "s",
    });
    assert.deepEqual(datasetsFromEnvironment({ INDELIBLE_VIEWS_DATASET: "s" }), { raw: "agent_logs_raw", views: "s" });
  });

  for (const variable of ["INDELIBLE_DATASET", "INDELIBLE_VIEWS_DATASET"]) {
    it(`refuses what is no name of a dataset as ${variable}, and says what is`, () => {
      for (const name of ["acme.staging", "with space", "with-dash", "`x`", "résumé", "x\n", "x".repeat(1025)]) {
        assert.throws(() => datasetsFromEnvironment({ [variable]: name }), {
          code: "ERR_CONFIG",
          message: `${variable} is ${JSON.stringify(name)}, which is no name of a dataset`,
          hint: /1 to 1024 letters, digits and underscores/,
        });
      }
      const longest = "x".repeat(1024);
      assert.ok(Object.values(datasetsFromEnvironment({ [variable]: longest })).includes(longest));
    });
  }

  it("refuses one dataset for tables and views, also where one of the names is the default", () => {
    for (const env of [
      { INDELIBLE_DATASET: "same", INDELIBLE_VIEWS_DATASET: "same" },
      { INDELIBLE_DATASET: "agent_logs" },
      { INDELIBLE_VIEWS_DATASET: "agent_logs_raw" },
    ]) {
      assert.throws(() => datasetsFromEnvironment(env), { code: "ERR_CONFIG", hint: /different names/ });
    }
  });
});

describe("topicPrefixFromEnvironment()", () => {
  it("is what INDELIBLE_TOPIC_PREFIX says, and the default where that is not set, or empty", () => {
    assert.equal(topicPrefixFromEnvironment({ INDELIBLE_TOPIC_PREFIX: "staging" }), "staging");
    assert.equal(topicPrefixFromEnvironment({ INDELIBLE_TOPIC_PREFIX: "" }), "agent-logs");
    assert.equal(topicPrefixFromEnvironment({}), "agent-logs");
  });

  it("refuses what no ID of Pub/Sub can begin with, and says what can", () => {
    for (const prefix of ["bad prefix/x", "goog-logs", "1st", "-logs", "résumé", "logs\n", "x".repeat(201)]) {
      assert.throws(() => topicPrefixFromEnvironment({ INDELIBLE_TOPIC_PREFIX: prefix }), {
        code: "ERR_CONFIG",
        message: `INDELIBLE_TOPIC_PREFIX is ${JSON.stringify(prefix)}, which no topic's ID can begin with`,
        hint: /must not begin with goog/,
      });
    }
    for (const prefix of ["x", "x".repeat(200), "A1-_.~+%"]) {
      assert.equal(topicPrefixFromEnvironment({ INDELIBLE_TOPIC_PREFIX: prefix }), prefix);
    }
  });
});

describe("SQL over datasets of other names", () => {
  const others: Datasets = { raw: "tables_of_staging", views: "views_of_staging" };
  const everyRelation = ({ arrivals, history, entities }: Relations): string =>
    tableNames.flatMap((name) => [arrivals(name), history(name), entities(name), entities(name, ["entries"])]).join();

  for (const [what, sqlOver, datasets] of [
    ["the views", (of) => viewsOf("p", of).map(({ query }) => query), ["raw", "views"]],
    ["the auditors' queries", (of) => auditQueriesOf("p", of).map(({ query }) => query), ["raw"]],
    ["the cost of everything", (of) => [costItemsQuery(viewRelations("p", of))], ["views"]],
    ["the cost since a time", (of) => [costItemsQuery(costRelationsSince("p", of))], ["views"]],
    ["relations", (of) => [everyRelation(viewRelations("p", of))], ["views"]],
    ["relations of what meets a condition", (of) => [everyRelation(relationsWhere("p", of, () => "TRUE"))], ["views"]],
    ["copies of what meets a condition", (of) => [copiesWhere("p", of, "seals", "TRUE")], ["views"]],
  ] as const satisfies readonly (readonly [string, (of: Datasets) => string[], (keyof Datasets)[]])[]) {
    it(`names those, and never a default one, in ${what}`, () => {
      const sql = sqlOver(others).join("\n");
      assert.doesNotMatch(sql, /agent_logs/);
      const named = new Set([...sql.matchAll(/`p\.(\w+)\.\w+`/g)].map(([, dataset]) => dataset));
      assert.deepEqual(named, new Set(datasets.map((which) => others[which])));
      // And it differs in nothing else.
      const usual = sqlOver(defaultDatasets).join("\n");
      assert.equal(sql.replaceAll(others.raw, "agent_logs_raw").replaceAll(others.views, "agent_logs"), usual);
    });
  }
});
