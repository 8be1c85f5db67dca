import type { Node } from "../../infra/graph.ts";

/** Inputs by which the cloud tells two resources of a type apart. */
const identifying = [
  "name",
  "accountId",
  "roleId",
  "datasetId",
  "tableId",
  "topic",
  "subscription",
  "bucket",
  "keyRing",
  "cryptoKeyId",
  "service",
  "serviceAccountId",
  "repositoryId",
  "displayName",
  "shortName",
  "parent",
  "dashboardJson",
  "role",
  "member",
];

/** What a resource is in the cloud: two nodes with one identity would be the same thing, or fight over it. */
export function identityOf({ type, inputs }: Node): string {
  const parts = identifying.flatMap((input) =>
    inputs[input] === undefined ? [] : [`${input}=${JSON.stringify(inputs[input])}`],
  );
  return `${type} ${parts.join(" ")}`;
}
