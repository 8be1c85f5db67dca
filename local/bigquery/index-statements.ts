import { duckdbSchema, duckdbTable, tableName } from "./catalog.ts";
import { logToStderr as log } from "../log.ts";
import { translate } from "./sql/translate.ts";
import { addedFields, duckdbType, quoteName } from "./table-schema.ts";
import type { Catalog, Change, Table } from "./catalog.ts";
import type { TableField } from "./table-schema.ts";

/** `optional`: a failure is reported and the index goes on without it. That is so for views: the journal has their text. */
export type IndexStatements = { readonly statements: readonly string[]; readonly optional: boolean };

/** What a change means for the index, in statements that do no harm when they are run again. `catalog` is as it was before the change. */
export function indexStatements(change: Change, catalog: Catalog): IndexStatements {
  switch (change.kind) {
    case "putDataset":
      return required(`CREATE SCHEMA IF NOT EXISTS ${duckdbSchema(change.dataset)}`);
    case "deleteDataset":
      return required(`DROP SCHEMA IF EXISTS ${duckdbSchema(change.ref)} CASCADE`);
    case "putTable":
      return change.table.viewQuery === undefined
        ? required(...tableStatements(change.table, catalog.findTable(change.table.ref)))
        : { statements: viewStatements(change.table), optional: true };
    case "deleteTable": {
      const isView = catalog.findTable(change.ref)?.viewQuery !== undefined;
      return required(`DROP ${isView ? "VIEW" : "TABLE"} IF EXISTS ${duckdbTable(change.ref)}`);
    }
    case "putStream":
      return required();
  }
}

function required(...statements: readonly string[]): IndexStatements {
  return { statements, optional: false };
}

function tableStatements(table: Table, before: Table | undefined): string[] {
  const name = duckdbTable(table.ref);
  if (before === undefined)
    return [`CREATE TABLE IF NOT EXISTS ${name} (${table.schema.fields.map(columnDefinition).join(", ")})`];
  return addedFields(before.schema, table.schema).map((field) => {
    const filled = field.mode === "REPEATED" ? " DEFAULT []" : "";
    return `ALTER TABLE ${name} ADD COLUMN IF NOT EXISTS ${columnDefinition(field)}${filled}`;
  });
}

function columnDefinition(field: TableField): string {
  return `${quoteName(field.name)} ${duckdbType(field)}`;
}

function viewStatements(view: Table): string[] {
  try {
    return [
      `CREATE OR REPLACE VIEW ${duckdbTable(view.ref)} AS ${translateView(view.ref.projectId, view.viewQuery ?? "")}`,
    ];
  } catch (error) {
    log("ERROR", "A view does not translate any more. Queries of it are refused until it is created anew.", {
      view: tableName(view.ref),
      reason: error instanceof Error ? error.message : String(error),
    });
    return [];
  }
}

/**
 * The DuckDB SQL of a view. Its tables are named with their dataset, and it has no parameters, as in BigQuery.
 * @throws {QueryError}
 */
export function translateView(projectId: string, query: string): string {
  return translate(query, { projectId, parameters: [], parameterMode: "NONE", resolveTable: duckdbTable }).sql;
}
