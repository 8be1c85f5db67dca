import type { Output } from "@pulumi/pulumi";
import { createAccounts } from "./accounts.ts";
import type { Stack } from "./stack.ts";
import { createTopics } from "./topics.ts";

/** What `pulumi stack output` says. */
export interface Deployed {
  readonly [name: string]: Output<string> | string;
}

/** Everything, in an order in which each part can name those before it. */
export function deploy(stack: Stack): Deployed {
  createAccounts(stack);
  createTopics(stack);
  return { topicPrefix: stack.names.topicPrefix };
}
