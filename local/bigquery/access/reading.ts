import { tableName } from "../catalog.ts";
import { QueryError } from "../sql/translate.ts";
import { viewTables } from "../index-statements.ts";
import type { Catalog } from "../catalog.ts";
import type { TableRef } from "../sql/translate.ts";
import type { Caller } from "./caller.ts";
import type { Policy } from "./policy.ts";

/** Says whether a caller may read a table or view. */
export class Reading {
  readonly #caller: Caller;
  readonly #catalog: Catalog;
  readonly #policy: Policy;
  /** Views that were looked into: two that were patched to read one another would never end. */
  readonly #seen = new Set<string>();

  constructor(caller: Caller, catalog: Catalog, policy: Policy) {
    this.#caller = caller;
    this.#catalog = catalog;
    this.#policy = policy;
  }

  /**
   * Refuses what a statement names and the caller may not read, and a view that reads what is not there. What a view reads of a dataset
   * that authorizes the view's dataset, the view reads; everything else that it reads, the caller reads, as in BigQuery.
   * @throws {QueryError} accessDenied, also for what does not exist; notFound
   */
  demand(ref: TableRef): void {
    if (!this.#caller.allows("bigquery.tables.getData", ref)) {
      const name = tableName(ref);
      throw new QueryError(
        "accessDenied",
        `Access Denied: Table ${name}: User does not have permission to query table ${name}, or perhaps it does not exist.`,
      );
    }
    this.#demandSources(ref);
  }

  #demandSources(ref: TableRef): void {
    const view = this.#catalog.findTable(ref);
    if (view?.viewQuery === undefined || this.#seen.has(tableName(ref))) return;
    this.#seen.add(tableName(ref));
    for (const source of viewTables(view)) {
      if (this.#policy.authorizes(ref.datasetId, source.datasetId)) this.#demandSources(source);
      else this.demand(source);
      if (this.#catalog.findTable(source) !== undefined) continue;
      throw new QueryError("notFound", `Not found: Table ${tableName(source)}`, { location: "query" });
    }
  }
}
