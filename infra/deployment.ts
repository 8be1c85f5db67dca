import { secret, type Output } from "@pulumi/pulumi";
import { snapshotOf, snapshotText } from "@indelible/schemas/snapshot.ts";
import { createAccessAudit } from "./access-audit.ts";
import { createAccounts } from "./accounts.ts";
import { enableApis } from "./apis.ts";
import { createCustomRoles } from "./custom-roles.ts";
import { createDenyPolicies, createLogTag } from "./deny.ts";
import { createGrants } from "./grants.ts";
import { holdersOf } from "./holders.ts";
import { createLedger } from "./ledger.ts";
import { createMonitoring } from "./monitoring.ts";
import { createSchedule, createServices } from "./services.ts";
import type { Stack } from "./stack.ts";
import { createSubscriptions } from "./subscriptions.ts";
import { createTopics } from "./topics.ts";
import { createWarehouse } from "./warehouse.ts";
import { createWorker } from "./worker.ts";
import manifest from "./package.json" with { type: "json" };

/** What `pulumi stack output` says. */
export interface Deployed {
  readonly [name: string]: Output<string> | string;
}

/** Everything, in an order in which each part can name those before it. */
export function deploy(stack: Stack): Deployed {
  enableApis();
  const tag = createLogTag(stack);
  const accounts = createAccounts(stack);
  const rights = createCustomRoles(stack, holdersOf(stack, accounts));
  const topics = createTopics(stack);
  const warehouse = createWarehouse(stack, rights, tag);
  const ledger = createLedger(stack);
  const tables = [...warehouse.tables.values()];
  const services = createServices(stack, accounts, ledger, tables);
  const functionUri = services.function.uri;
  const subscriptions = createSubscriptions(stack, { topics, functionUri, pusher: accounts.of("pusher") });
  const grants = createGrants(stack, rights, {
    topics,
    subscriptions,
    tables: warehouse.tables,
    functionService: services.function.service,
    sealerService: services.sealer.service,
    signingKey: ledger.key.id,
    checkpointBucket: ledger.checkpoints.name,
  });
  createWorker(stack, accounts, tables);
  const audit = createAccessAudit(stack, topics, subscriptions);
  createSchedule(stack, accounts, services.sealer, [...grants, services.keyList.grant, audit.sink, audit.grant]);
  createMonitoring(stack);
  if (tag !== undefined) createDenyPolicies(stack, accounts, tag, [...tables, ...warehouse.views.values()]);
  return {
    topicPrefix: stack.names.topicPrefix,
    functionUri,
    sealerUri: services.sealer.uri,
    checkpoints: ledger.store,
    verifierKeys: ledger.keyList,
    // What the next deployment is held against (deploy.ts). No secret, but nothing to print at the end of each `pulumi up` either.
    declaration: secret(snapshotText(snapshotOf(manifest.version))),
  };
}
