/** Who holds which role of schemas/rights.ts, by a stack's settings. */
import { interpolate, type Input } from "@pulumi/pulumi";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { roleNames, roles, type RoleName } from "@indelible/schemas/rights.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import type { Accounts } from "./accounts.ts";
import type { Stack } from "./stack.ts";

export interface Holder {
  /** As in IAM's bindings: `serviceAccount:…`, `group:…`. */
  readonly member: Input<string>;
  /** The same as in the access list of a dataset. */
  readonly entry: DatasetEntry;
  /** Tells the holders of a role apart within the program; undefined for a role's own account. */
  readonly key: string | undefined;
  /** The only tables that a grant on topics is for. Undefined: what the grant says. */
  readonly tables: readonly TableName[] | undefined;
}

export type DatasetEntry =
  | { readonly userByEmail: Input<string> }
  | { readonly groupByEmail: string }
  | { readonly iamMember: string };

export type Holders = ReadonlyMap<RoleName, readonly Holder[]>;

/**
 * The holders of every role that somebody holds.
 *
 * @throws ERR_CONFIG when people of the settings are accounts of the program: as a reader, the function's account could start jobs, and so
 *   delete what it may only append
 */
export function holdersOf(stack: Stack, accounts: Accounts): Holders {
  const { settings } = stack;
  const agents = new Map<string, ReadonlySet<TableName>>();
  for (const { member, tables } of settings.agents)
    agents.set(member, new Set([...(agents.get(member) ?? []), ...tables]));
  const people: { readonly [R in RoleName]?: readonly Holder[] } = {
    agent: [...agents].map(([member, tables]) => person(stack, "agents", member, [...tables])),
    reader: distinct(settings.readers).map((member) => person(stack, "readers", member)),
    auditor: distinct(settings.auditors).map((member) => person(stack, "auditors", member)),
    ops: distinct(settings.ops).map((member) => person(stack, "ops", member)),
    breakGlass: distinct(settings.breakGlass).map((member) => person(stack, "breakGlass", member)),
  };
  const held = roleNames.map((role): readonly [RoleName, readonly Holder[]] => [
    role,
    roles[role].holder === "account" ? accountHolders(accounts, role) : (people[role] ?? []),
  ]);
  return new Map(held.filter(([, holders]) => holders.length > 0));
}

function accountHolders(accounts: Accounts, role: RoleName): readonly Holder[] {
  if (!accounts.has(role)) return [];
  const { email } = accounts.of(role);
  return [
    { member: interpolate`serviceAccount:${email}`, entry: { userByEmail: email }, key: undefined, tables: undefined },
  ];
}

function person({ settings, names }: Stack, setting: string, member: string, tables?: readonly TableName[]): Holder {
  if (ownAccount(settings.projectId).test(member))
    throw refusal(setting, member, `an account of Indelible itself. Each has a role, and what it may is said there`);
  // A set of accounts by project, folder or organization has those of Indelible in it; agents only get to publish.
  if (setting !== "agents" && member.startsWith("principalSet://cloudresourcemanager.googleapis.com/"))
    throw refusal(setting, member, `a set that ${names.account("writer")} may be in. Name a group`);
  return { member, entry: entryOf(member), key: member, tables };
}

/** Those of every environment in the project. */
function ownAccount(projectId: string): RegExp {
  return new RegExp(
    `^serviceAccount:indelible-(${[...roleNames, "builder"].join("|")})(-[a-z0-9]+)?@${projectId}\\.iam\\.gserviceaccount\\.com$`,
    "i",
  );
}

function entryOf(member: string): DatasetEntry {
  const [, kind, email = ""] = /^(user|serviceAccount|group):(.*)$/.exec(member) ?? [];
  if (kind === undefined) return { iamMember: member };
  // BigQuery gives addresses back in small letters, and anything else would be a change at each `pulumi up`.
  return kind === "group" ? { groupByEmail: email.toLowerCase() } : { userByEmail: email.toLowerCase() };
}

function distinct(members: readonly string[]): readonly string[] {
  return [...new Set(members)];
}

function refusal(setting: string, member: string, what: string): IndelibleError {
  return new IndelibleError("ERR_CONFIG", `indelible:${setting} has ${member}`, { hint: `That is ${what}.` });
}
