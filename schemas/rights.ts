/**
 * Who may do what, in the permissions of Google Cloud's IAM: the one source of the bindings in the cloud, of the local warehouse's roles and of
 * the table in SECURITY.md. Nobody but the admin holds what changes or deletes a row: `bigquery.tables.updateData` allows DML, but only
 * together with `bigquery.jobs.create`, and nobody else holds both.
 */
import { ingestedTables, publishedTables, RAW_DATASET, sealedTables, VIEWS_DATASET } from "./names.ts";
import type { TableName } from "./tables.ts";

/** Roles of the warehouse of one machine: those that it knows by a token. */
export type WarehouseRoleName = "writer" | "sealer" | "auditor" | "reader" | "admin";

export type RoleName = WarehouseRoleName | "agent" | "worker" | "pusher" | "scheduler" | "ops" | "breakGlass";

/** A permission of IAM, as `bigquery.tables.getData`. `bigquery.*` is every one of a service. */
export type Permission = `${"bigquery" | "cloudkms" | "pubsub" | "run" | "storage"}.${string}`;

export interface Role {
  /** Who holds it. */
  readonly who: string;
  /** What its grants come to, for people. */
  readonly may: string;
  /** What somebody could think that it may. */
  readonly mayNot: string;
  /** An account that is made for it; `people`: whoever is named when it is set up; `nobody`: no binding gives it to anybody. */
  readonly holder: "account" | "people" | "nobody";
  readonly grants: readonly Grant[];
}

/** The last part of a topic's ID. */
export type TopicName = TableName | "dead-letter" | "bigquery-audit";

/** Permissions on one kind of resource, and no more of these resources than are named. */
export type Grant = { readonly permissions: readonly Permission[] } & (
  | { readonly on: "project" }
  /** Every table of the dataset, unless some are named. */
  | { readonly on: "dataset"; readonly dataset: "raw" | "views"; readonly tables?: readonly TableName[] }
  | { readonly on: "topic"; readonly topics: readonly TopicName[] }
  /** `worker`: the pull subscription of every topic. */
  | { readonly on: "subscription"; readonly subscriptions: "worker" | "safety-net" }
  | { readonly on: "service"; readonly service: "function" | "sealer" }
  | { readonly on: "signing-key" }
  | { readonly on: "checkpoints" }
);

const see: readonly Permission[] = ["bigquery.datasets.get", "bigquery.tables.get", "bigquery.tables.list"];
const read: readonly Permission[] = [...see, "bigquery.tables.getData"];
const readSessions: readonly Permission[] = [
  "bigquery.readsessions.create",
  "bigquery.readsessions.getData",
  "bigquery.readsessions.update",
];
const publish: readonly Permission[] = ["pubsub.topics.publish"];
const invoke: readonly Permission[] = ["run.routes.invoke"];
const readObjects: readonly Permission[] = ["storage.objects.get", "storage.objects.list"];

const write: readonly Grant[] = [
  { on: "dataset", dataset: "raw", tables: sealedTables, permissions: ["bigquery.tables.updateData"] },
  { on: "topic", topics: ["dead-letter"], permissions: publish },
];
const readViews: readonly Grant[] = [
  { on: "project", permissions: ["bigquery.jobs.create"] },
  { on: "dataset", dataset: "views", permissions: read },
];

export const roles: { readonly [R in RoleName]: Role } = {
  agent: {
    who: "agents",
    may: "publish to the topics of their tables",
    mayNot:
      "read or write BigQuery; choose another table than their topic's; set `published_at`, `ingested_at`, `entry_hash`",
    holder: "people",
    grants: [
      { on: "topic", topics: publishedTables.filter((table) => table !== "log_access_audit"), permissions: publish },
    ],
  },
  writer: {
    who: "the function",
    may: "append rows to every table but `seals`; publish dead letters",
    mayNot: "read, change or delete rows: it may not start a job",
    holder: "account",
    grants: write,
  },
  worker: {
    who: "the worker, where there is one",
    may: "what the function may; take messages from the pull subscriptions",
    mayNot: "the same",
    holder: "account",
    grants: [...write, { on: "subscription", subscriptions: "worker", permissions: ["pubsub.subscriptions.consume"] }],
  },
  pusher: {
    who: "Pub/Sub's push subscriptions",
    may: "call the function",
    mayNot: "anything else",
    holder: "account",
    grants: [{ on: "service", service: "function", permissions: invoke }],
  },
  scheduler: {
    who: "Cloud Scheduler",
    may: "call the sealer",
    mayNot: "anything else",
    holder: "account",
    grants: [{ on: "service", service: "sealer", permissions: invoke }],
  },
  sealer: {
    who: "the sealer",
    may: "read the tables without a job; append to `seals`; sign; create checkpoints and read them",
    mayNot: "append to any other table; change or delete rows; overwrite or delete a checkpoint; export the key",
    holder: "account",
    grants: [
      { on: "project", permissions: readSessions },
      { on: "dataset", dataset: "raw", permissions: read },
      { on: "dataset", dataset: "raw", tables: ["seals"], permissions: ["bigquery.tables.updateData"] },
      {
        on: "signing-key",
        permissions: ["cloudkms.cryptoKeyVersions.useToSign", "cloudkms.cryptoKeyVersions.viewPublicKey"],
      },
      { on: "checkpoints", permissions: ["storage.objects.create", ...readObjects] },
    ],
  },
  auditor: {
    who: "auditors",
    may: "query and read tables, views and checkpoints",
    mayNot: "write anything",
    holder: "people",
    grants: [
      { on: "project", permissions: [...readSessions, "bigquery.jobs.create"] },
      { on: "dataset", dataset: "raw", permissions: read },
      { on: "dataset", dataset: "views", permissions: read },
      { on: "checkpoints", permissions: readObjects },
    ],
  },
  reader: {
    who: "readers",
    may: "query the views",
    mayNot: "see the raw tables",
    holder: "people",
    grants: readViews,
  },
  ops: {
    who: "ops",
    may: "what readers may; publish reviews of dead letters, and replays to the topics of the tables (`indelible dlq`); take dead letters from the safety net",
    mayNot:
      "change or delete dead letters; replay a record of BigQuery's audit log. `reviewer` is what they say of themselves: Pub/Sub keeps no record of who published",
    holder: "people",
    grants: [
      ...readViews,
      { on: "topic", topics: ingestedTables, permissions: publish },
      { on: "subscription", subscriptions: "safety-net", permissions: ["pubsub.subscriptions.consume"] },
    ],
  },
  breakGlass: {
    who: "the break-glass group",
    may: "nothing by itself; the deny policy does not stop it, so what else it is given works",
    mayNot: "act unseen: each use is an alert",
    holder: "people",
    grants: [],
  },
  admin: {
    who: "the admin",
    may: "everything, also UPDATE, DELETE and DROP",
    mayNot: "do it unseen, once seals are kept where he cannot write",
    holder: "nobody",
    grants: [{ on: "project", permissions: ["bigquery.*"] }],
  },
};

export const roleNames: readonly RoleName[] = Object.keys(roles) as RoleName[];

export const warehouseRoleNames: readonly WarehouseRoleName[] = ["writer", "sealer", "auditor", "reader", "admin"];

/** What a role may do at the warehouse, as the local one's access policy has it. */
export interface WarehouseRole {
  readonly description: string;
  /** Held on the project, and so on each of its datasets. */
  readonly project: readonly Permission[];
  /** Held on a dataset, or on single tables of it when these are named. */
  readonly datasets: readonly {
    readonly dataset: string;
    readonly tables?: readonly TableName[];
    readonly permissions: readonly Permission[];
  }[];
}

/** The roles of the warehouse of one machine. */
export function warehouseRoles(): { readonly [R in WarehouseRoleName]: WarehouseRole } {
  const entries = warehouseRoleNames.map((name) => [name, warehouseRoleOf(roles[name])]);
  return Object.fromEntries(entries) as { [R in WarehouseRoleName]: WarehouseRole };
}

function warehouseRoleOf({ who, may, grants }: Role): WarehouseRole {
  return {
    description: `${who}: ${may}`,
    project: grants.flatMap((grant) => (grant.on === "project" ? grant.permissions : [])),
    datasets: grants.flatMap((grant) => {
      if (grant.on !== "dataset") return [];
      const { dataset, tables, permissions } = grant;
      const named = dataset === "raw" ? RAW_DATASET : VIEWS_DATASET;
      return [{ dataset: named, permissions, ...(tables !== undefined && { tables }) }];
    }),
  };
}

/** Datasets whose views may read another dataset's tables for whoever may read the views. */
export const authorizedDatasets: { readonly [dataset: string]: readonly string[] } = {
  [RAW_DATASET]: [VIEWS_DATASET],
};

/** Permissions that nobody may hold together, on anything: with both, `DELETE FROM` works. */
export const forbiddenPairs: readonly (readonly [Permission, Permission])[] = [
  ["bigquery.tables.updateData", "bigquery.jobs.create"],
];
