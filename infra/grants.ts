/** Bindings of IAM. Each is one of the rights, and each right has its own; those on a whole dataset stand in its access list (warehouse.ts). */
import type { Output, Resource } from "@pulumi/pulumi";
import { IamMember as TableMember, type Table } from "@pulumi/gcp/bigquery/index.js";
import { ServiceIamMember } from "@pulumi/gcp/cloudrunv2/index.js";
import { CryptoKeyIAMMember } from "@pulumi/gcp/kms/index.js";
import { IAMMember } from "@pulumi/gcp/projects/index.js";
import { SubscriptionIAMMember, TopicIAMMember, type Subscription } from "@pulumi/gcp/pubsub/index.js";
import { BucketIAMMember } from "@pulumi/gcp/storage/index.js";
import type { TableName } from "@indelible/schemas/tables.ts";
import { declaredTopics, safetyNetOf } from "@indelible/schemas/topics.ts";
import { resourceOf, type Right } from "./custom-roles.ts";
import type { Holder } from "./holders.ts";
import type { Stack } from "./stack.ts";
import type { Topics } from "./topics.ts";

/** What rights are given on. */
export interface Targets {
  readonly topics: Topics;
  /** By ID. */
  readonly subscriptions: ReadonlyMap<string, Subscription>;
  readonly tables: ReadonlyMap<TableName, Table>;
  /** Names in Cloud Run. A function is called through its service there: a binding on the function itself would not count. */
  readonly functionService: Output<string>;
  readonly sealerService: Output<string>;
  /** ID of the key, as `projects/P/locations/L/keyRings/R/cryptoKeys/K`. */
  readonly signingKey: Output<string>;
  /** Name of the bucket. */
  readonly checkpointBucket: Output<string>;
}

/** @returns every binding: what cannot work without its rights is made after them */
export function createGrants(stack: Stack, rights: readonly Right[], targets: Targets): readonly Resource[] {
  return rights.flatMap((right) => right.holders.flatMap((holder) => bindingsOf(stack, right, holder, targets)));
}

function bindingsOf(stack: Stack, right: Right, holder: Holder, targets: Targets): readonly Resource[] {
  const { role, grant } = right;
  const { projectId: project, region } = stack.settings;
  const binding = { role: right.customRole, member: holder.member };
  const named = (resource: string): string =>
    [`${role}.${resource}`, ...(holder.key === undefined ? [] : [holder.key])].join(" ");
  const resource = resourceOf(grant);
  switch (grant.on) {
    case "project":
      return [new IAMMember(named(resource), { project, ...binding })];
    case "dataset":
      return (grant.tables ?? []).map((table) => {
        const { datasetId, tableId } = found(targets.tables, table);
        return new TableMember(named(table), { project, datasetId, tableId, ...binding });
      });
    case "topic":
      return grant.topics
        .filter((topic) => holder.tables?.some((table) => table === topic) ?? true)
        .map((name) => {
          const id = `${stack.names.topicPrefix}.${name}`;
          const { name: topic } = found(targets.topics, id);
          // What is published before a topic has subscriptions is delivered to none.
          const dependsOn = [...targets.subscriptions.values()];
          return new TopicIAMMember(named(id), { project, topic, ...binding }, { dependsOn });
        });
    case "subscription":
      return subscriptionIds(stack, grant.subscriptions).map((id) => {
        const { name: subscription } = found(targets.subscriptions, id);
        return new SubscriptionIAMMember(named(id), { project, subscription, ...binding });
      });
    case "service": {
      const name = grant.service === "function" ? targets.functionService : targets.sealerService;
      return [new ServiceIamMember(named(resource), { project, location: region, name, ...binding })];
    }
    case "signing-key":
      return [new CryptoKeyIAMMember(named(resource), { cryptoKeyId: targets.signingKey, ...binding })];
    case "checkpoints":
      return [new BucketIAMMember(named(resource), { bucket: targets.checkpointBucket, ...binding })];
  }
}

function subscriptionIds({ names }: Stack, which: "worker" | "safety-net"): readonly string[] {
  if (which === "safety-net") return [safetyNetOf(names.topicPrefix)];
  return declaredTopics(names.topicPrefix).map(({ delivery }) => delivery.pullSubscription);
}

function found<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  if (value === undefined) throw new Error(`there is no ${String(key)}`);
  return value;
}
