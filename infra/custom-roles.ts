/** The rights of schemas/rights.ts as custom roles: one for each grant, since no predefined role is as narrow. */
import type { Output } from "@pulumi/pulumi";
import { IAMCustomRole } from "@pulumi/gcp/projects/index.js";
import { roleNames, roles, type Grant, type RoleName } from "@indelible/schemas/rights.ts";
import type { Holder, Holders } from "./holders.ts";
import type { Stack } from "./stack.ts";

/** A grant, and who is to have it. */
export interface Right {
  readonly role: RoleName;
  readonly grant: Grant;
  /** What is granted, as `projects/P/roles/ID`. */
  readonly customRole: Output<string>;
  readonly holders: readonly Holder[];
}

/**
 * Every grant of every role that can be held, also of those that nobody holds now: a role that is deleted cannot be had back after 7 days, and its ID is
 * not free again for up to 30 more. Whoever is named in between could not be given it.
 */
export function createCustomRoles({ settings, names }: Stack, holders: Holders): readonly Right[] {
  return roleNames
    .filter((role) => roles[role].holder !== "nobody")
    .flatMap((role) =>
      roles[role].grants.map((grant) => {
        const resource = resourceOf(grant);
        const { name } = new IAMCustomRole(`${role}.${resource}`, {
          project: settings.projectId,
          roleId: names.customRole(role, resource),
          title: `${names.resource(role)} on ${resource}`,
          description: `What ${roles[role].who} may on ${resource}.`,
          permissions: [...grant.permissions],
          stage: "GA",
        });
        return { role, grant, customRole: name, holders: holders.get(role) ?? [] };
      }),
    );
}

/** Tells the grants of a role apart. */
export function resourceOf(grant: Grant): string {
  switch (grant.on) {
    case "dataset":
      return grant.tables === undefined ? grant.dataset : `${grant.dataset}-tables`;
    case "subscription":
      return grant.subscriptions;
    case "service":
      return grant.service;
    case "topic":
      return "topics";
    default:
      return grant.on;
  }
}
