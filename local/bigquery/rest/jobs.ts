import { Hono } from "hono";
import { demandOnProject } from "../access/demand.ts";
import { WarehouseError, errorProto } from "../errors.ts";
import { isRecord } from "../table-schema.ts";
import { demandOnJob, demandOwnJob, refuseWritingJobs, startedBy } from "./job-access.ts";
import {
  optionalCount,
  optionalLocation,
  optionalText,
  param,
  readBody,
  readPageToken,
  refuseOthers,
  slicePage,
  writePageToken,
} from "./request.ts";
import { readLabels, readStatement } from "./statement.ts";
import type { Caller } from "../access/caller.ts";
import type { QueryEngine } from "../query/engine.ts";
import type { Job, JobRequest, Jobs } from "../query/jobs.ts";
import type { TimestampFormat } from "../query/row-encoder.ts";
import type { RestContext, RestEnv } from "./identity.ts";
import type { Body } from "./request.ts";

const DEFAULT_WAIT_MS = 10_000;
const MAX_WAIT_MS = 200_000;
const DEFAULT_PAGE_ROWS = 10_000;
const queryRequestFields = [
  "kind",
  "timeoutMs",
  "maxResults",
  "formatOptions",
  "dryRun",
  "location",
  "requestId",
  "jobCreationMode",
  "jobTimeoutMs",
];

/** REST v2's queries: `jobs.query`, and jobs of type QUERY. */
export function jobRoutes(jobs: Jobs, engine: QueryEngine): Hono<RestEnv> {
  const respond = async (
    context: RestContext,
    job: Job,
    { waitMs, startRow, maxRows, timestamps }: Wanted,
  ): Promise<Response> => {
    await settled(job, waitMs);
    const base = { jobReference: jobReference(job), cacheHit: false, totalBytesProcessed: "0" };
    if (job.endedMs === undefined) return context.json({ ...base, jobComplete: false });
    if (job.change !== undefined) return context.json({ ...base, jobComplete: true, schema: {}, ...affectedRows(job) });
    if (job.dryRun && job.error === undefined)
      return context.json({ ...base, jobComplete: true, schema: { fields: job.fields } });
    const result = jobs.result(job);
    const { rows, nextOffset } = await engine.page(result, startRow, maxRows, timestamps);
    const more = maxRows > 0 && nextOffset < result.totalRows ? { pageToken: writePageToken(nextOffset) } : {};
    const { fields, totalRows } = result;
    return context.json({
      ...base,
      jobComplete: true,
      schema: { fields },
      totalRows: String(totalRows),
      rows,
      ...more,
    });
  };

  return new Hono<RestEnv>()
    .post("/projects/:projectId/queries", async (context) => {
      const caller = context.get("caller");
      demandOnProject(caller, "bigquery.jobs.create", param(context, "projectId"));
      const body = await readBody(context);
      const job = jobs.start({
        statement: readStatement(body, param(context, "projectId"), queryRequestFields),
        location: optionalLocation(body["location"], "location"),
        labels: readLabels(body["labels"]),
        ...asker(context),
        dryRun: body["dryRun"] === true,
        deadlineMs: optionalCount(body["jobTimeoutMs"], "jobTimeoutMs"),
      });
      const formats = isRecord(body["formatOptions"]) ? body["formatOptions"] : {};
      return respond(context, job, {
        waitMs: optionalCount(body["timeoutMs"], "timeoutMs") ?? DEFAULT_WAIT_MS,
        startRow: 0,
        maxRows: optionalCount(body["maxResults"], "maxResults") ?? DEFAULT_PAGE_ROWS,
        timestamps: readTimestampFormat(formats["timestampOutputFormat"], formats["useInt64Timestamp"]),
      });
    })
    .get("/projects/:projectId/queries/:jobId", (context) => {
      const query = context.req.query();
      const job = jobs.find(param(context, "projectId"), param(context, "jobId"));
      demandOwnJob(context.get("caller"), job);
      return respond(context, job, {
        waitMs: optionalCount(query["timeoutMs"], "timeoutMs") ?? DEFAULT_WAIT_MS,
        startRow: readPageToken(query["pageToken"]) ?? optionalCount(query["startIndex"], "startIndex") ?? 0,
        maxRows: optionalCount(query["maxResults"], "maxResults") ?? DEFAULT_PAGE_ROWS,
        timestamps: queryTimestampFormat(query),
      });
    })
    .post("/projects/:projectId/jobs", async (context) => {
      const caller = context.get("caller");
      demandOnProject(caller, "bigquery.jobs.create", param(context, "projectId"));
      const request = readJob(await readBody(context), caller, param(context, "projectId"));
      const job = jobs.start({ ...request, ...asker(context) });
      if (job.dryRun) {
        await job.done;
        if (job.error !== undefined) throw job.error;
      }
      return context.json(jobResource(job));
    })
    .get("/projects/:projectId/jobs", (context) => {
      const caller = context.get("caller");
      const all = context.req.query("allUsers") === "true" && caller.allows("bigquery.jobs.listAll");
      const listed = jobs.list(param(context, "projectId")).filter((job) => all || startedBy(caller, job));
      const { page, next } = slicePage(listed, context);
      return context.json({ kind: "bigquery#jobList", jobs: page.map(jobResource), ...next });
    })
    .get("/projects/:projectId/jobs/:jobId", (context) => {
      const job = jobs.find(param(context, "projectId"), param(context, "jobId"));
      demandOnJob(context.get("caller"), "bigquery.jobs.get", job);
      return context.json(jobResource(job));
    })
    .post("/projects/:projectId/jobs/:jobId/cancel", (context) => {
      const job = jobs.find(param(context, "projectId"), param(context, "jobId"));
      demandOnJob(context.get("caller"), "bigquery.jobs.update", job);
      jobs.cancel(job);
      return context.json({ kind: "bigquery#jobCancelResponse", job: jobResource(job) });
    });
}

function asker(context: RestContext): Pick<JobRequest, "caller" | "origin"> {
  return { caller: context.get("caller"), origin: context.get("origin") };
}

type Wanted = {
  readonly waitMs: number;
  readonly startRow: number;
  readonly maxRows: number;
  readonly timestamps: TimestampFormat;
};

/** How a list of rows is to write timestamps, from the parameters of its URL. */
export function queryTimestampFormat(query: Readonly<Record<string, string>>): TimestampFormat {
  return readTimestampFormat(query["formatOptions.timestampOutputFormat"], query["formatOptions.useInt64Timestamp"]);
}

function readTimestampFormat(format: unknown, useInt64: unknown): TimestampFormat {
  if (format === "FLOAT64" || format === "INT64" || format === "ISO8601_STRING") return format;
  if (format !== undefined && format !== null && format !== "TIMESTAMP_OUTPUT_FORMAT_UNSPECIFIED") {
    throw new WarehouseError("invalid", `Invalid value for timestampOutputFormat: ${JSON.stringify(format)}`);
  }
  return useInt64 === true || useInt64 === "true" ? "INT64" : "FLOAT64";
}

async function settled(job: Job, waitMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, Math.min(waitMs, MAX_WAIT_MS));
  await Promise.race([job.done, promise]);
  clearTimeout(timer);
}

function readJob(body: Body, caller: Caller, projectId: string): Omit<JobRequest, "caller" | "origin"> {
  const { configuration, jobReference: reference } = body;
  if (!isRecord(configuration)) throw new WarehouseError("invalid", "Required parameter is missing: configuration");
  refuseWritingJobs(configuration, caller, projectId);
  refuseOthers(
    configuration,
    new Set(["query", "dryRun", "jobTimeoutMs", "jobType", "labels"]),
    "job: it runs queries only, and no",
  );
  const query = configuration["query"];
  if (!isRecord(query)) throw new WarehouseError("notImplemented", "This warehouse runs query jobs only.");
  const { jobId, location } = isRecord(reference) ? reference : {};
  return {
    statement: readStatement(query, projectId, ["createDisposition", "writeDisposition"]),
    jobId: optionalText(jobId, "jobReference.jobId"),
    location: optionalLocation(location, "jobReference.location"),
    labels: readLabels(configuration["labels"]),
    dryRun: configuration["dryRun"] === true,
    deadlineMs: optionalCount(configuration["jobTimeoutMs"], "jobTimeoutMs"),
  };
}

function jobReference({ projectId, jobId, location }: Job): { projectId: string; jobId: string; location: string } {
  return { projectId, jobId, location };
}

function jobResource(job: Job): object {
  const { projectId, jobId, location, statement, labels, caller, dryRun } = job;
  const { createdMs, endedMs, error, fields, change, statementType } = job;
  const failure = error === undefined ? undefined : errorProto(error);
  return {
    kind: "bigquery#job",
    id: `${projectId}:${location}.${jobId}`,
    jobReference: jobReference(job),
    configuration: {
      jobType: "QUERY",
      dryRun,
      query: { query: statement.query, useLegacySql: false },
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
    },
    status: {
      state: endedMs === undefined ? "RUNNING" : "DONE",
      ...(failure === undefined ? {} : { errorResult: failure, errors: [failure] }),
    },
    statistics: {
      creationTime: String(createdMs),
      startTime: String(createdMs),
      ...(endedMs === undefined ? {} : { endTime: String(endedMs) }),
      totalBytesProcessed: "0",
      query: {
        ...(statementType === undefined ? {} : { statementType }),
        ...affectedRows(job),
        ...(change?.operation === undefined
          ? {}
          : { ddlOperationPerformed: change.operation, ddlTargetTable: change.target }),
        totalBytesProcessed: "0",
        cacheHit: false,
        ...(dryRun && fields !== undefined ? { schema: { fields } } : {}),
      },
    },
    user_email: caller.principal,
  };
}

function affectedRows({ change }: Job): { numDmlAffectedRows?: string } {
  return change?.affectedRows === undefined ? {} : { numDmlAffectedRows: String(change.affectedRows) };
}
