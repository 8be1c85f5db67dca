import { output } from "@pulumi/pulumi";
import { createAccounts } from "../../infra/accounts.ts";
import { createCustomRoles } from "../../infra/custom-roles.ts";
import type { Deployed } from "../../infra/deployment.ts";
import { createDenyPolicy, createLogTag } from "../../infra/deny.ts";
import { createGrants } from "../../infra/grants.ts";
import { graphOf, type Graph } from "../../infra/graph.ts";
import { holdersOf } from "../../infra/holders.ts";
import type { StackConfig } from "../../infra/settings.ts";
import type { Stack } from "../../infra/stack.ts";
import { createSubscriptions } from "../../infra/subscriptions.ts";
import { createTopics } from "../../infra/topics.ts";
import { createWarehouse } from "../../infra/warehouse.ts";

/** The graph of what rights are given on and by, with services, key and bucket made up. */
export function wiredGraph(config: StackConfig): Promise<Graph> {
  return graphOf(config, wired);
}

function wired(stack: Stack): Deployed {
  const { settings, names } = stack;
  const { projectId, region } = settings;
  const tag = createLogTag(stack);
  const accounts = createAccounts(stack);
  const rights = createCustomRoles(stack, holdersOf(stack, accounts));
  const topics = createTopics(stack);
  const warehouse = createWarehouse(stack, rights, tag);
  const pusher = accounts.of("pusher");
  const functionUri = output(`https://${names.resource("function")}-abc-ew.a.run.app`);
  const subscriptions = createSubscriptions(stack, { topics, functionUri, pusher });
  createGrants(stack, rights, {
    topics,
    subscriptions,
    tables: warehouse.tables,
    functionService: output(names.resource("function")),
    sealerService: output(names.resource("sealer")),
    signingKey: output(
      `projects/${projectId}/locations/${region}/keyRings/${names.resource("ledger")}/cryptoKeys/checkpoints`,
    ),
    checkpointBucket: output(names.bucket("checkpoints")),
  });
  if (tag !== undefined)
    createDenyPolicy(stack, accounts, tag, [...warehouse.tables.values(), ...warehouse.views.values()]);
  return {};
}
