/** Records of BigQuery's audit log, as Google's documentation and published samples have them, with names of ours. */

type Json = { readonly [name: string]: unknown };

export const conversations = "projects/acme/datasets/agent_logs_raw/tables/conversations";
export const view = "projects/acme/datasets/agent_logs/tables/conversations";
export const job = "projects/acme/jobs/bquxjob_5e4a0679_18729a639d7";
const anonymous = "projects/acme/datasets/_8b5b1c4f/tables/anon9f2c";

let ids = 0;

/** An entry with `metadata`, of which `more` replaces fields of protoPayload. */
export function logEntry(metadata: Json, more: Json = {}): Json {
  ids += 1;
  return {
    insertId: `-abcdefghij${ids}`,
    logName: "projects/acme/logs/cloudaudit.googleapis.com%2Fdata_access",
    operation: { id: "1234567890123-acme:bquxjob", last: true, producer: "bigquery.googleapis.com" },
    protoPayload: {
      "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
      authenticationInfo: { principalEmail: "auditor@acme.example" },
      authorizationInfo: [{ granted: true, permission: "bigquery.jobs.create", resource: "projects/acme" }],
      metadata: { "@type": "type.googleapis.com/google.cloud.audit.BigQueryAuditMetadata", ...metadata },
      methodName: "google.cloud.bigquery.v2.JobService.InsertJob",
      requestMetadata: { callerIp: "203.0.113.7", callerSuppliedUserAgent: "gcloud-node-bigquery/8.3.1,gzip(gfe)" },
      resourceName: job,
      serviceName: "bigquery.googleapis.com",
      status: {},
      ...more,
    },
    receiveTimestamp: "2026-03-28T18:37:06.745123456Z",
    resource: { labels: { location: "US", project_id: "acme" }, type: "bigquery_project" },
    severity: "INFO",
    timestamp: "2026-03-28T18:37:06.079123456Z",
  };
}

/** A job that is done. */
export function jobEntry(config: Json, stats: Json = {}, more: Json = {}): Json {
  const jobStats = {
    createTime: "2026-03-28T18:37:05.842Z",
    startTime: "2026-03-28T18:37:05.934Z",
    endTime: "2026-03-28T18:37:06.073Z",
    ...stats,
  };
  const told = { jobName: job, jobConfig: config, jobStatus: { jobState: "DONE" }, jobStats, ...more };
  return logEntry({ jobChange: { before: "RUNNING", after: "DONE", job: told } });
}

export const query: Json = {
  createDisposition: "CREATE_IF_NEEDED",
  destinationTable: anonymous,
  priority: "QUERY_INTERACTIVE",
  query: "SELECT user_prompt_preview FROM agent_logs.conversations",
  statementType: "SELECT",
  writeDisposition: "WRITE_TRUNCATE",
};

export const queryStats: Json = {
  outputRowCount: "12",
  referencedTables: [conversations],
  referencedViews: [view],
  totalBilledBytes: "10485760",
  totalProcessedBytes: "4096",
};

export const listing: Json = {
  resourceName: conversations,
  methodName: "google.cloud.bigquery.v2.TableDataService.List",
};
