/**
 * An IAM deny policy: what nobody may do to the tables of the log, whatever roles somebody has, but the accounts that append and the break-glass
 * group. It says nothing of reading.
 *
 * It knows the log by a tag on the dataset of tables, which the tables inherit: other tables of the project are left alone, as are the temporary ones
 * in which BigQuery keeps results; and another environment's accounts append to their own tables, which bear another tag.
 */
import { interpolate, output, type Input, type Output, type Resource } from "@pulumi/pulumi";
import { DenyPolicy } from "@pulumi/gcp/iam/index.js";
import { TagKey, TagValue } from "@pulumi/gcp/tags/index.js";
import { roleNames, roles } from "@indelible/schemas/rights.ts";
import type { Accounts } from "./accounts.ts";
import type { Stack } from "./stack.ts";

export interface LogTag {
  /** As a dataset takes it. */
  readonly onDataset: Output<{ [key: string]: string }>;
  /** Whether a resource bears it, as a condition of IAM. */
  readonly condition: Output<string>;
}

/**
 * Not every permission can be denied, and a policy with one that cannot is refused as a whole, which is why there are two. Google's list of those that can ("Permissions supported
 * in deny policies") could not be read when this was written. Hence only what is said elsewhere, or what published policies deny:
 *
 * - Said of BigQuery: tables.updateData and tables.delete (Google's page on access control with IAM: of what can be denied to authorized resources); deleting of
 *   resources, tags of datasets, row access policies (release notes of August 2023, as others sum them up). Deny policies for BigQuery have been
 *   generally available since June 2026.
 * - In use in published policies: tables.updateData, tables.delete, tables.update, tables.createTagBinding, tables.deleteTagBinding, datasets.delete,
 *   datasets.update.
 * - Not established, and left out: tables.setIamPolicy, datasets.setIamPolicy, policies on columns (tables.setCategory, tables.setColumnDataPolicy,
 *   dataPolicies). None of these gives what is denied here; who has them can keep the sealer and auditors from reading, which `verify` reports.
 */
export const deniedPermissions = {
  /** Appends; together with a job also UPDATE, DELETE, MERGE, TRUNCATE and jobs that overwrite. The accounts that append cannot start a job. */
  rows: ["bigquery.googleapis.com/tables.updateData"],
  tables: [
    // DROP, and CREATE OR REPLACE.
    "bigquery.googleapis.com/tables.delete",
    "bigquery.googleapis.com/datasets.delete",
    // Columns, and a shorter retention, which deletes at once.
    "bigquery.googleapis.com/tables.update",
    // Access lists, and how far back one can travel in time.
    "bigquery.googleapis.com/datasets.update",
  ],
  /** In a policy of their own: should Google refuse one of these, the other policy is there all the same. */
  around: [
    // Rows that some do not see: the sealer would take them for deleted, or never see them.
    "bigquery.googleapis.com/rowAccessPolicies.create",
    "bigquery.googleapis.com/rowAccessPolicies.update",
    // The tag itself. A table's own value would hide the inherited one.
    "bigquery.googleapis.com/datasets.createTagBinding",
    "bigquery.googleapis.com/datasets.deleteTagBinding",
    "bigquery.googleapis.com/tables.createTagBinding",
    "bigquery.googleapis.com/tables.deleteTagBinding",
  ],
} as const;

const EVERYBODY = "principalSet://goog/public:all";
const APPEND = "bigquery.tables.updateData";

/** The tag of the log; undefined when there is to be no deny policy. */
export function createLogTag({ settings, names }: Stack): LogTag | undefined {
  if (!settings.denyPolicy) return undefined;
  const key = new TagKey("log", {
    parent: `projects/${settings.projectId}`,
    shortName: names.resource("log"),
    description: "On the dataset of tables that are only appended to.",
  });
  const value = new TagValue("append-only", { parent: key.id, shortName: "append-only" });
  return {
    onDataset: output([key.namespacedName, value.shortName] as const).apply(([name, short]) => ({ [name]: short })),
    condition: interpolate`resource.matchTagId('${key.id}', '${value.id}')`,
  };
}

/**
 * One policy for rows and tables, and one for what could undo it.
 *
 * @param after what cannot be made any more once they are there
 */
export function createDenyPolicies(
  { settings, names }: Stack,
  accounts: Accounts,
  tag: LogTag,
  after: readonly Resource[],
): readonly DenyPolicy[] {
  const breakGlass = settings.breakGlass.map(denyPrincipal);
  const appenders = accountsThatAppend(accounts).map(
    (email) => interpolate`principal://iam.googleapis.com/projects/-/serviceAccounts/${email}`,
  );
  const denialCondition = { title: "Tables of the log", expression: tag.condition };
  const rule = (description: string, permissions: readonly string[], exceptions: readonly Input<string>[]) => ({
    description,
    denyRule: {
      deniedPrincipals: [EVERYBODY],
      exceptionPrincipals: [...exceptions],
      deniedPermissions: [...permissions],
      denialCondition,
    },
  });
  const policy = (name: string, displayName: string, rules: ReturnType<typeof rule>[]): DenyPolicy =>
    new DenyPolicy(
      name,
      {
        parent: encodeURIComponent(`cloudresourcemanager.googleapis.com/projects/${settings.projectId}`),
        name: names.resource(name),
        displayName,
        rules,
      },
      { dependsOn: [...after] },
    );
  return [
    policy("log", "The log of AI agents is only appended to", [
      rule("Only the accounts that append change rows.", deniedPermissions.rows, [...appenders, ...breakGlass]),
      rule("Nobody changes or deletes tables.", deniedPermissions.tables, breakGlass),
    ]),
    // Not log-around, which is what the other one is called in an environment `around`.
    policy("around-log", "What keeps the log of AI agents as it is", [
      rule("Nobody hides rows or takes the tag off.", deniedPermissions.around, breakGlass),
    ]),
  ];
}

function accountsThatAppend(accounts: Accounts): readonly Output<string>[] {
  return roleNames
    .filter((role) => accounts.has(role) && roles[role].grants.some(({ permissions }) => permissions.includes(APPEND)))
    .map((role) => accounts.of(role).email);
}

/** A member of an allow policy, as deny policies name it. */
function denyPrincipal(member: string): string {
  const [, kind, email = ""] = /^(user|group|serviceAccount):(.*)$/.exec(member) ?? [];
  switch (kind) {
    case "user":
      return `principal://goog/subject/${email}`;
    case "group":
      return `principalSet://goog/group/${email}`;
    case "serviceAccount":
      return `principal://iam.googleapis.com/projects/-/serviceAccounts/${email}`;
    default:
      return member;
  }
}
