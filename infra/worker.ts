import { WorkerPool } from "@pulumi/gcp/cloudrunv2/index.js";
import { memoryOf, WORKER_PORT, workerSize } from "@indelible/schemas/deployment.ts";
import type { Resource } from "@pulumi/pulumi";
import type { Accounts } from "./accounts.ts";
import type { Stack } from "./stack.ts";

/**
 * The worker, where the settings ask for one: a fixed number of instances that pull, each always with its CPU. A new image starts beside the
 * old one; what the old one has not finished within Cloud Run's 10 s after SIGTERM is delivered again.
 *
 * @param tables it must not know a column before its table has it
 */
export function createWorker(
  { settings, names }: Stack,
  accounts: Accounts,
  tables: readonly Resource[],
): WorkerPool | undefined {
  const { worker } = settings;
  if (worker === undefined) return undefined;
  const environment = {
    GOOGLE_CLOUD_PROJECT: settings.projectId,
    INDELIBLE_TOPIC_PREFIX: names.topicPrefix,
    INDELIBLE_DATASET: names.datasets.raw,
  };
  return new WorkerPool(
    "worker",
    {
      name: names.resource("worker"),
      location: settings.region,
      description: "Takes what agents log from the pull subscriptions.",
      labels: names.labels,
      // It has no state: what it would lose is in Pub/Sub.
      deletionProtection: false,
      scaling: { manualInstanceCount: worker.instances },
      template: {
        serviceAccount: accounts.of("worker").email,
        labels: names.labels,
        containers: [
          {
            image: worker.image,
            envs: Object.entries(environment).map(([name, value]) => ({ name, value })),
            resources: { limits: { cpu: String(workerSize.cpus), memory: memoryOf(workerSize.memoryMib) } },
            // Answered also while BigQuery is away: only a process that hangs is to be ended.
            livenessProbe: {
              httpGet: { path: "/healthz", port: WORKER_PORT },
              periodSeconds: 30,
              timeoutSeconds: 5,
              failureThreshold: 3,
            },
            startupProbe: {
              httpGet: { path: "/healthz", port: WORKER_PORT },
              periodSeconds: 5,
              timeoutSeconds: 5,
              failureThreshold: 12,
            },
          },
        ],
      },
    },
    { dependsOn: [...tables] },
  );
}
