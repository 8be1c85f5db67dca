import { Hono } from "hono";
import { demandOnTable } from "../access/demand.ts";
import { duckdbTable, tableName } from "../catalog.ts";
import { WarehouseError } from "../errors.ts";
import { queryTimestampFormat } from "./jobs.ts";
import { optionalCount, readPageToken, writePageToken } from "./request.ts";
import { tableRef } from "./tables.ts";
import type { ReadRecorder } from "../audit/read-record.ts";
import type { QueryEngine } from "../query/engine.ts";
import type { Warehouse } from "../warehouse.ts";
import type { RestEnv } from "./identity.ts";

const DEFAULT_PAGE_ROWS = 10_000;
const CATCH_UP_MS = 60_000;

/** REST v2's `tabledata.list`: the rows of a table in the order in which they were appended. */
export function tableDataRoutes(warehouse: Warehouse, engine: QueryEngine, recorder: ReadRecorder): Hono<RestEnv> {
  return new Hono<RestEnv>()
    .get("/projects/:projectId/datasets/:datasetId/tables/:tableId/data", async (context) => {
      demandOnTable(context.get("caller"), "bigquery.tables.getData", tableRef(context));
      const { ref, schema, viewQuery } = warehouse.catalog.table(tableRef(context));
      if (viewQuery !== undefined)
        throw new WarehouseError("invalid", `Cannot list a table of type VIEW: ${tableName(ref)}`);
      const query = context.req.query();
      if (query["selectedFields"] !== undefined) {
        throw new WarehouseError(
          "notImplemented",
          "This warehouse lists whole rows: query the table for selected fields.",
        );
      }
      const offset = readPageToken(query["pageToken"]) ?? optionalCount(query["startIndex"], "startIndex") ?? 0;
      const maxRows = optionalCount(query["maxResults"], "maxResults") ?? DEFAULT_PAGE_ROWS;
      await warehouse.caughtUp(CATCH_UP_MS);
      const fields = schema.fields.map(({ name }) => name);
      const read = { kind: "list", table: ref, fields, atMs: warehouse.now() } as const;
      await recorder.record(context.get("caller"), context.get("origin"), read);
      const table = { relation: duckdbTable(ref), fields: schema.fields };
      const { rows, nextOffset } = await engine.page(table, offset, maxRows, queryTimestampFormat(query));
      const totalRows = await engine.countRows(ref);
      const more = nextOffset < totalRows ? { pageToken: writePageToken(nextOffset) } : {};
      return context.json({ kind: "bigquery#tableDataList", totalRows: String(totalRows), rows, ...more });
    })
    .post("/projects/:projectId/datasets/:datasetId/tables/:tableId/insertAll", (context) => {
      demandOnTable(context.get("caller"), "bigquery.tables.updateData", tableRef(context));
      throw new WarehouseError(
        "notImplemented",
        "tabledata.insertAll is not served: append with the Storage Write API.",
      );
    });
}
