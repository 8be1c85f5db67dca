import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { WarehouseError, errorBody } from "../errors.ts";
import { isLoopbackHost } from "../../loopback.ts";
import { datasetRoutes } from "./datasets.ts";
import { identify } from "./identity.ts";
import { jobRoutes } from "./jobs.ts";
import { tableDataRoutes } from "./table-data.ts";
import { tableRoutes } from "./tables.ts";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Policy } from "../access/policy.ts";
import type { ReadRecorder } from "../audit/read-record.ts";
import type { QueryEngine } from "../query/engine.ts";
import type { Jobs } from "../query/jobs.ts";
import type { Warehouse } from "../warehouse.ts";
import type { RestEnv } from "./identity.ts";

const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** BigQuery's REST API v2, with and without `/bigquery/v2`, which Google's Node client leaves out for an emulator. */
export function restApp(
  warehouse: Warehouse,
  engine: QueryEngine,
  jobs: Jobs,
  policy: Policy,
  recorder: ReadRecorder,
): Hono<RestEnv> {
  const api = new Hono<RestEnv>()
    .route("/", tableDataRoutes(warehouse, engine, recorder))
    .route("/", tableRoutes(warehouse, engine))
    .route("/", datasetRoutes(warehouse))
    .route("/", jobRoutes(jobs, engine));
  const app = new Hono<RestEnv>();
  app.use(async (context, next) => {
    if (!isLoopbackHost(context.req.header("host"))) {
      throw new WarehouseError("accessDenied", "This warehouse answers to loopback names only: use 127.0.0.1.");
    }
    await next();
  });
  app.use(identify(policy));
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: () => {
        throw new WarehouseError("invalid", `Request payload size exceeds the limit: ${MAX_BODY_BYTES} bytes.`);
      },
    }),
  );
  app.route("/bigquery/v2", api);
  app.route("/", api);
  app.notFound((context) => {
    const message = `${context.req.method} ${context.req.path} is not served by this warehouse.`;
    return context.json(errorBody(new WarehouseError("notImplemented", message)), 501);
  });
  app.onError((error, context) => {
    const body = errorBody(error);
    return context.json(body, body.error.code as ContentfulStatusCode);
  });
  return app;
}
