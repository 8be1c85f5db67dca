/**
 * Queries of Cloud Logging for what the audit logs tell of a change to the log, to its rights, to its evidence or to its watch. Admin activity
 * cannot be turned off, nor can BigQuery's data access; changes to the organization or a folder are in their logs, and not in the project's.
 *
 * An environment is told of what is its own and of what is the project's, and not of what has another environment's name. Deny policies and roles
 * that are held on the project bear on all. Tags, alert policies, channels and snoozes have numbers. Each environment is told of these, and of each sink.
 */
import { roleNames } from "@indelible/schemas/rights.ts";
import { metricNamesOf } from "./log-metrics.ts";
import type { Names } from "./names.ts";

export interface Audited {
  readonly projectId: string;
  readonly names: Names;
}

const audited = 'log_id("cloudaudit.googleapis.com/activity")';
const anywhere = '(log_id("cloudaudit.googleapis.com/activity") OR log_id("cloudaudit.googleapis.com/data_access"))';
const principal = "protoPayload.authenticationInfo.principalEmail";
const changed = (field: string): string => `protoPayload.metadata.${field}:*`;
const method = (pattern: string): string => `protoPayload.methodName=~${quoted(pattern)}`;
const resource = (pattern: string): string => `protoPayload.resourceName=~${quoted(pattern)}`;

/**
 * Rows that were changed, tables, views and datasets that were changed or deleted, and row access policies, which hide rows. An append by the Storage
 * Write API is a `tableDataChange` too, whose reason begins with WRITE_API; that of an account that appends is none of these, and anybody else's is.
 */
export function changesOfTables({ projectId, names }: Audited): string {
  const { raw, views } = names.datasets;
  const appenders = (["writer", "worker", "sealer"] as const).map((role) =>
    quoted(emailOf(names.account(role), projectId)),
  );
  const events = [
    "tableDataChange",
    "tableChange",
    "tableDeletion",
    "datasetChange",
    "datasetDeletion",
    "rowAccessPolicyCreation",
    "rowAccessPolicyChange",
    "rowAccessPolicyDeletion",
  ];
  return [
    anywhere,
    'resource.type="bigquery_dataset"',
    `resource.labels.dataset_id=(${quoted(raw)} OR ${quoted(views)})`,
    `(${events.map(changed).join(" OR ")})`,
    `NOT (protoPayload.metadata.tableDataChange.reason=~"^WRITE_API" AND ${principal}=(${appenders.join(" OR ")}))`,
  ].join("\n");
}

/**
 * Who may do what: policies of IAM of the project, of what is ours, of tags and of service accounts, custom roles, deny policies, keys of accounts,
 * and tags, by which the deny policy knows the dataset. A tag that is set through BigQuery itself is a change of the dataset.
 */
export function changesOfRights({ names }: Audited): string {
  const { raw, views } = names.datasets;
  const named = ["function", "sealer", "worker", "seal", "ledger", "containers"].map((what) => names.resource(what));
  const buckets = ["checkpoints", "deployment"].map((what) => names.bucket(what));
  const ours = `/((topics|subscriptions)/${names.topicPrefix}[.]|(datasets/(${raw}|${views})|${[...named, ...buckets].join("|")})(/|$))`;
  const role = names.customRole("writer", "").replace("writer", `(${roleNames.join("|")})`);
  const notOfOthers = {
    account: butForOthers(
      "resource.labels.email_id",
      "^indelible-",
      `^${names.account("writer").replace("writer", "[a-z]+")}@`,
    ),
    // One that is held on the project is everybody's.
    role: butForOthers("protoPayload.resourceName", "/roles/indelible_", `(/roles/${role}|_project$)`),
  };
  return [
    audited,
    `((${method("(?i)setiam(policy|permissions)$")}`,
    ` (resource.type="project" OR (resource.type="service_account" ${notOfOthers.account}) OR ${resource(ours)} OR ${resource("^tag(Keys|Values)/")}))`,
    `OR (${method("^google[.]iam[.]admin[.]v1[.](Create|Update|Delete|Undelete)Role$")} ${notOfOthers.role})`,
    `OR (${method("^google[.]iam[.]admin[.]v1[.](Create|Upload)ServiceAccountKey$")} ${notOfOthers.account})`,
    `OR ${method("^google[.]iam[.]v2[a-z0-9]*[.]Policies[.](Create|Update|Delete)Policy$")}`,
    `OR ${method("(^|[.])(Create|Update|Delete)Tag(Key|Value|Binding)$")})`,
  ].join("\n");
}

/** What proves the log: the signing key and who signs with it, and the bucket of checkpoints. Reads of either are no change. */
export function changesOfEvidence({ projectId, names }: Audited): string {
  const key = `protoPayload.serviceName="cloudkms.googleapis.com" protoPayload.resourceName:${quoted(`/keyRings/${names.resource("ledger")}/`)}`;
  const sealer = quoted(emailOf(names.account("sealer"), projectId));
  return [
    anywhere,
    `((${key} ${method("(Create|Update|Destroy|Restore|Import|Delete)CryptoKey(Version)?$")})`,
    `OR (${key} ${method("AsymmetricSign$")} NOT ${principal}=${sealer})`,
    `OR (resource.type="gcs_bucket" resource.labels.bucket_name=${quoted(names.bucket("checkpoints"))}`,
    ` ${method("^storage[.]buckets[.](update|patch|delete|lockRetentionPolicy)$")}))`,
  ].join("\n");
}

/**
 * What watches the log: sinks and exclusions, the audit config, metrics of logs, alert policies, who gets them and what puts them to sleep, and services
 * that are turned off. New sinks too: all of a project write by the same account, so another one could put what it likes into the topic of the
 * access audit.
 */
export function changesOfWatch({ names }: Audited): string {
  const metrics = Object.values(metricNamesOf(names)).join("|");
  const ours = butForOthers("protoPayload.resourceName", "/metrics/indelible_", `/metrics/(${metrics})$`);
  return [
    audited,
    `(${method("^google[.]logging[.]v2[.]ConfigServiceV2[.]((Create|Update|Delete)Sink|(Create|Update)Exclusion)$")}`,
    `OR (${method("^google[.]logging[.]v2[.]MetricsServiceV2[.](Update|Delete)LogMetric$")} ${ours})`,
    `OR ${method("^google[.]monitoring[.]v3[.](AlertPolicyService[.](Update|Delete)AlertPolicy|NotificationChannelService[.](Update|Delete)NotificationChannel|SnoozeService[.](Create|Update)Snooze)$")}`,
    `OR ${method("^google[.]api[.]serviceusage[.][a-z0-9]+[.]ServiceUsage[.]((Batch)?DisableServices?|UpdateConsumerPolicy)$")}`,
    "OR protoPayload.serviceData.policyDelta.auditConfigDeltas:*)",
  ].join("\n");
}

/**
 * Where messages go and what runs: topics and subscriptions of ours, the function, the sealer, the worker, and what calls the sealer. To seek a
 * subscription may acknowledge all that waits in it; it is in the log of data access, where the audit config has Pub/Sub's ADMIN_READ.
 */
export function changesOfPipeline({ names }: Audited): string {
  const running = ["function", "sealer", "worker", "seal"].map((what) => names.resource(what)).join("|");
  return [
    anywhere,
    `((${method("^google[.]pubsub[.]v1[.](Publisher[.](UpdateTopic|DeleteTopic|DetachSubscription)|Subscriber[.](UpdateSubscription|DeleteSubscription|ModifyPushConfig|Seek))$")}`,
    ` ${resource(`/(topics|subscriptions)/${names.topicPrefix}[.]`)})`,
    `OR (${method("(Update|Replace|Delete|Pause)(Function|Service|WorkerPool|Job)$")}`,
    ` ${resource(`/(${running})$`)}))`,
  ].join("\n");
}

/** Not what has a name of the family, and none of ours: it is another environment's. What has no name that is known is told. */
function butForOthers(field: string, family: string, ours: string): string {
  return `NOT (${field}=~${quoted(family)} AND NOT ${field}=~${quoted(ours)})`;
}

function emailOf(account: string, projectId: string): string {
  return `${account}@${projectId}.iam.gserviceaccount.com`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
