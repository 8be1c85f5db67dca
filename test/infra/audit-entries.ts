/** Entries of the audit logs of a project, as Google documents them, and which alerts of the stack without an environment each raises. */
import type { Names } from "../../infra/names.ts";
import type { LogEntry } from "./log-query.ts";

/** An entry of admin activity, of somebody who is none of ours. */
export function activity(
  methodName: string,
  resourceName: string,
  more: LogEntry = {},
  resource: LogEntry = {},
): LogEntry {
  const principalEmail = "mallory@acme.example";
  return {
    logName: "projects/acme-agents/logs/cloudaudit.googleapis.com%2Factivity",
    resource,
    protoPayload: { methodName, resourceName, authenticationInfo: { principalEmail }, ...more },
  };
}
/** The same, as access to data. */
export const dataAccess = (entry: LogEntry): LogEntry => ({
  ...entry,
  logName: "projects/acme-agents/logs/cloudaudit.googleapis.com%2Fdata_access",
});
export const dataset = (id: string): LogEntry => ({ type: "bigquery_dataset", labels: { dataset_id: id } });
export const table = "projects/acme-agents/datasets/agent_logs_raw/tables/conversations";
const kms = { serviceName: "cloudkms.googleapis.com" };
const key = "projects/acme-agents/locations/europe-west1/keyRings/indelible-ledger/cryptoKeys/checkpoints";
const bucket = { type: "gcs_bucket", labels: { bucket_name: "acme-agents-indelible-checkpoints" } };
const by = (account: string): LogEntry => ({
  authenticationInfo: { principalEmail: `${account}@acme-agents.iam.gserviceaccount.com` },
});
const sealer = by("indelible-sealer");
/** Rows that came by the Storage Write API. */
const append = (reason: string, more: LogEntry = {}): LogEntry =>
  dataAccess(
    activity(
      "google.cloud.bigquery.storage.v1.BigQueryWrite.AppendRows",
      table,
      { metadata: { tableDataChange: { insertedRowsCount: "20", reason } }, ...more },
      dataset("agent_logs_raw"),
    ),
  );
const subscription = "projects/acme-agents/subscriptions/agent-logs.conversations.function";

export const cases: readonly (readonly [what: string, entry: LogEntry, raised: readonly string[]])[] = [
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
  ["rows that the function appended", append("WRITE_API", by("indelible-writer")), []],
  ["rows that the worker appended", append("WRITE_API_APPEND_ROWS", by("indelible-worker")), []],
  ["rows that the sealer appended", append("WRITE_API_FLUSH_ROWS", by("indelible-sealer")), []],
  ["rows that somebody else appended", append("WRITE_API_APPEND_ROWS"), ["tables-changed"]],
  [
    "rows that another environment's function appended",
    append("WRITE_API", by("indelible-writer-staging")),
    ["tables-changed"],
  ],
  [
    "rows that the function's account changed by a statement",
    append("QUERY", by("indelible-writer")),
    ["tables-changed"],
  ],
  [
    "rows that came for a reason that is not told",
    append("REASON_UNSPECIFIED", by("indelible-writer")),
    ["tables-changed"],
  ],
  ...["rowAccessPolicyCreation", "rowAccessPolicyChange", "rowAccessPolicyDeletion"].map(
    (event) =>
      [
        `rows that some do not see: ${event}`,
        activity(
          "google.cloud.bigquery.v2.JobService.InsertJob",
          table,
          { metadata: { [event]: {} } },
          dataset("agent_logs_raw"),
        ),
        ["tables-changed"],
      ] as const,
  ),
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
    "a key of an account that somebody brought",
    activity("google.iam.admin.v1.UploadServiceAccountKey", "projects/-/serviceAccounts/117"),
    ["rights-changed"],
  ],
  ...[
    "google.cloud.resourcemanager.v3.TagBindings.CreateTagBinding",
    "google.cloud.resourcemanager.v3.TagBindings.DeleteTagBinding",
    "TagBindings.DeleteTagBinding",
    "google.cloud.resourcemanager.v3.TagKeys.DeleteTagKey",
    "TagValues.UpdateTagValue",
  ].map(
    (method) => [`a tag that is another: ${method}`, activity(method, "tagValues/281"), ["rights-changed"]] as const,
  ),
  [
    "a binding on a tag, which lets bind it",
    activity("google.cloud.resourcemanager.v3.TagValues.SetIamPolicy", "tagValues/281"),
    ["rights-changed"],
  ],
  ["tags that are listed", activity("google.cloud.resourcemanager.v3.TagBindings.ListTagBindings", "x"), []],
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
    "an alert that is put to sleep",
    activity("google.monitoring.v3.SnoozeService.CreateSnooze", "projects/acme-agents/snoozes/1"),
    ["watch-changed"],
  ],
  [
    "a sleep that is longer",
    activity("google.monitoring.v3.SnoozeService.UpdateSnooze", "projects/acme-agents/snoozes/1"),
    ["watch-changed"],
  ],
  ...[
    "google.api.serviceusage.v1.ServiceUsage.DisableService",
    "google.api.serviceusage.v1beta1.ServiceUsage.DisableService",
    "google.api.serviceusage.v2beta.ServiceUsage.UpdateConsumerPolicy",
  ].map(
    (method) =>
      [
        `a service that is off: ${method}`,
        activity(method, "projects/123456789012/services/monitoring.googleapis.com"),
        ["watch-changed"],
      ] as const,
  ),
  [
    "a service that is on",
    activity(
      "google.api.serviceusage.v1.ServiceUsage.EnableService",
      "projects/123456789012/services/x.googleapis.com",
    ),
    [],
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
    activity("google.pubsub.v1.Subscriber.DeleteSubscription", subscription),
    ["pipeline-changed"],
  ],
  [
    "a subscription that its topic has let go, with what waits in it",
    activity("google.pubsub.v1.Publisher.DetachSubscription", subscription),
    ["pipeline-changed"],
  ],
  [
    "a seek, which may acknowledge all that waits",
    dataAccess(activity("google.pubsub.v1.Subscriber.Seek", subscription)),
    ["pipeline-changed"],
  ],
  [
    "a seek elsewhere",
    dataAccess(activity("google.pubsub.v1.Subscriber.Seek", "projects/acme-agents/subscriptions/x")),
    [],
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

/** What is done to an environment, and to no other: each is known by its name. */
export const doneTo = (names: Names): readonly LogEntry[] => {
  const project = "projects/acme-agents";
  const account = `${names.account("writer")}@acme-agents.iam.gserviceaccount.com`;
  const ofAccount = { type: "service_account", labels: { email_id: account } };
  const location = `${project}/locations/europe-west1`;
  const ring = `${location}/keyRings/${names.resource("ledger")}`;
  const checkpoints = names.bucket("checkpoints");
  const bound = [
    `${project}/topics/${names.topicPrefix}.conversations`,
    `${project}/subscriptions/${names.topicPrefix}.conversations.function`,
    `${project}/datasets/${names.datasets.raw}/tables/conversations`,
    `${project}/datasets/${names.datasets.raw}`,
    `${project}/datasets/${names.datasets.views}`,
    `${location}/services/${names.resource("function")}`,
    `${location}/functions/${names.resource("sealer")}`,
    `${location}/repositories/${names.resource("containers")}`,
    `projects/_/buckets/${checkpoints}`,
    `projects/_/buckets/${names.bucket("deployment")}`,
    ring,
    `${ring}/cryptoKeys/checkpoints`,
  ];
  return [
    ...bound.map((name) => activity("google.iam.v1.IAMPolicy.SetIamPolicy", name)),
    activity("google.iam.admin.v1.SetIAMPolicy", "projects/-/serviceAccounts/117", {}, ofAccount),
    activity("google.iam.admin.v1.CreateServiceAccountKey", "projects/-/serviceAccounts/117", {}, ofAccount),
    activity("google.iam.admin.v1.UpdateRole", `${project}/roles/${names.customRole("writer", "dead-letter")}`),
    activity("InsertJob", "x", { metadata: { tableDeletion: {} } }, dataset(names.datasets.raw)),
    activity("InsertJob", "x", { metadata: { tableChange: {} } }, dataset(names.datasets.views)),
    activity("DestroyCryptoKeyVersion", `${ring}/cryptoKeys/checkpoints/cryptoKeyVersions/1`, kms),
    activity(
      "storage.buckets.update",
      `projects/_/buckets/${checkpoints}`,
      {},
      { type: "gcs_bucket", labels: { bucket_name: checkpoints } },
    ),
    activity("google.pubsub.v1.Publisher.DeleteTopic", `${project}/topics/${names.topicPrefix}.conversations`),
    activity("google.cloud.run.v2.Services.UpdateService", `${location}/services/${names.resource("function")}`),
    activity("google.cloud.scheduler.v1.CloudScheduler.PauseJob", `${location}/jobs/${names.resource("seal")}`),
    activity(
      "google.logging.v2.MetricsServiceV2.UpdateLogMetric",
      `${project}/metrics/${names.resource("failed_deliveries").replaceAll("-", "_")}`,
    ),
  ];
};
