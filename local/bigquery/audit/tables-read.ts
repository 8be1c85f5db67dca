import { tablePath } from "../catalog.ts";
import { viewTables } from "../index-statements.ts";
import type { Catalog } from "../catalog.ts";
import type { TableRef } from "../sql/translate.ts";

/** `tables`: what is read, also behind views; `views`: on the way to it. Each once. */
export type TablesRead = { readonly tables: readonly TableRef[]; readonly views: readonly TableRef[] };

/** Everything that a statement which names `named` reads. */
export function tablesRead(named: readonly TableRef[], catalog: Catalog): TablesRead {
  const tables = new Map<string, TableRef>();
  const views = new Map<string, TableRef>();
  const visit = (ref: TableRef): void => {
    const table = catalog.findTable(ref);
    const seen = table?.viewQuery === undefined ? tables : views;
    if (seen.has(tablePath(ref))) return;
    seen.set(tablePath(ref), ref);
    if (table?.viewQuery !== undefined) viewTables(table).forEach(visit);
  };
  named.forEach(visit);
  return { tables: [...tables.values()], views: [...views.values()] };
}
