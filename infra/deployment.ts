import type { Output } from "@pulumi/pulumi";
import { createAccounts } from "./accounts.ts";
import { createCustomRoles } from "./custom-roles.ts";
import { createDenyPolicy, createLogTag } from "./deny.ts";
import { holdersOf } from "./holders.ts";
import type { Stack } from "./stack.ts";
import { createTopics } from "./topics.ts";
import { createWarehouse } from "./warehouse.ts";

/** What `pulumi stack output` says. */
export interface Deployed {
  readonly [name: string]: Output<string> | string;
}

/** Everything, in an order in which each part can name those before it. */
export function deploy(stack: Stack): Deployed {
  const tag = createLogTag(stack);
  const accounts = createAccounts(stack);
  const rights = createCustomRoles(stack, holdersOf(stack, accounts));
  createTopics(stack);
  const warehouse = createWarehouse(stack, rights, tag);
  if (tag !== undefined)
    createDenyPolicy(stack, accounts, tag, [...warehouse.tables.values(), ...warehouse.views.values()]);
  return { topicPrefix: stack.names.topicPrefix };
}
