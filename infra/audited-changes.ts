/**
 * Queries of Cloud Logging for what the audit logs tell of a change to the log, to its rights, to its evidence or to its watch. Admin activity
 * cannot be turned off, nor can BigQuery's data access; changes to the organization or a folder are in their logs, and not in the project's.
 */
import type { Names } from "./names.ts";

export interface Audited {
  readonly projectId: string;
  readonly names: Names;
}

const audited = 'log_id("cloudaudit.googleapis.com/activity")';
const anywhere = '(log_id("cloudaudit.googleapis.com/activity") OR log_id("cloudaudit.googleapis.com/data_access"))';
const changed = (field: string): string => `protoPayload.metadata.${field}:*`;

/**
 * Rows that a statement or job changed, and tables, views and datasets that were changed or deleted. Appends by the Storage Write API are no
 * `tableDataChange`; nothing of ours makes one.
 */
export function changesOfTables({ names }: Audited): string {
  const { raw, views } = names.datasets;
  return [
    anywhere,
    'resource.type="bigquery_dataset"',
    `resource.labels.dataset_id=(${quoted(raw)} OR ${quoted(views)})`,
    `(${["tableDataChange", "tableChange", "tableDeletion", "datasetChange", "datasetDeletion"].map(changed).join(" OR ")})`,
  ].join("\n");
}

/** Who may do what: policies of IAM of the project, of what is ours and of service accounts, custom roles, deny policies, keys of accounts. */
export function changesOfRights({ names }: Audited): string {
  const { raw, views } = names.datasets;
  const ours = [
    `topics/${names.topicPrefix}.`,
    `subscriptions/${names.topicPrefix}.`,
    `datasets/${raw}`,
    `datasets/${views}`,
  ];
  const resources = [...ours, "indelible"].map((part) => `protoPayload.resourceName:${quoted(part)}`);
  return [
    audited,
    '((protoPayload.methodName=~"(?i)setiam(policy|permissions)$"',
    `(resource.type="project" OR resource.type="service_account" OR ${resources.join(" OR ")}))`,
    'OR protoPayload.methodName=~"^google[.]iam[.]admin[.]v1[.](Create|Update|Delete|Undelete)Role$"',
    'OR protoPayload.methodName="google.iam.admin.v1.CreateServiceAccountKey"',
    'OR protoPayload.methodName=~"^google[.]iam[.]v2[a-z0-9]*[.]Policies[.](Create|Update|Delete)Policy$")',
  ].join("\n");
}

/** What proves the log: the signing key and who signs with it, and the bucket of checkpoints. Reads of either are no change. */
export function changesOfEvidence({ projectId, names }: Audited): string {
  const key = `protoPayload.serviceName="cloudkms.googleapis.com" protoPayload.resourceName:${quoted(`/keyRings/${names.resource("ledger")}/`)}`;
  const sealer = `${names.account("sealer")}@${projectId}.iam.gserviceaccount.com`;
  return [
    anywhere,
    `((${key} protoPayload.methodName=~"(Create|Update|Destroy|Restore|Import|Delete)CryptoKey(Version)?$")`,
    `OR (${key} protoPayload.methodName=~"AsymmetricSign$" NOT protoPayload.authenticationInfo.principalEmail=${quoted(sealer)})`,
    `OR (resource.type="gcs_bucket" resource.labels.bucket_name=${quoted(names.bucket("checkpoints"))}`,
    ' protoPayload.methodName=~"^storage[.]buckets[.](update|patch|delete|lockRetentionPolicy)$"))',
  ].join("\n");
}

/**
 * What watches the log: sinks and exclusions, the audit config, alert policies and who gets them. New sinks too: all of a project write by the
 * same account, so another one could put what it likes into the topic of the access audit.
 */
export function changesOfWatch(): string {
  return [
    audited,
    '(protoPayload.methodName=~"^google[.]logging[.]v2[.]ConfigServiceV2[.](Create|Update|Delete)Sink$"',
    'OR protoPayload.methodName=~"^google[.]logging[.]v2[.]ConfigServiceV2[.](Create|Update)Exclusion$"',
    'OR protoPayload.methodName=~"^google[.]logging[.]v2[.]MetricsServiceV2[.](Update|Delete)LogMetric$"',
    'OR protoPayload.methodName=~"^google[.]monitoring[.]v3[.](AlertPolicyService[.](Update|Delete)AlertPolicy|NotificationChannelService[.](Update|Delete)NotificationChannel)$"',
    "OR protoPayload.serviceData.policyDelta.auditConfigDeltas:*)",
  ].join("\n");
}

/** Where messages go and what runs: topics and subscriptions of ours, the function, the sealer, the worker, and what calls the sealer. */
export function changesOfPipeline({ names }: Audited): string {
  const running = ["function", "sealer", "worker", "seal"].map((what) => names.resource(what)).join("|");
  return [
    audited,
    '((protoPayload.methodName=~"^google[.]pubsub[.]v1[.](Publisher[.](Update|Delete)Topic|Subscriber[.](Update|Delete)Subscription|Subscriber[.]ModifyPushConfig)$"',
    ` protoPayload.resourceName=~"/(topics|subscriptions)/${names.topicPrefix}[.]")`,
    'OR (protoPayload.methodName=~"(Update|Replace|Delete|Pause)(Function|Service|WorkerPool|Job)$"',
    ` protoPayload.resourceName=~"/(${running})$"))`,
  ].join("\n");
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
