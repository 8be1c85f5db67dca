/**
 * Who may do what, in the words of BigQuery's IAM: the one source of the local warehouse's roles, of the bindings in the cloud and
 * of the table in SECURITY.md. Nobody but the admin holds what changes or deletes a row: `bigquery.tables.updateData` allows DML, but only
 * together with `bigquery.jobs.create`, and nobody else holds both.
 */
import { RAW_DATASET, sealedTables, VIEWS_DATASET } from "./names.ts";

export type RoleName = "writer" | "sealer" | "auditor" | "reader" | "admin";

/** A permission of BigQuery's IAM, as `bigquery.tables.getData`. */
export type Permission = `bigquery.${string}`;

export interface Role {
  readonly description: string;
  /** Held on the project, and so on each of its datasets. */
  readonly project: readonly Permission[];
  /** Held on a dataset, or on single tables of it when these are named. */
  readonly datasets: readonly Grant[];
}

export interface Grant {
  readonly dataset: string;
  /** Default: every table of the dataset. */
  readonly tables?: readonly string[];
  readonly permissions: readonly Permission[];
}

const see: readonly Permission[] = ["bigquery.datasets.get", "bigquery.tables.get", "bigquery.tables.list"];
const readSessions: readonly Permission[] = [
  "bigquery.readsessions.create",
  "bigquery.readsessions.getData",
  "bigquery.readsessions.update",
];

export const roles: { readonly [R in RoleName]: Role } = {
  writer: {
    description: "The function: appends rows to every table but the seals, and nothing else.",
    project: [],
    datasets: [
      {
        dataset: RAW_DATASET,
        tables: sealedTables,
        permissions: ["bigquery.tables.get", "bigquery.tables.updateData"],
      },
    ],
  },
  sealer: {
    description: "The sealer: reads the tables, and appends to `seals`.",
    project: readSessions,
    datasets: [
      { dataset: RAW_DATASET, permissions: [...see, "bigquery.tables.getData"] },
      { dataset: RAW_DATASET, tables: ["seals"], permissions: ["bigquery.tables.updateData"] },
    ],
  },
  auditor: {
    description: "Whoever verifies: reads everything, and writes nothing.",
    project: [...readSessions, "bigquery.jobs.create"],
    datasets: [
      { dataset: RAW_DATASET, permissions: [...see, "bigquery.tables.getData"] },
      { dataset: VIEWS_DATASET, permissions: [...see, "bigquery.tables.getData"] },
    ],
  },
  reader: {
    description: "Whoever asks the log: reads the views.",
    project: ["bigquery.jobs.create"],
    datasets: [{ dataset: VIEWS_DATASET, permissions: [...see, "bigquery.tables.getData"] }],
  },
  admin: {
    description: "Whoever sets it up: may do everything, and is found out by the seals.",
    project: ["bigquery.*"],
    datasets: [],
  },
};

export const roleNames: readonly RoleName[] = Object.keys(roles) as RoleName[];

/** Datasets whose views may read another dataset's tables for whoever may read the views. */
export const authorizedDatasets: { readonly [dataset: string]: readonly string[] } = {
  [RAW_DATASET]: [VIEWS_DATASET],
};
