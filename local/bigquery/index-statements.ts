import { duckdbSchema, duckdbTable, tableName } from "./catalog.ts";
import { logToStderr as log } from "../log.ts";
import { isVolatileQuery } from "./sql/change.ts";
import { translate } from "./sql/translate.ts";
import { addedFields, duckdbType, quoteName } from "./table-schema.ts";
import { daysCondition } from "./partitions.ts";
import { createTableAs, readTableChange, translateTableChange } from "./statement-sql.ts";
import type { Catalog, Change, StatementChange, Table } from "./catalog.ts";
import type { TableRef, Translation } from "./sql/translate.ts";
import type { TableField } from "./table-schema.ts";

/**
 * `optional`: a failure is reported and the index goes on without it. That is so for views: the journal has their text.
 * `once`: is run in the transaction that stores the position, because it must not be run again; the others do no harm then.
 */
export type IndexStatements = {
  readonly statements: readonly string[];
  readonly optional: boolean;
  readonly once?: BoundSql;
};
export type BoundSql = Pick<Translation, "sql" | "bindings">;

/** What a change means for the index. `catalog` is as it was before the change. */
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
    case "removePartitions":
      return {
        ...required(),
        once: { sql: `DELETE FROM ${duckdbTable(change.ref)} WHERE ${daysCondition(change, change)}`, bindings: [] },
      };
    case "statement":
      return { ...required(), once: changeSql(change, catalog) };
  }
}

/** @throws {Error} when this version cannot translate what another has put into the journal */
function changeSql({ statement, target, atMs, table }: StatementChange, catalog: Catalog): BoundSql {
  try {
    const resolveTable = (ref: TableRef): string | undefined =>
      catalog.findTable(ref) === undefined ? undefined : duckdbTable(ref);
    const { sql, bindings } = translateTableChange(readTableChange(statement), {
      statement,
      target,
      atMs,
      catalog,
      resolveTable,
    });
    return { sql: table === undefined ? sql : createTableAs(table, sql), bindings };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `The journal holds a statement on ${tableName(target)} that this version cannot run (${reason}): use the version that wrote it.`;
    throw new Error(message, { cause });
  }
}

function required(...statements: readonly string[]): IndexStatements {
  return { statements, optional: false };
}

function tableStatements(table: Table, before: Table | undefined): string[] {
  const name = duckdbTable(table.ref);
  if (before === undefined)
    return [`CREATE TABLE IF NOT EXISTS ${name} (${table.schema.fields.map(columnDefinition).join(", ")})`];
  return addedFields(before.schema, table.schema).map(({ within, field }) => {
    const place = within.map((outer) => `${quoteName(outer.name)}.${outer.mode === "REPEATED" ? "element." : ""}`);
    const filled = field.mode === "REPEATED" ? " DEFAULT []" : "";
    return `ALTER TABLE ${name} ADD COLUMN IF NOT EXISTS ${place.join("")}${columnDefinition(field)}${filled}`;
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
  return translateNamed(projectId, query).sql;
}

function translateNamed(projectId: string, query: string): Translation {
  return translate(query, { projectId, parameters: [], parameterMode: "NONE", resolveTable: duckdbTable });
}

const readViews = new WeakMap<Table, { readonly tables: readonly TableRef[]; readonly isVolatile: boolean }>();

/** What a view reads, each once. @throws {QueryError} it does not translate any more */
export function viewTables(view: Table): readonly TableRef[] {
  return readView(view).tables;
}

/** Whether a view answers differently another time. @throws {QueryError} it does not translate any more */
export function isVolatileView(view: Table): boolean {
  return readView(view).isVolatile;
}

function readView(view: Table): { readonly tables: readonly TableRef[]; readonly isVolatile: boolean } {
  let read = readViews.get(view);
  if (read === undefined) {
    const { ref, viewQuery = "" } = view;
    read = { tables: translateNamed(ref.projectId, viewQuery).tables, isVolatile: isVolatileQuery(viewQuery) };
    readViews.set(view, read);
  }
  return read;
}
