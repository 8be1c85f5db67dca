/**
 * Datasets, tables and views, as they are declared.
 *
 * What happens to a table when its declaration changes: a new column that may be null, a description, labels, clustering and a column that is no longer
 * required are changed in place. The retention is set when a table is made, and left alone afterwards. Another type, another partition column and a
 * required column are a new table in its place, which `protect` and `deletionProtection` refuse. **A column that is no longer declared is dropped in
 * place, with what is in it, and neither refuses that**: `npm run deploy` does.
 */
import { hash } from "node:crypto";
import type { Input, Output } from "@pulumi/pulumi";
import { Dataset, Table } from "@pulumi/gcp/bigquery/index.js";
import type { input } from "@pulumi/gcp/types/index.js";
import { bigQueryTableOf } from "@indelible/schemas/bigquery.ts";
import { RAW_DATASET, VIEWS_DATASET } from "@indelible/schemas/names.ts";
import { authorizedDatasets } from "@indelible/schemas/rights.ts";
import { tableNames, tables as declaredTables, type TableName } from "@indelible/schemas/tables.ts";
import { viewsOf, type View } from "@indelible/schemas/views.ts";
import type { Right } from "./custom-roles.ts";
import type { LogTag } from "./deny.ts";
import type { Stack } from "./stack.ts";

export interface Warehouse {
  readonly datasets: { readonly raw: Dataset; readonly views: Dataset };
  readonly tables: ReadonlyMap<TableName, Table>;
  readonly views: ReadonlyMap<string, Table>;
}

type Access = input.bigquery.DatasetAccess;

/** @param tag what the deny policy knows the log by, when there is one */
export function createWarehouse(stack: Stack, rights: readonly Right[], tag: LogTag | undefined): Warehouse {
  const { settings, names } = stack;
  const common = {
    project: settings.projectId,
    location: settings.dataLocation,
    labels: names.labels,
    deleteContentsOnDestroy: false,
    // The longest: for so long what was changed or deleted can be had back.
    maxTimeTravelHours: "168",
  };
  const options = { protect: settings.deletionProtection };
  const views = new Dataset(
    "views",
    {
      ...common,
      datasetId: names.datasets.views,
      description: "What AI agents did: the views that people query.",
      accesses: accessesOf(rights, "views"),
    },
    options,
  );
  const raw = new Dataset(
    "raw",
    {
      ...common,
      datasetId: names.datasets.raw,
      description: "What AI agents did: the tables, which are only appended to. Query the views instead.",
      accesses: [...accessesOf(rights, "raw"), ...authorizedOn(stack, views.datasetId)],
      ...(tag !== undefined && { resourceTags: tag.onDataset }),
    },
    options,
  );
  const tables = createTables(stack, raw);
  return { datasets: { raw, views }, tables, views: createViews(stack, views, tables) };
}

/**
 * Who may do what on a whole dataset, and nobody else: left to itself, BigQuery lets everybody who may edit the project append to each table and change
 * it. It insists on an owner; those of the project could make themselves that in any case.
 */
function accessesOf(rights: readonly Right[], dataset: "raw" | "views"): Access[] {
  const granted = rights.flatMap(({ grant, customRole, holders }) =>
    grant.on === "dataset" && grant.dataset === dataset && grant.tables === undefined
      ? holders.map(({ entry }) => ({ role: customRole, ...entry }))
      : [],
  );
  return [{ role: "OWNER", specialGroup: "projectOwners" }, ...granted];
}

/**
 * Every view of the views' dataset may read the tables for whoever may read the view. By dataset rather than view by view, because a view that is
 * authorized by itself loses that when it is changed, and has to be there before it is authorized. Views are made by who may change the dataset, and
 * that are its owners alone.
 */
function authorizedOn({ settings, names }: Stack, viewsDataset: Output<string>): readonly Access[] {
  const known: { readonly [dataset: string]: Input<string> } = {
    [VIEWS_DATASET]: viewsDataset,
    [RAW_DATASET]: names.datasets.raw,
  };
  return (authorizedDatasets[RAW_DATASET] ?? []).flatMap((dataset) => {
    const datasetId = known[dataset];
    if (datasetId === undefined) return [];
    return [{ dataset: { dataset: { projectId: settings.projectId, datasetId }, targetTypes: ["VIEWS"] } }];
  });
}

function createTables({ settings, names }: Stack, { datasetId }: Dataset): ReadonlyMap<TableName, Table> {
  return new Map(
    tableNames.map((tableId) => {
      const { description, schema, timePartitioning, clustering } = bigQueryTableOf(declaredTables[tableId]);
      const { type, field, expirationMs } = timePartitioning;
      const table = new Table(
        `raw.${tableId}`,
        {
          project: settings.projectId,
          datasetId,
          tableId,
          description,
          schema: JSON.stringify(schema.fields),
          // A filter on partitions is not required: a history has to see every copy of an entry.
          timePartitioning: { type, field, expirationMs: Number(expirationMs) },
          clusterings: [...clustering.fields],
          labels: names.labels,
          deletionProtection: settings.deletionProtection,
        },
        // An expiration is changed by people: whoever holds rows longer must not have them deleted by a deployment (docs/retention.md).
        { protect: settings.deletionProtection, ignoreChanges: ["timePartitioning.expirationMs"] },
      );
      return [tableId, table];
    }),
  );
}

/** A view is made after what it reads, because BigQuery looks for that. A changed query is changed in place; one that is gone is deleted. */
function createViews(
  stack: Stack,
  { datasetId }: Dataset,
  tables: ReadonlyMap<TableName, Table>,
): ReadonlyMap<string, Table> {
  const { settings, names } = stack;
  const made = new Map<string, Table>();
  for (const { name, description, query, columns } of viewsIn(stack)) {
    const reads = new Set(
      [...query.matchAll(/`[^`.]+\.([^`.]+)\.([^`.]+)`/g)].map(([, dataset, table]) => `${dataset}.${table}`),
    );
    const dependsOn = [
      ...[...tables].flatMap(([table, resource]) => (reads.has(`${names.datasets.raw}.${table}`) ? [resource] : [])),
      ...[...made].flatMap(([view, resource]) => (reads.has(`${names.datasets.views}.${view}`) ? [resource] : [])),
    ];
    const view = new Table(
      `views.${name}`,
      {
        project: settings.projectId,
        datasetId,
        tableId: name,
        description,
        view: { query, useLegacySql: false },
        // With it a view is written again when its columns change though its query does not: BigQuery keeps what `SELECT *` meant when it was written.
        labels: { ...names.labels, columns: hash("sha256", columns.join()).slice(0, 12) },
        deletionProtection: false,
      },
      { dependsOn },
    );
    made.set(name, view);
  }
  return made;
}

function viewsIn({ settings, names }: Stack): readonly View[] {
  return viewsOf(settings.projectId, names.datasets);
}
