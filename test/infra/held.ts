import type { Graph, Node } from "../../infra/graph.ts";
import { nodesOf } from "./nodes.ts";

/** What somebody may do, on what. */
export interface Held {
  /** Without what kind of member it is: an e-mail address, or a principal. */
  readonly member: string;
  readonly role: string;
  readonly permissions: readonly string[];
  /** As `topics/agent-logs.conversations`; `project` for the whole project. */
  readonly on: string;
}

/** Of Google's own roles, only these may be used: by Google's accounts, by the account that builds containers, and on the list of keys. */
const predefined: { readonly [role: string]: readonly string[] } = {
  "roles/pubsub.publisher": ["pubsub.topics.publish"],
  "roles/pubsub.subscriber": [
    "pubsub.snapshots.seek",
    "pubsub.subscriptions.consume",
    "pubsub.topics.attachSubscription",
  ],
  "roles/iam.serviceAccountOpenIdTokenCreator": ["iam.serviceAccounts.getOpenIdToken"],
  "roles/artifactregistry.writer": [
    "artifactregistry.repositories.downloadArtifacts",
    "artifactregistry.repositories.uploadArtifacts",
    "artifactregistry.tags.create",
    "artifactregistry.tags.update",
  ],
  "roles/logging.logWriter": ["logging.logEntries.create", "logging.logEntries.route"],
  "roles/storage.objectViewer": ["storage.objects.get", "storage.objects.list"],
};

/** By type of the binding, the input that names what it is on, and what that is. */
const bound: { readonly [type: string]: (inputs: Node["inputs"]) => string } = {
  "gcp:projects/iAMMember:IAMMember": () => "project",
  "gcp:bigquery/iamMember:IamMember": ({ datasetId, tableId }) => `tables/${datasetId}.${tableId}`,
  "gcp:pubsub/topicIAMMember:TopicIAMMember": ({ topic }) => `topics/${String(topic).split("/").at(-1)}`,
  "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember": ({ subscription }) => `subscriptions/${subscription}`,
  "gcp:cloudrunv2/serviceIamMember:ServiceIamMember": ({ name }) => `services/${name}`,
  "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": ({ cryptoKeyId }) => String(cryptoKeyId),
  "gcp:storage/bucketIAMMember:BucketIAMMember": ({ bucket }) => `buckets/${bucket}`,
  "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": ({ repository }) => `repositories/${repository}`,
  "gcp:serviceaccount/iAMMember:IAMMember": ({ serviceAccountId }) => String(serviceAccountId),
};

/** Everything that the graph lets anybody do, but for the owners of the datasets. */
export function heldIn(graph: Graph): readonly Held[] {
  const custom = new Map(
    nodesOf(graph, "gcp:projects/iAMCustomRole:IAMCustomRole").map(({ inputs }) => [
      `projects/${inputs["project"]}/roles/${inputs["roleId"]}`,
      texts(inputs["permissions"]),
    ]),
  );
  const expand = (role: string): readonly string[] => {
    const permissions = custom.get(role) ?? predefined[role];
    if (permissions === undefined) throw new Error(`${role} is no role of ours`);
    return permissions;
  };
  const bindings = graph.nodes.flatMap(({ type, inputs }): Held[] => {
    const on = bound[type];
    if (on === undefined) {
      if (/iam_?(member|binding|policy)$/i.test(type)) throw new Error(`${type} is no binding that is known`);
      return [];
    }
    const role = String(inputs["role"]);
    return [{ member: bare(String(inputs["member"])), role, permissions: expand(role), on: on(inputs) }];
  });
  const listed = nodesOf(graph, "gcp:bigquery/dataset:Dataset").flatMap(({ inputs }) =>
    accessesOf(inputs).flatMap(({ role, userByEmail, groupByEmail, iamMember }) => {
      const member = userByEmail ?? groupByEmail ?? iamMember;
      if (typeof member !== "string" || typeof role !== "string") return [];
      return [{ member: bare(member), role, permissions: expand(role), on: `datasets/${inputs["datasetId"]}` }];
    }),
  );
  return [...bindings, ...listed];
}

export function accessesOf(inputs: Node["inputs"]): readonly { readonly [field: string]: unknown }[] {
  const { accesses } = inputs;
  if (!Array.isArray(accesses)) throw new Error("a dataset has no access list");
  return accesses.map((access: { readonly [field: string]: unknown }) => access);
}

export function texts(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map(String);
  throw new Error(`${JSON.stringify(value)} is no list`);
}

function bare(member: string): string {
  return member.replace(/^(?:user|group|serviceAccount):/, "");
}
