import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { accessAuditFilter } from "../../infra/access-audit.ts";
import { alertDeclarations } from "../../infra/alerts.ts";
import { logMetricsOf } from "../../infra/log-metrics.ts";
import { namesOf } from "../../infra/names.ts";
import { settingsOf } from "../../infra/settings.ts";
import { matches, type LogEntry } from "./log-query.ts";
import { production, staging } from "./stacks.ts";

const settings = settingsOf(production);
const stack = { settings, names: namesOf(settings) };
const queries = alertDeclarations.flatMap(({ id, condition }) => {
  const filter = condition(stack).conditionMatchedLog;
  return typeof filter === "object" && "filter" in filter && typeof filter.filter === "string"
    ? [{ id, query: filter.filter }]
    : [];
});

/** IDs of the alerts that an entry raises. */
const raisedBy = (entry: LogEntry): string[] =>
  queries.filter(({ query }) => matches(query, entry)).map(({ id }) => id);

function activity(methodName: string, resourceName: string, more: LogEntry = {}, resource: LogEntry = {}): LogEntry {
  const principalEmail = "mallory@acme.example";
  return {
    logName: "projects/acme-agents/logs/cloudaudit.googleapis.com%2Factivity",
    resource,
    protoPayload: { methodName, resourceName, authenticationInfo: { principalEmail }, ...more },
  };
}
const dataAccess = (entry: LogEntry): LogEntry => ({
  ...entry,
  logName: "projects/acme-agents/logs/cloudaudit.googleapis.com%2Fdata_access",
});
const dataset = (id: string): LogEntry => ({ type: "bigquery_dataset", labels: { dataset_id: id } });
const table = "projects/acme-agents/datasets/agent_logs_raw/tables/conversations";
const kms = { serviceName: "cloudkms.googleapis.com" };
const key = "projects/acme-agents/locations/europe-west1/keyRings/indelible-ledger/cryptoKeys/checkpoints";
const bucket = { type: "gcs_bucket", labels: { bucket_name: "acme-agents-indelible-checkpoints" } };
const sealer = { authenticationInfo: { principalEmail: "indelible-sealer@acme-agents.iam.gserviceaccount.com" } };

const cases: readonly (readonly [what: string, entry: LogEntry, raised: readonly string[]])[] = [
  [
    "rows that a statement deleted",
    dataAccess(
      activity(
        "google.cloud.bigquery.v2.JobService.InsertJob",
        table,
        { metadata: { tableDataChange: { deletedRowsCount: "1", reason: "QUERY" } } },
        dataset("agent_logs_raw"),
      ),
    ),
    ["tables-changed"],
  ],
  [
    "a table that was dropped",
    activity(
      "google.cloud.bigquery.v2.JobService.InsertJob",
      table,
      { metadata: { tableDeletion: { reason: "QUERY" } } },
      dataset("agent_logs_raw"),
    ),
    ["tables-changed"],
  ],
  [
    "rows of a table that is not ours",
    dataAccess(
      activity(
        "google.cloud.bigquery.v2.JobService.Query",
        table,
        { metadata: { tableDataChange: {} } },
        dataset("sales"),
      ),
    ),
    [],
  ],
  [
    "a query",
    dataAccess(
      activity(
        "google.cloud.bigquery.v2.JobService.Query",
        table,
        { metadata: { tableDataRead: {} } },
        dataset("agent_logs_raw"),
      ),
    ),
    [],
  ],
  [
    "a binding on the project",
    activity("SetIamPolicy", "projects/acme-agents", {}, { type: "project" }),
    ["rights-changed"],
  ],
  [
    "a binding on a table",
    activity("google.iam.v1.IAMPolicy.SetIamPolicy", table, {}, dataset("agent_logs_raw")),
    ["rights-changed"],
  ],
  [
    "a binding on the bucket of checkpoints",
    activity("storage.setIamPermissions", "projects/_/buckets/acme-agents-indelible-checkpoints", {}, bucket),
    ["rights-changed"],
  ],
  ["a binding on the key", activity("SetIamPolicy", key, kms, { type: "cloudkms_cryptokey" }), ["rights-changed"]],
  [
    "a binding on a bucket of somebody else's",
    activity("storage.setIamPermissions", "projects/_/buckets/holidays", {}, { type: "gcs_bucket" }),
    [],
  ],
  [
    "a key of an account",
    activity("google.iam.admin.v1.CreateServiceAccountKey", "projects/-/serviceAccounts/117"),
    ["rights-changed"],
  ],
  [
    "a custom role that grew",
    activity("google.iam.admin.v1.UpdateRole", "projects/acme-agents/roles/x"),
    ["rights-changed"],
  ],
  [
    "a deny policy that is gone",
    activity("google.iam.v2.Policies.DeletePolicy", "policies/x/denypolicies/indelible-log"),
    ["rights-changed"],
  ],
  [
    "a destroyed version of the key",
    activity("DestroyCryptoKeyVersion", `${key}/cryptoKeyVersions/1`, kms),
    ["evidence-changed"],
  ],
  [
    "a destroyed version of another key",
    activity(
      "DestroyCryptoKeyVersion",
      "projects/acme-agents/locations/eu/keyRings/other/cryptoKeys/k/cryptoKeyVersions/1",
      kms,
    ),
    [],
  ],
  [
    "a signature by somebody else",
    dataAccess(activity("AsymmetricSign", `${key}/cryptoKeyVersions/1`, kms)),
    ["evidence-changed"],
  ],
  [
    "a signature by the sealer",
    dataAccess(activity("AsymmetricSign", `${key}/cryptoKeyVersions/1`, { ...kms, ...sealer })),
    [],
  ],
  ["a public key that is read", dataAccess(activity("GetPublicKey", `${key}/cryptoKeyVersions/1`, kms)), []],
  [
    "another retention of the checkpoints",
    activity("storage.buckets.update", "projects/_/buckets/acme-agents-indelible-checkpoints", {}, bucket),
    ["evidence-changed"],
  ],
  [
    "a sink that is gone",
    activity("google.logging.v2.ConfigServiceV2.DeleteSink", "projects/acme-agents/sinks/indelible-access"),
    ["watch-changed"],
  ],
  [
    "an alert that is gone",
    activity("google.monitoring.v3.AlertPolicyService.DeleteAlertPolicy", "projects/acme-agents/alertPolicies/1"),
    ["watch-changed"],
  ],
  [
    "an exemption from the audit",
    activity(
      "SetIamPolicy",
      "projects/acme-agents",
      { serviceData: { policyDelta: { auditConfigDeltas: [{ action: "ADD" }] } } },
      { type: "project" },
    ),
    ["rights-changed", "watch-changed"],
  ],
  [
    "a subscription that is gone",
    activity(
      "google.pubsub.v1.Subscriber.DeleteSubscription",
      "projects/acme-agents/subscriptions/agent-logs.conversations.function",
    ),
    ["pipeline-changed"],
  ],
  [
    "a subscription of somebody else's",
    activity("google.pubsub.v1.Subscriber.DeleteSubscription", "projects/acme-agents/subscriptions/orders"),
    [],
  ],
  [
    "another function in its place",
    activity(
      "google.cloud.functions.v2.FunctionService.UpdateFunction",
      "projects/acme-agents/locations/europe-west1/functions/indelible-function",
    ),
    ["pipeline-changed"],
  ],
  [
    "a sealer that is not called",
    activity(
      "google.cloud.scheduler.v1.CloudScheduler.PauseJob",
      "projects/acme-agents/locations/europe-west1/jobs/indelible-seal",
    ),
    ["pipeline-changed"],
  ],
];

const line = (service: string, severity: string, jsonPayload: LogEntry): LogEntry => ({
  logName: "projects/acme-agents/logs/run.googleapis.com%2Fstderr",
  resource: { type: "cloud_run_revision", labels: { service_name: service } },
  severity,
  jsonPayload,
});

describe("an alert is raised by", () => {
  for (const [what, entry, raised] of cases) {
    it(`${what}: ${raised.length === 0 ? "none" : raised.join(" and ")}`, () => {
      assert.deepEqual(raisedBy(entry), raised);
    });
  }

  it("what the sealer refuses, and not by what it tries again", () => {
    const refused = ["seal-refused"];
    assert.deepEqual(raisedBy(line("indelible-sealer", "ERROR", { code: "ERR_CHECKPOINT" })), refused);
    assert.deepEqual(
      raisedBy(line("indelible-sealer", "ERROR", { event: "witness-refuses", code: "internal" })),
      refused,
    );
    assert.deepEqual(raisedBy(line("indelible-sealer", "ERROR", { event: "witness-behind", code: "ERR_STORE" })), []);
    assert.deepEqual(raisedBy(line("indelible-sealer", "ERROR", { code: "ERR_READ" })), []);
    assert.deepEqual(raisedBy(line("indelible-sealer-staging", "ERROR", { code: "ERR_CHECKPOINT" })), []);
  });
});

describe("lines are counted as", () => {
  const counted = (of: typeof stack, entry: LogEntry): string[] =>
    Object.entries(logMetricsOf(of)).flatMap(([metric, { filter }]: [string, { readonly filter: string }]) =>
      matches(filter, entry) ? [metric] : [],
    );

  it("commits, failed deliveries and dead letters", () => {
    assert.deepEqual(counted(stack, line("indelible-sealer", "INFO", { event: "sealed", commitNumber: 1 })), [
      "sealed",
    ]);
    const failure = { table: "conversations", code: "ERR_APPEND_REFUSED" };
    assert.deepEqual(counted(stack, line("indelible-function", "ERROR", failure)), ["failedDeliveries"]);
    const dead = line("indelible-function", "WARNING", { table: "conversations", deadLettered: 2 });
    assert.deepEqual(counted(stack, dead), ["deadLettered"]);
    assert.deepEqual(counted(stack, line("indelible-sealer", "ERROR", { code: "ERR_READ" })), []);
  });

  it("those of the worker too, where there is one", () => {
    const others = settingsOf(staging);
    const failed: LogEntry = {
      resource: { type: "cloud_run_worker_pool", labels: { worker_pool_name: "indelible-worker-staging" } },
      severity: "ERROR",
      jsonPayload: { code: "ERR_DEADLINE" },
    };
    assert.deepEqual(counted({ settings: others, names: namesOf(others) }, failed), ["failedDeliveries"]);
    assert.deepEqual(counted(stack, failed), []);
  });
});

describe("the sink takes", () => {
  const filter = accessAuditFilter("acme-agents");
  const service = { serviceName: "bigquery.googleapis.com" };

  it("reads, jobs that are done and read sessions, and nothing else", () => {
    const method = "google.cloud.bigquery.v2.JobService.Query";
    const record = (metadata: LogEntry): LogEntry => dataAccess(activity(method, table, { ...service, metadata }));
    assert.ok(matches(filter, record({ tableDataRead: { reason: "JOB" } })));
    assert.ok(matches(filter, record({ jobChange: { after: "DONE" } })));
    assert.ok(!matches(filter, record({ jobChange: { after: "RUNNING" } })));
    assert.ok(!matches(filter, record({ tableDataChange: {} })));
    const session = "google.cloud.bigquery.storage.v1.BigQueryRead.CreateReadSession";
    assert.ok(matches(filter, dataAccess(activity(session, table, { serviceName: "bigquerystorage.googleapis.com" }))));
    assert.ok(!matches(filter, activity(session, table, service)));
  });
});
