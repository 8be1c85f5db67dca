import type { Node } from "../../infra/graph.ts";

const binding = ["role", "member", "condition"];

/** By type, the inputs by which the cloud tells two resources apart; what has none that one gives it, by what people see. */
const identifying: { readonly [type: string]: readonly string[] } = {
  "gcp:artifactregistry/repository:Repository": ["location", "repositoryId"],
  "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": ["location", "repository", ...binding],
  "gcp:bigquery/dataset:Dataset": ["datasetId"],
  "gcp:bigquery/iamMember:IamMember": ["datasetId", "tableId", ...binding],
  "gcp:bigquery/table:Table": ["datasetId", "tableId"],
  "gcp:cloudfunctionsv2/function:Function": ["location", "name"],
  "gcp:cloudrunv2/serviceIamMember:ServiceIamMember": ["location", "name", ...binding],
  "gcp:cloudrunv2/workerPool:WorkerPool": ["location", "name"],
  "gcp:cloudscheduler/job:Job": ["region", "name"],
  "gcp:iam/denyPolicy:DenyPolicy": ["parent", "name"],
  "gcp:kms/cryptoKey:CryptoKey": ["keyRing", "name"],
  "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": ["cryptoKeyId", ...binding],
  "gcp:kms/keyRing:KeyRing": ["location", "name"],
  "gcp:logging/metric:Metric": ["name"],
  "gcp:logging/projectSink:ProjectSink": ["name"],
  "gcp:monitoring/alertPolicy:AlertPolicy": ["displayName"],
  "gcp:monitoring/dashboard:Dashboard": ["dashboardJson"],
  "gcp:monitoring/notificationChannel:NotificationChannel": ["displayName"],
  "gcp:projects/iAMAuditConfig:IAMAuditConfig": ["service"],
  "gcp:projects/iAMCustomRole:IAMCustomRole": ["roleId"],
  "gcp:projects/iAMMember:IAMMember": binding,
  "gcp:projects/service:Service": ["service"],
  "gcp:projects/serviceIdentity:ServiceIdentity": ["service"],
  "gcp:pubsub/subscription:Subscription": ["name"],
  "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember": ["subscription", ...binding],
  "gcp:pubsub/topic:Topic": ["name"],
  "gcp:pubsub/topicIAMMember:TopicIAMMember": ["topic", ...binding],
  "gcp:serviceaccount/account:Account": ["accountId"],
  "gcp:serviceaccount/iAMMember:IAMMember": ["serviceAccountId", ...binding],
  "gcp:storage/bucket:Bucket": ["name"],
  "gcp:storage/bucketIAMMember:BucketIAMMember": ["bucket", ...binding],
  "gcp:storage/bucketObject:BucketObject": ["bucket", "name"],
  "gcp:tags/tagKey:TagKey": ["parent", "shortName"],
  "gcp:tags/tagValue:TagValue": ["parent", "shortName"],
};

/** What a resource is in the cloud: two nodes with one identity would be the same thing, or fight over it. */
export function identityOf({ type, inputs }: Pick<Node, "type" | "inputs">): string {
  const fields = identifying[type];
  if (fields === undefined) throw new Error(`nothing says what tells two ${type} apart`);
  return `${type} ${fields.map((field) => `${field}=${JSON.stringify(fieldOf(inputs, field))}`).join(" ")}`;
}

/** Of a dashboard, the name is inside. */
function fieldOf(inputs: Node["inputs"], field: string): unknown {
  const value = inputs[field];
  if (field !== "dashboardJson") return value;
  const { displayName } = JSON.parse(String(value)) as { readonly displayName: unknown };
  return displayName;
}
