import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, it } from "node:test";
import { PROJECT_PLACEHOLDER } from "@indelible/schemas/audit-queries.ts";
import { generatedFiles } from "@indelible/schemas/generated.ts";
import { tableNames } from "@indelible/schemas/tables.ts";
import { viewsOf } from "@indelible/schemas/views.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, "utf8");

interface Field {
  readonly name: string;
  readonly type: string;
  readonly mode: string;
  readonly description: string;
  readonly fields?: readonly Field[];
}

const withNested = (field: Field): Field[] => [field, ...(field.fields ?? []).flatMap(withNested)];

describe("the plain files of schemas/", () => {
  it("are those of this declaration and no others: what is renamed leaves nothing behind", () => {
    const kept = globSync("schemas/{sql,sql/views,bigquery,json}/*.{sql,json}", { cwd: root });
    const made = [...generatedFiles().keys()].filter((path) => path.startsWith("schemas/"));
    assert.deepEqual(kept.toSorted(), made.toSorted());
  });

  it("have the query of each view as it is deployed, once the project is put in", () => {
    for (const { name, query } of viewsOf("my-project")) {
      const text = read(`schemas/sql/views/${name}.sql`).replaceAll(PROJECT_PLACEHOLDER, "my-project");
      assert.equal(text.replaceAll(/^--.*\n/gm, ""), `${query};\n`);
      assert.doesNotMatch(text, /^CREATE/im);
    }
  });

  for (const name of tableNames) {
    it(`have the fields of ${name} as bq and Terraform take them, and its whole resource`, () => {
      const fields = JSON.parse(read(`schemas/bigquery/${name}.schema.json`)) as Field[];
      for (const field of fields.flatMap(withNested)) {
        assert.match(field.name, /^[a-z][a-z0-9_]*$/);
        assert.match(field.type, /^(STRING|TIMESTAMP|INTEGER|FLOAT|BOOLEAN|JSON|RECORD)$/);
        assert.match(field.mode, /^(REQUIRED|NULLABLE|REPEATED)$/);
        assert.ok(field.description.length > 0 && field.description.length <= 1024, field.name);
        assert.equal(field.type === "RECORD", field.fields !== undefined, field.name);
      }
      const table = JSON.parse(read(`schemas/bigquery/${name}.table.json`)) as {
        tableReference: object;
        schema: { fields: Field[] };
        timePartitioning: { field: string; expirationMs: string };
        clustering: { fields: string[] };
      };
      assert.deepEqual(table.tableReference, {
        projectId: PROJECT_PLACEHOLDER,
        datasetId: "agent_logs_raw",
        tableId: name,
      });
      assert.deepEqual(table.schema.fields, fields);
      assert.equal(table.timePartitioning.field, "ingested_at");
      assert.match(table.timePartitioning.expirationMs, /^\d+$/);
      assert.ok(table.clustering.fields.every((column) => fields.some((field) => field.name === column)));
      assert.ok(!("tableConstraints" in table), "a primary key lets whoever appends delete");
    });
  }
});
