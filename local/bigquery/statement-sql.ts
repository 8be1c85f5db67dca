import { duckdbTable } from "./catalog.ts";
import { readChange, translateChange } from "./sql/change.ts";
import { duckdbType, quoteName } from "./table-schema.ts";
import type { Catalog, Table } from "./catalog.ts";
import type { Statement } from "./query/engine.ts";
import type { ChangeTranslation, ReadChange, TargetColumn } from "./sql/change.ts";
import type { TableRef, TranslationContext } from "./sql/translate.ts";
import type { TableField } from "./table-schema.ts";

type TableChange = {
  readonly statement: Statement;
  readonly target: TableRef;
  readonly atMs: number;
  /** As it is before the statement. */
  readonly catalog: Catalog;
  readonly resolveTable: TranslationContext["resolveTable"];
};

/** Reads a statement that changes a table, to know which. @throws {QueryError} */
export function readTableChange(statement: Statement): ReadChange {
  return readChange(
    statement.query,
    contextOf(statement, () => undefined),
  );
}

/**
 * The SQL of a statement that changes a table; of CREATE TABLE AS, of its query. The same whenever the catalog is the same.
 * @throws {QueryError}
 */
export function translateTableChange(read: ReadChange, context: TableChange): ChangeTranslation {
  const { statement, target, atMs, catalog, resolveTable } = context;
  const fields = catalog.findTable(target)?.schema.fields ?? [];
  return translateChange(read, {
    ...contextOf(statement, resolveTable),
    atMs,
    targetName: duckdbTable(target),
    columns: fields.map(targetColumn),
  });
}

/** The statement that creates a table, or replaces it, from a query that gives its columns in their order. */
export function createTableAs({ ref, schema }: Table, query: string): string {
  const given = schema.fields.map((_, index) => `c${index}`);
  const columns = schema.fields.map((field, index) => {
    const value = `CAST(q.c${index} AS ${duckdbType(field)})`;
    return `${field.mode === "REPEATED" ? `coalesce(${value}, [])` : value} AS ${quoteName(field.name)}`;
  });
  return `CREATE OR REPLACE TABLE ${duckdbTable(ref)} AS SELECT ${columns.join(", ")} FROM (${query}) AS q(${given.join(", ")})`;
}

function contextOf(
  { query: _query, defaultDataset, ...context }: Statement,
  resolveTable: TranslationContext["resolveTable"],
): TranslationContext {
  return { ...context, ...(defaultDataset === undefined ? {} : { defaultDataset }), resolveTable };
}

function targetColumn(field: TableField): TargetColumn {
  const { name, type, mode } = field;
  return { name, type, duckdbType: duckdbType(field), isRepeated: mode === "REPEATED" };
}
