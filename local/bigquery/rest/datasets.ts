import { Hono } from "hono";
import { demandOnDataset, demandOnProject, demandOnTable } from "../access/demand.ts";
import { tableName } from "../catalog.ts";
import { WarehouseError } from "../errors.ts";
import { isRecord } from "../table-schema.ts";
import { mergeSettings, optionalLocation, param, readBody, refuseOthers, requireId, slicePage } from "./request.ts";
import type { Context } from "hono";
import type { Dataset, DatasetRef, DatasetSettings } from "../catalog.ts";
import type { Warehouse } from "../warehouse.ts";
import type { RestContext, RestEnv } from "./identity.ts";
import type { Body } from "./request.ts";

const settingNames = ["friendlyName", "description", "labels", "location", "defaultTableExpirationMs"] as const;
const knownFields: ReadonlySet<string> = new Set([
  ...settingNames,
  "datasetReference",
  "projectId", // the Node client adds it to every body
  "kind",
  "etag",
  "id",
  "selfLink",
  "type",
  "creationTime",
  "lastModifiedTime",
]);
const DEFAULT_LOCATION = "US";

/** REST v2's datasets. Expiration and location are kept and answered; nothing here acts on them. */
export function datasetRoutes(warehouse: Warehouse): Hono<RestEnv> {
  const { catalog } = warehouse;

  const patch = async (context: RestContext, replace: boolean): Promise<Response> => {
    demandOnDataset(context.get("caller"), "bigquery.datasets.update", datasetRef(context));
    const body = await readBody(context);
    refuseOthers(body, knownFields, "dataset");
    const before = catalog.dataset(datasetRef(context));
    const settings = {
      ...mergeSettings(before.settings, body, settingNames, replace),
      location: before.settings.location,
    };
    const dataset = { ...before, settings, modifiedMs: warehouse.now() };
    await warehouse.change({ kind: "putDataset", dataset });
    return context.json(datasetResource(dataset));
  };

  return new Hono<RestEnv>()
    .post("/projects/:projectId/datasets", async (context) => {
      demandOnProject(context.get("caller"), "bigquery.datasets.create", param(context, "projectId"));
      const dataset = newDataset(param(context, "projectId"), await readBody(context), warehouse.now());
      if (catalog.sameDataset(dataset) !== undefined) {
        throw new WarehouseError("duplicate", `Already Exists: Dataset ${dataset.projectId}:${dataset.datasetId}`);
      }
      await warehouse.change({ kind: "putDataset", dataset });
      return context.json(datasetResource(dataset));
    })
    .get("/projects/:projectId/datasets", (context) => {
      // As in BigQuery, a list leaves out what the caller may not see.
      const visible = catalog
        .datasets(param(context, "projectId"))
        .filter((dataset) => context.get("caller").allows("bigquery.datasets.get", dataset));
      const { page, next } = slicePage(visible, context);
      return context.json({ kind: "bigquery#datasetList", datasets: page.map(datasetSummary), ...next });
    })
    .get("/projects/:projectId/datasets/:datasetId", (context) => {
      demandOnDataset(context.get("caller"), "bigquery.datasets.get", datasetRef(context));
      return context.json(datasetResource(catalog.dataset(datasetRef(context))));
    })
    .patch("/projects/:projectId/datasets/:datasetId", (context) => patch(context, false))
    .put("/projects/:projectId/datasets/:datasetId", (context) => patch(context, true))
    .delete("/projects/:projectId/datasets/:datasetId", async (context) => {
      demandOnDataset(context.get("caller"), "bigquery.datasets.delete", datasetRef(context));
      const { projectId, datasetId } = catalog.dataset(datasetRef(context));
      const tables = catalog.tables({ projectId, datasetId });
      if (tables.length > 0 && context.req.query("deleteContents") !== "true") {
        throw new WarehouseError("resourceInUse", `Dataset ${projectId}:${datasetId} is still in use`);
      }
      for (const { ref } of tables) demandOnTable(context.get("caller"), "bigquery.tables.delete", ref);
      const deletions = tables.map((table) => warehouse.change({ kind: "deleteTable", ref: table.ref }));
      await Promise.all([...deletions, warehouse.change({ kind: "deleteDataset", ref: { projectId, datasetId } })]);
      return context.body(null, 204);
    });
}

export function datasetRef(context: Context): DatasetRef {
  return { projectId: param(context, "projectId"), datasetId: param(context, "datasetId") };
}

function newDataset(projectId: string, body: Body, createdMs: number): Dataset {
  refuseOthers(body, knownFields, "dataset");
  const reference = body["datasetReference"];
  const datasetId = requireId(isRecord(reference) ? reference["datasetId"] : undefined, "dataset");
  const location = optionalLocation(body["location"], "location") ?? DEFAULT_LOCATION;
  const settings = mergeSettings<DatasetSettings>({ location }, body, settingNames, false);
  return { projectId, datasetId, settings: { ...settings, location }, createdMs, modifiedMs: createdMs };
}

function datasetSummary({ projectId, datasetId, settings }: Dataset): object {
  const { friendlyName, labels, location } = settings;
  return {
    kind: "bigquery#dataset",
    id: `${projectId}:${datasetId}`,
    datasetReference: { projectId, datasetId },
    ...(friendlyName === undefined ? {} : { friendlyName }),
    ...(labels === undefined ? {} : { labels }),
    location,
  };
}

function datasetResource(dataset: Dataset): object {
  const { createdMs, modifiedMs, settings } = dataset;
  return {
    ...datasetSummary(dataset),
    ...settings,
    etag: `"${tableName({ ...dataset, tableId: String(modifiedMs) })}"`,
    creationTime: String(createdMs),
    lastModifiedTime: String(modifiedMs),
    type: "DEFAULT",
  };
}
