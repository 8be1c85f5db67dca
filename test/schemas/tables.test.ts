import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { bigQueryTableOf, retentionDaysOf, type BigQueryField } from "@indelible/schemas/bigquery.ts";
import { generatedFiles } from "@indelible/schemas/generated.ts";
import { generatedSections, withSection } from "@indelible/schemas/generated-sections.ts";
import { rowColumns, tableNames, tables, type TableName } from "@indelible/schemas/tables.ts";
import { shared } from "../shared.ts";

const seed = shared("seed");
const seedTypes: { readonly [sql: string]: string } = {
  STRING: "STRING",
  TIMESTAMP: "TIMESTAMP",
  INT64: "INTEGER",
  FLOAT64: "FLOAT",
  BOOL: "BOOLEAN",
  JSON: "JSON",
  "ARRAY<STRING>": "STRING",
};

const fieldsOf = (name: TableName): Map<string, BigQueryField> =>
  new Map(bigQueryTableOf(tables[name]).schema.fields.map((field) => [field.name, field]));

describe("the tables", () => {
  it("hold every column of the founding document, with its type, mode and closed set", { skip: seed.skip }, () => {
    const text = readdirSync(seed.path)
      .map((file) => readFileSync(join(seed.path, file), "utf8"))
      .join("\n");
    let columns = 0;
    for (const [, table, body] of text.matchAll(/CREATE TABLE IF NOT EXISTS `[^`]*\.(\w+)` \(([\s\S]*?)\n\);/g)) {
      const fields = fieldsOf(table as TableName);
      const flat = (body as string).replace(/ARRAY<STRUCT<[\s\S]*?>>,\n/, "RECORDS,\n");
      for (const line of flat.split("\n")) {
        const match = /^\s+(\w+) ([A-Z0-9<>]+)( NOT NULL)?,?\s*(?:-- (.*))?$/.exec(line);
        if (match === null || match[1] === "_PARTITIONTIME") continue;
        const [, name = "", type = "", notNull, comment = ""] = match;
        const field = fields.get(name);
        assert.ok(field, `${table}.${name}`);
        columns += 1;
        if (type === "RECORDS") {
          assert.equal(field.type, "RECORD");
          assert.deepEqual(
            field.fields?.map((inner) => [inner.name, inner.type, inner.mode]),
            [
              ["option", "STRING", "NULLABLE"],
              ["pros", "STRING", "REPEATED"],
              ["cons", "STRING", "REPEATED"],
              ["score", "FLOAT", "NULLABLE"],
            ],
          );
        } else assert.equal(field.type, seedTypes[type], `${table}.${name}`);
        const mode = type.startsWith("ARRAY") || type === "RECORDS" ? "REPEATED" : notNull ? "REQUIRED" : "NULLABLE";
        assert.equal(field.mode, mode, `${table}.${name}`);
        if (/^\w+(, \w+){2,}$/.test(comment)) {
          const column = tables[table as TableName].columns[name];
          assert.deepEqual(column?.type === "string" && column.enum, comment.split(", "), `${table}.${name}`);
        }
      }
    }
    assert.equal(columns, 97, "20 + 15 + 18 + 14 + 16 + 14");
  });

  it("are kept as long as the founding document says", () => {
    const years = Object.fromEntries(tableNames.map((name) => [name, tables[name].retentionYears]));
    assert.deepEqual(years, {
      conversations: 7,
      thinking_logs: 2,
      decision_logs: 7,
      action_logs: 2,
      escalation_logs: 7,
      mcp_usage_logs: 1,
      log_access_audit: 7,
      dead_letters: 1,
      dead_letter_reviews: 7,
      seals: 7,
    });
  });

  it("are stored for as many whole days as their years have at most", () => {
    const days = { 1: 366, 2: 731, 7: 2557 } as { readonly [years: number]: number };
    for (const name of tableNames) {
      const expected = days[tables[name].retentionYears] ?? 0;
      assert.equal(retentionDaysOf(tables[name]), expected, name);
      assert.equal(bigQueryTableOf(tables[name]).timePartitioning.expirationMs, String(expected * 86_400_000), name);
    }
  });

  for (const name of tableNames) {
    it(`${name} - is declared consistently`, () => {
      const table = tables[name];
      const columns = rowColumns(table);
      assert.equal(table.name, name);
      assert.equal(columns[table.entity]?.required, true, "the entity is required");
      assert.equal(columns[table.occurredAt]?.type, "timestamp");
      assert.ok(table.clusterBy.length <= 4 && table.clusterBy.every((column) => column in columns));
      for (const column of Object.keys(columns)) assert.match(column, /^[a-z][a-z0-9_]*$/);
      const own = Object.keys(table.columns).length;
      assert.equal(Object.keys(columns).length, own + 10, "no own column hides a system column");
    });
  }

  it("are stored by the server's clock: partitioned by ingested_at, which is required", () => {
    const { timePartitioning, schema } = bigQueryTableOf(tables.mcp_usage_logs);
    assert.equal(timePartitioning.field, "ingested_at");
    assert.equal(timePartitioning.expirationMs, String(366 * 86_400_000));
    assert.equal(timePartitioning.type, "DAY");
    assert.equal(schema.fields.find((field) => field.name === "ingested_at")?.mode, "REQUIRED");
  });
});

describe("npm run build", () => {
  for (const [path, text] of generatedFiles()) {
    it(`${path} is up to date`, () => {
      const kept = readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
      assert.equal(kept, text, `${path} is stale: npm run build`);
    });
  }
  for (const section of generatedSections()) {
    it(`${section.name} of ${section.path} is up to date`, () => {
      const kept = readFileSync(new URL(`../../${section.path}`, import.meta.url), "utf8");
      assert.equal(kept, withSection(kept, section), `${section.path} is stale: npm run build`);
    });
  }
});
