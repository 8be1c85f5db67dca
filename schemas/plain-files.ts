/** Tables and views as plain files: what other engines and tools read, which run nothing of ours. */
import { PROJECT_PLACEHOLDER } from "./audit-queries.ts";
import { bigQueryTableOf } from "./bigquery.ts";
import { RAW_DATASET } from "./names.ts";
import { tableNames, tables, type TableName } from "./tables.ts";
import { viewsOf, type View } from "./views.ts";

/**
 * Two files a table, each by its path from the root with its text: its fields as `bq mk --schema` and Terraform's `google_bigquery_table` take them,
 * and the whole resource as `tables.insert` takes it, with partitions, expiration and clustering.
 */
export function tableFiles(): [path: string, text: string][] {
  return tableNames.flatMap((name): [string, string][] => {
    const table = bigQueryTableOf(tables[name]);
    const resource = { tableReference: referenceOf(name), ...table };
    return [
      [`schemas/bigquery/${name}.schema.json`, jsonFile(table.schema.fields)],
      [`schemas/bigquery/${name}.table.json`, jsonFile(resource)],
    ];
  });
}

function referenceOf(tableId: TableName): object {
  return { projectId: PROJECT_PLACEHOLDER, datasetId: RAW_DATASET, tableId };
}

function jsonFile(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Each view's file: its path from the root, and the query that is deployed. */
export function viewFiles(): [path: string, text: string][] {
  return viewsOf(PROJECT_PLACEHOLDER).map((view) => [`schemas/sql/views/${view.name}.sql`, viewFile(view)]);
}

function viewFile({ name, description, query }: View): string {
  return `-- ${name}: ${description}
-- The query of the view, with ${PROJECT_PLACEHOLDER} for the ID of the project. Written by \`npm run build\`; do not edit.
${query};
`;
}
