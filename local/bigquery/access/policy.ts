import { createHash, timingSafeEqual } from "node:crypto";
import { everybody } from "./caller.ts";
import type { Caller } from "./caller.ts";

/** Who may do what in a warehouse. */
export interface Policy {
  /** Who has this token; without one, whoever the policy takes for it. Undefined: nobody, so that the request is refused. */
  callerOf(token: string | undefined): Caller | undefined;
  /** Whether views of one dataset may read the tables of another for whoever may read the views. */
  authorizes(viewsDatasetId: string, datasetId: string): boolean;
  /** Whether there are statements that change tables at all, for whoever holds the permissions. */
  readonly hasTableChanges: boolean;
}

/**
 * The policy of a warehouse that was given none: everybody may do everything, whatever his token. But nobody changes rows by a statement:
 * for that somebody must have been made an admin.
 */
export const openPolicy: Policy = { callerOf: () => everybody, authorizes: () => true, hasTableChanges: false };

type Grant = {
  readonly dataset: string;
  /** Default: every table of the dataset. */
  readonly tables?: readonly string[];
  readonly permissions: readonly string[];
};
type Role = { readonly project: readonly string[]; readonly datasets: readonly Grant[] };

const MIN_TOKEN_LENGTH = 16;

/**
 * Reads a policy from JSON: `{"anonymous": "reader", "callers": [{"token", "principal", "role"}], "roles": {NAME: {"project": [PERMISSION],
 * "datasets": [{"dataset", "tables"?, "permissions"}]}}, "authorizedDatasets": {DATASET: [DATASET OF VIEWS]}}`. Permissions are those of
 * BigQuery's IAM; `bigquery.*` is all of them. Without `anonymous`, requests without a token are refused.
 * @throws {Error} that says where it is wrong. It never quotes a token.
 */
export function parsePolicy(value: unknown): Policy {
  const policy = objectAt(value, "the policy");
  refuseOthers(policy, ["anonymous", "callers", "roles", "authorizedDatasets"], "the policy");
  const roles = new Map(
    Object.entries(objectAt(policy["roles"], "roles")).map(([name, role]) => [name, readRole(role, `roles.${name}`)]),
  );
  const roleAt = (name: unknown, path: string): Role => {
    const role = roles.get(textAt(name, path));
    if (role !== undefined) return role;
    throw wrong(path, `is ${JSON.stringify(name)}: roles has ${[...roles.keys()].join(", ") || "none"}`);
  };
  const holders = listAt(policy["callers"] ?? [], "callers").map((entry, index) => {
    const path = `callers[${index}]`;
    const caller = objectAt(entry, path);
    refuseOthers(caller, ["token", "principal", "role"], path);
    const principal = textAt(caller["principal"], `${path}.principal`);
    const digest = digestOf(tokenAt(caller["token"], `${path}.token`));
    return { digest, caller: callerWith(principal, roleAt(caller["role"], `${path}.role`)) };
  });
  if (new Set(holders.map(({ digest }) => digest.toString("hex"))).size < holders.length) {
    throw wrong("callers", "has a token twice: give each caller one of his own");
  }
  const { anonymous } = policy;
  const withoutToken =
    anonymous === undefined ? undefined : callerWith(everybody.principal, roleAt(anonymous, "anonymous"));
  const authorized = new Map(
    Object.entries(objectAt(policy["authorizedDatasets"] ?? {}, "authorizedDatasets")).map(([dataset, views]) => [
      dataset,
      textsAt(views, `authorizedDatasets.${dataset}`),
    ]),
  );
  return {
    callerOf: (token) => (token === undefined ? withoutToken : holderOf(token, holders)),
    authorizes: (viewsDatasetId, datasetId) => authorized.get(datasetId)?.includes(viewsDatasetId) ?? false,
    hasTableChanges: true,
  };
}

type Holder = { readonly digest: Buffer; readonly caller: Caller };

/** Compares with every token, and digests of one length, so that the time it takes says nothing about any of them. */
function holderOf(token: string, holders: readonly Holder[]): Caller | undefined {
  const digest = digestOf(token);
  let found: Caller | undefined;
  for (const holder of holders) if (timingSafeEqual(holder.digest, digest)) found = holder.caller;
  return found;
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

function callerWith(principal: string, role: Role): Caller {
  return {
    principal,
    allows: (permission, resource) =>
      holds(role.project, permission) ||
      (resource !== undefined &&
        role.datasets.some(
          ({ dataset, tables, permissions }) =>
            dataset === resource.datasetId &&
            (tables === undefined || (resource.tableId !== undefined && tables.includes(resource.tableId))) &&
            holds(permissions, permission),
        )),
  };
}

const EVERYTHING = "bigquery.*";

function holds(permissions: readonly string[], permission: string): boolean {
  return permissions.includes(permission) || permissions.includes(EVERYTHING);
}

function readRole(value: unknown, path: string): Role {
  const role = objectAt(value, path);
  refuseOthers(role, ["description", "project", "datasets"], path);
  return {
    project: permissionsAt(role["project"], `${path}.project`),
    datasets: listAt(role["datasets"], `${path}.datasets`).map((entry, index) =>
      readGrant(entry, `${path}.datasets[${index}]`),
    ),
  };
}

function readGrant(value: unknown, path: string): Grant {
  const grant = objectAt(value, path);
  refuseOthers(grant, ["dataset", "tables", "permissions"], path);
  const { tables } = grant;
  return {
    dataset: textAt(grant["dataset"], `${path}.dataset`),
    permissions: permissionsAt(grant["permissions"], `${path}.permissions`),
    ...(tables === undefined ? {} : { tables: textsAt(tables, `${path}.tables`) }),
  };
}

function permissionsAt(value: unknown, path: string): readonly string[] {
  const permissions = textsAt(value, path);
  const strange = permissions.find((permission) => !/^bigquery\.(?:\*|[a-z]+\.[A-Za-z]+)$/.test(permission));
  if (strange === undefined) return permissions;
  throw wrong(
    path,
    `has ${JSON.stringify(strange)}: permissions are such as bigquery.tables.getData, or ${EVERYTHING}`,
  );
}

function tokenAt(value: unknown, path: string): string {
  if (typeof value === "string" && value.length >= MIN_TOKEN_LENGTH && /^[\x21-\x7e]+$/.test(value)) return value;
  throw wrong(path, `is no token: give at least ${MIN_TOKEN_LENGTH} printable ASCII characters without a blank`);
}

function textsAt(value: unknown, path: string): readonly string[] {
  return listAt(value, path).map((entry, index) => textAt(entry, `${path}[${index}]`));
}

function textAt(value: unknown, path: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw wrong(path, "is not a text");
}

function listAt(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrong(path, "is not a list");
}

function objectAt(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw wrong(path, "is not an object");
}

function refuseOthers(value: Readonly<Record<string, unknown>>, known: readonly string[], path: string): void {
  const other = Object.keys(value).find((name) => !known.includes(name));
  if (other !== undefined) throw wrong(path, `has ${other}: it may have ${known.join(", ")}`);
}

function wrong(path: string, what: string): Error {
  return new Error(`The access policy is wrong: ${path} ${what}.`);
}
