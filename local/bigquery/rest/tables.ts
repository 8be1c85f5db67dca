import { Hono } from "hono";
import { demandOnDataset, demandOnTable } from "../access/demand.ts";
import { tableName } from "../catalog.ts";
import { WarehouseError } from "../errors.ts";
import { translateView } from "../index-statements.ts";
import { checkPartitioning, dayPartitioningOf, partitionNamed } from "../partitions.ts";
import { addedFields, isRecord, parseTableSchema } from "../table-schema.ts";
import { datasetRef } from "./datasets.ts";
import { mergeSettings, optionalText, param, readBody, refuseOthers, requireId, slicePage } from "./request.ts";
import type { Context } from "hono";
import type { Caller } from "../access/caller.ts";
import type { PartitionsChange, Table, TableSettings } from "../catalog.ts";
import type { Days } from "../partitions.ts";
import type { QueryEngine } from "../query/engine.ts";
import type { TableRef } from "../sql/translate.ts";
import type { TableSchema } from "../table-schema.ts";
import type { Warehouse } from "../warehouse.ts";
import type { RestContext, RestEnv } from "./identity.ts";
import type { Body } from "./request.ts";

const settingNames = [
  "friendlyName",
  "description",
  "labels",
  "expirationTime",
  "timePartitioning",
  "clustering",
  "requirePartitionFilter",
] as const;
const readOnlyFields = [
  "kind",
  "etag",
  "id",
  "selfLink",
  "type",
  "numRows",
  "numBytes",
  "numLongTermBytes",
  "creationTime",
];
const knownFields: ReadonlySet<string> = new Set([
  ...settingNames,
  ...readOnlyFields,
  "tableReference",
  "projectId", // the Node client adds it to every body
  "schema",
  "view",
  "lastModifiedTime",
  "location",
]);
const VIEW_DEADLINE_MS = 60_000;

/**
 * REST v2's tables and views. Partitions of days expire (`Expiry`); clustering and the expiration of whole tables are kept and answered, and
 * nothing acts on them. No row is changed here; statements do that (`DELETE`, `UPDATE`), for whoever may, who can take a partition away, too
 * (`table$YYYYMMDD`).
 */
export function tableRoutes(warehouse: Warehouse, engine: QueryEngine): Hono<RestEnv> {
  const { catalog } = warehouse;

  /** The columns of a view, found by planning its query: whoever creates it must be allowed to read what it reads. */
  const viewSchema = async (caller: Caller, { projectId }: TableRef, query: string): Promise<TableSchema> => {
    translateView(projectId, query);
    const statement = { query, projectId, defaultDataset: undefined, parameters: [], parameterMode: "NONE" } as const;
    const { fields } = await engine.plan(statement, caller, new AbortController().signal, VIEW_DEADLINE_MS);
    return { fields };
  };

  const patch = async (context: RestContext, replace: boolean): Promise<Response> => {
    const caller = context.get("caller");
    demandOnTable(caller, "bigquery.tables.update", tableRef(context));
    const body = await readBody(context);
    refuseOthers(body, knownFields, "table");
    const ref = tableRef(context);
    const viewQuery = readViewQuery(body);
    const newViewSchema = viewQuery === undefined ? undefined : await viewSchema(caller, ref, viewQuery);
    const before = catalog.table(ref);
    if (viewQuery !== undefined && before.viewQuery === undefined) {
      throw new WarehouseError("invalid", `${tableName(ref)} is a table and cannot become a view.`);
    }
    const schema = newViewSchema ?? patchedSchema(before, body);
    const merged = mergeSettings(before.settings, body, settingNames, replace);
    const settings = replace ? merged : { ...merged, ...patchedPartitioning(before, merged) };
    if (before.viewQuery === undefined) refuseRepartitioning(before, settings);
    else refusePartitionedView(settings);
    checkPartitioning(settings.timePartitioning, schema);
    const table: Table = {
      ...before,
      schema,
      settings,
      modifiedMs: warehouse.now(),
      ...(viewQuery === undefined ? {} : { viewQuery }),
    };
    await warehouse.change({ kind: "putTable", table });
    return context.json(tableResource(table));
  };

  return new Hono<RestEnv>()
    .post("/projects/:projectId/datasets/:datasetId/tables", async (context) => {
      const caller = context.get("caller");
      const dataset = datasetRef(context);
      demandOnDataset(caller, "bigquery.tables.create", dataset);
      const body = await readBody(context);
      refuseOthers(body, knownFields, "table");
      catalog.dataset(dataset);
      const reference = body["tableReference"];
      const ref = { ...dataset, tableId: requireId(isRecord(reference) ? reference["tableId"] : undefined, "table") };
      refuseDuplicate(warehouse, ref);
      const viewQuery = readViewQuery(body);
      const schema =
        viewQuery === undefined ? parseTableSchema(body["schema"]) : await viewSchema(caller, ref, viewQuery);
      catalog.dataset(dataset);
      refuseDuplicate(warehouse, ref);
      const createdMs = warehouse.now();
      const settings = mergeSettings<TableSettings>({}, body, settingNames, false);
      if (viewQuery !== undefined) refusePartitionedView(settings);
      checkPartitioning(settings.timePartitioning, schema);
      const view = viewQuery === undefined ? {} : { viewQuery };
      const table: Table = { ref, schema, settings, createdMs, modifiedMs: createdMs, ...view };
      await warehouse.change({ kind: "putTable", table });
      return context.json(tableResource(table));
    })
    .get("/projects/:projectId/datasets/:datasetId/tables", (context) => {
      const dataset = datasetRef(context);
      demandOnDataset(context.get("caller"), "bigquery.tables.list", dataset);
      catalog.dataset(dataset);
      const tables = catalog.tables(dataset);
      const { page, next } = slicePage(tables, context);
      return context.json({
        kind: "bigquery#tableList",
        tables: page.map(tableSummary),
        totalItems: tables.length,
        ...next,
      });
    })
    .get("/projects/:projectId/datasets/:datasetId/tables/:tableId", async (context) => {
      demandOnTable(context.get("caller"), "bigquery.tables.get", tableRef(context));
      const table = catalog.table(tableRef(context));
      if (table.viewQuery !== undefined) return context.json(tableResource(table));
      return context.json({ ...tableResource(table), numRows: String(await engine.countRows(table.ref)) });
    })
    .patch("/projects/:projectId/datasets/:datasetId/tables/:tableId", (context) => patch(context, false))
    .put("/projects/:projectId/datasets/:datasetId/tables/:tableId", (context) => patch(context, true))
    .delete("/projects/:projectId/datasets/:datasetId/tables/:tableId", async (context) => {
      const caller = context.get("caller");
      const partition = partitionNamed(tableRef(context));
      const named = partition?.table ?? tableRef(context);
      demandOnTable(caller, "bigquery.tables.delete", named);
      const table = catalog.table(named);
      const { ref } = table;
      await warehouse.change(
        partition === undefined
          ? { kind: "deleteTable", ref }
          : partitionRemoval(table, partition.days, warehouse.now(), caller.principal),
      );
      return context.body(null, 204);
    });
}

export function tableRef(context: Context): TableRef {
  return { ...datasetRef(context), tableId: param(context, "tableId") };
}

function refuseDuplicate({ catalog }: Warehouse, ref: TableRef): void {
  const same = catalog.sameTable(ref);
  if (same !== undefined) throw new WarehouseError("duplicate", `Already Exists: Table ${tableName(same.ref)}`);
}

function readViewQuery(body: Body): string | undefined {
  const view = body["view"];
  if (view === undefined || view === null) return undefined;
  if (!isRecord(view)) throw new WarehouseError("invalid", "A view is {query, useLegacySql: false}.");
  refuseOthers(view, new Set(["query"]), "view");
  const query = optionalText(view["query"], "view.query");
  if (query === undefined) throw new WarehouseError("invalid", "The view has no query.");
  return query;
}

function patchedSchema(before: Table, body: Body): TableSchema {
  const given = body["schema"];
  if (given === undefined || given === null) return before.schema;
  if (before.viewQuery !== undefined)
    throw new WarehouseError("invalid", "The schema of a view follows from its query.");
  const schema = parseTableSchema(given);
  addedFields(before.schema, schema);
  return schema;
}

/** A PATCH of the expiration alone leaves the column. */
function patchedPartitioning({ settings }: Table, merged: TableSettings): Pick<TableSettings, "timePartitioning"> {
  if (!isRecord(settings.timePartitioning) || !isRecord(merged.timePartitioning)) return {};
  const both = Object.entries({ ...settings.timePartitioning, ...merged.timePartitioning });
  return { timePartitioning: Object.fromEntries(both.filter(([, value]) => value !== null)) };
}

/** @throws {WarehouseError} invalid */
function refusePartitionedView({ timePartitioning }: TableSettings): void {
  if (timePartitioning !== undefined) throw new WarehouseError("invalid", "A view has no partitions.");
}

/**
 * What the partitions of a table are, stays: other days would be over than those that were. One that has none may get them, because no
 * CREATE TABLE AS gives it any here.
 * @throws {WarehouseError} invalid
 */
function refuseRepartitioning({ ref, settings: before }: Table, after: TableSettings): void {
  const [was, is] = [before, after].map(({ timePartitioning }) => [timePartitioning?.type, timePartitioning?.field]);
  if (before.timePartitioning === undefined || JSON.stringify(was) === JSON.stringify(is)) return;
  throw new WarehouseError("invalid", `Cannot change the partitioning of ${tableName(ref)}: only its expirationMs.`);
}

/** What `table$YYYYMMDD` takes away. @throws {WarehouseError} invalid: the table has no such partitions */
function partitionRemoval(table: Table, days: Days, atMs: number, principal: string): PartitionsChange {
  const partitioning = table.viewQuery === undefined ? dayPartitioningOf(table) : undefined;
  if (partitioning === undefined) {
    const message = `${tableName(table.ref)} is not partitioned by days of a column: it has no such partition.`;
    throw new WarehouseError("invalid", message);
  }
  const { field, type } = partitioning;
  return { kind: "removePartitions", ref: table.ref, field, type, ...days, atMs, principal };
}

function tableSummary({ ref, settings, createdMs, viewQuery }: Table): object {
  const { friendlyName, labels } = settings;
  return {
    kind: "bigquery#table",
    id: tableName(ref),
    tableReference: ref,
    type: viewQuery === undefined ? "TABLE" : "VIEW",
    ...(friendlyName === undefined ? {} : { friendlyName }),
    ...(labels === undefined ? {} : { labels }),
    creationTime: String(createdMs),
    ...(viewQuery === undefined ? {} : { view: { useLegacySql: false } }),
  };
}

function tableResource(table: Table): object {
  const { ref, schema, settings, modifiedMs, viewQuery } = table;
  return {
    ...tableSummary(table),
    etag: `"${modifiedMs}"`,
    schema,
    ...settings,
    lastModifiedTime: String(modifiedMs),
    location: "US",
    ...(viewQuery === undefined ? {} : { view: { query: viewQuery, useLegacySql: false } }),
    selfLink: `/bigquery/v2/projects/${ref.projectId}/datasets/${ref.datasetId}/tables/${ref.tableId}`,
  };
}
