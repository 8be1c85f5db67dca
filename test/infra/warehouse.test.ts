import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bigQueryTableOf, type BigQueryField } from "@indelible/schemas/bigquery.ts";
import { tableNames, tables } from "@indelible/schemas/tables.ts";
import { viewsOf } from "@indelible/schemas/views.ts";
import { accessesOf } from "./held.ts";
import { nodesOf } from "./nodes.ts";
import { production, staging } from "./stacks.ts";
import { graphOf, type Node } from "../../infra/graph.ts";

const TABLE = "gcp:bigquery/table:Table";
const graph = await graphOf(production);
const second = await graphOf(staging);

const datasets = nodesOf(graph, "gcp:bigquery/dataset:Dataset");
const raw = nodesOf(graph, TABLE).filter(({ inputs }) => inputs["datasetId"] === "agent_logs_raw");
const views = nodesOf(graph, TABLE).filter(({ inputs }) => inputs["datasetId"] === "agent_logs");
const idOf = ({ inputs }: Node): string => String(inputs["tableId"]);

describe("datasets", () => {
  it("let nobody in but owners of the project and those who have a right, and no editors of the project", () => {
    for (const { inputs } of datasets) {
      const [owner, ...others] = accessesOf(inputs);
      assert.deepEqual(owner, { role: "OWNER", specialGroup: "projectOwners" });
      for (const { role, specialGroup, domain, dataset } of others) {
        assert.equal(specialGroup, undefined);
        assert.equal(domain, undefined);
        if (dataset === undefined) assert.match(String(role), /^projects\/acme-agents\/roles\/indelible_/);
      }
    }
  });

  it("let the views read the tables, and nothing else read anything", () => {
    const authorized = datasets.flatMap(({ name, inputs }) =>
      accessesOf(inputs).flatMap(({ dataset, view, routine }) => {
        assert.equal(view, undefined);
        assert.equal(routine, undefined);
        return dataset === undefined ? [] : [{ on: name, dataset }];
      }),
    );
    assert.deepEqual(authorized, [
      {
        on: "raw",
        dataset: { dataset: { projectId: "acme-agents", datasetId: "agent_logs" }, targetTypes: ["VIEWS"] },
      },
    ]);
  });

  it("are where they are told, keep 7 days of the past, and are not deleted with their tables", () => {
    const facts = [...datasets, ...nodesOf(second, "gcp:bigquery/dataset:Dataset")].map(({ inputs, protect }) => [
      inputs["datasetId"],
      inputs["location"],
      inputs["maxTimeTravelHours"],
      inputs["deleteContentsOnDestroy"],
      protect,
    ]);
    assert.deepEqual(facts, [
      ["agent_logs_raw", "europe-west1", "168", false, true],
      ["agent_logs", "europe-west1", "168", false, true],
      ["agent_logs_staging_raw", "EU", "168", false, true],
      ["agent_logs_staging", "EU", "168", false, true],
    ]);
  });
});

describe("tables", () => {
  it("are all there, with the columns that are declared", () => {
    assert.deepEqual(raw.map(idOf).toSorted(), [...tableNames].toSorted());
    for (const node of raw) {
      const declared = bigQueryTableOf(tables[nameOf(node)]);
      assert.deepEqual(fieldsOf(node), declared.schema.fields);
      assert.equal(node.inputs["description"], declared.description);
      assert.deepEqual(node.inputs["clusterings"], declared.clustering.fields);
    }
  });

  it("say what must be there, and what each column is", () => {
    for (const node of raw) {
      const fields = fieldsOf(node);
      assert.deepEqual(
        ["log_id", "entry", "entry_hash", "ingested_at"].map(
          (name) => fields.find((field) => field.name === name)?.mode,
        ),
        ["REQUIRED", "REQUIRED", "REQUIRED", "REQUIRED"],
      );
      for (const { name, description } of fields) assert.notEqual(description, "", name);
    }
  });

  it("keep the partition of a day for as long as they are declared to", () => {
    for (const node of raw) {
      const days = Math.ceil(tables[nameOf(node)].retentionYears * 365.25);
      assert.deepEqual(node.inputs["timePartitioning"], {
        type: "DAY",
        field: "ingested_at",
        expirationMs: days * 86_400_000,
      });
      assert.equal(node.inputs["requirePartitionFilter"], undefined, "the views read without one");
      assert.equal(node.inputs["expirationTime"], undefined);
    }
  });

  it("have no key, by which an appender could delete", () => {
    for (const { inputs } of raw) assert.equal(inputs["tableConstraints"], undefined);
  });

  it("refuse to be deleted, twice, until a stack is to be torn down", async () => {
    for (const { inputs, protect } of raw) assert.deepEqual([inputs["deletionProtection"], protect], [true, true]);
    const torndown = await graphOf({ ...production, "indelible:deletionProtection": "false" });
    for (const { inputs, protect } of nodesOf(torndown, TABLE))
      assert.deepEqual([inputs["deletionProtection"], protect], [false, false]);
  });
});

describe("views", () => {
  it("of an environment read its own datasets, and no others", () => {
    for (const [of, project] of [
      [graph, /`acme-agents\.agent_logs(?:_raw)?\.\w+`/g],
      [second, /`acme-agents\.agent_logs_staging(?:_raw)?\.\w+`/g],
    ] as const) {
      const queries = nodesOf(of, TABLE).flatMap(({ inputs }) =>
        "view" in inputs ? [JSON.stringify(inputs["view"])] : [],
      );
      assert.equal(queries.length, views.length);
      for (const query of queries) {
        const named = query.match(/`[^`]*`/g) ?? [];
        assert.ok(named.length > 0);
        assert.deepEqual(named, query.match(project));
      }
    }
  });

  it("are all there, as they are declared, and can be replaced", () => {
    assert.deepEqual(
      views.map((node) => [idOf(node), node.inputs["view"], node.inputs["deletionProtection"], node.protect]),
      viewsOf("acme-agents")
        .map(({ name, query }) => [name, { query, useLegacySql: false }, false, false] as const)
        .toSorted(([one], [other]) => (one < other ? -1 : 1)),
    );
  });

  it("have a label that changes with their columns, so that a `SELECT *` is written again when its table has one more", () => {
    const byColumns = Map.groupBy(viewsOf("acme-agents"), ({ columns }) => columns.join());
    const labels = [...byColumns.values()].map((alike) => {
      const found = new Set(
        alike.map(({ name }) => {
          const node = views.find((view) => idOf(view) === name);
          return (node?.inputs["labels"] as { readonly columns?: string } | undefined)?.columns;
        }),
      );
      assert.equal(found.size, 1);
      return [...found][0];
    });
    for (const label of labels) assert.match(label ?? "", /^[0-9a-f]{12}$/);
    assert.equal(new Set(labels).size, byColumns.size);
  });

  it("are made after every table and view that they read", () => {
    for (const { inputs, name, after } of views) {
      const { query } = viewsOf("acme-agents").find((view) => view.name === inputs["tableId"]) ?? { query: "" };
      const rawReads = tableNames.filter((table) => query.includes(`\`acme-agents.agent_logs_raw.${table}\``));
      const viewReads = views.map(idOf).filter((view) => query.includes(`\`acme-agents.agent_logs.${view}\``));
      assert.ok(rawReads.length + viewReads.length > 0, name);
      assert.deepEqual(
        after.toSorted(),
        [
          ...rawReads.map((table) => `${TABLE} raw.${table}`),
          ...viewReads.map((view) => `${TABLE} views.${view}`),
        ].toSorted(),
      );
    }
  });
});

function nameOf(node: Node): (typeof tableNames)[number] {
  const name = tableNames.find((table) => table === idOf(node));
  if (name === undefined) throw new Error(`${idOf(node)} is not declared`);
  return name;
}

function fieldsOf({ inputs }: Node): readonly BigQueryField[] {
  return JSON.parse(String(inputs["schema"])) as readonly BigQueryField[];
}
