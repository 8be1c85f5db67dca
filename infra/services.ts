/**
 * The function that takes deliveries and the sealer, each an HTTP function with an account of its own and no secret in its environment.
 *
 * Ingress is internal: push subscriptions and jobs of Cloud Scheduler of the same project count as such, when they call the run.app address
 * (https://cloud.google.com/run/docs/securing/ingress), so that is what is given out here and not the one of cloudfunctions.net.
 *
 * CPU is there during requests only. Nothing is done outside of them: an append belongs to the request that it acknowledges, and a connection
 * that broke meanwhile is opened again. When an instance is ended, requests that it has not answered are not acknowledged, and come again.
 *
 * A revision takes traffic once it has started; one that does not start leaves the last one serving. To go back, deploy the older bundle.
 */
import { Function as CloudFunction } from "@pulumi/gcp/cloudfunctionsv2/index.js";
import { Job } from "@pulumi/gcp/cloudscheduler/index.js";
import { BucketIAMMember, BucketObject } from "@pulumi/gcp/storage/index.js";
import type { Output, Resource } from "@pulumi/pulumi";
import { functionSize, memoryOf, sealerSize, type InstanceSize } from "@indelible/schemas/deployment.ts";
import { declaredTopics } from "@indelible/schemas/topics.ts";
import type { Accounts } from "./accounts.ts";
import { createBuilds, type Builds } from "./builds.ts";
import type { Ledger } from "./ledger.ts";
import type { Stack } from "./stack.ts";

export interface Services {
  readonly function: Deployment;
  readonly sealer: Deployment;
  readonly keyList: KeyListObject;
}

/** The list of keys where the sealer reads it, at `uri`, and its right to do so. */
export interface KeyListObject {
  readonly object: BucketObject;
  readonly grant: BucketIAMMember;
  readonly uri: Output<string>;
}

export interface Deployment {
  readonly resource: CloudFunction;
  /** Of the service of Cloud Run behind it, without project and region: what the right to call it is held on. */
  readonly service: Output<string>;
  /** The run.app address, without a path; also the audience of tokens. */
  readonly uri: Output<string>;
}

/** The longest that an HTTP job of Cloud Scheduler may last. A run that is cut off has lost nothing: each of its commits stands. */
const SEALING_SECONDS = 1800;

/** @param tables a function must not know a column before its table has it: it could not append a row to it */
export function createServices(
  stack: Stack,
  accounts: Accounts,
  ledger: Ledger,
  tables: readonly Resource[],
): Services {
  const { settings, names, bundles } = stack;
  const builds = createBuilds(stack, accounts, tables);
  const keyList = createKeyList(stack, accounts, builds, ledger);
  const common = { GOOGLE_CLOUD_PROJECT: settings.projectId, INDELIBLE_DATASET: names.datasets.raw };
  const ingest = createFunction(stack, accounts, builds, {
    name: "function",
    description: "Validates, hashes and appends what agents log.",
    account: "writer",
    bundle: bundles.function,
    entryPoint: "ingest",
    size: functionSize,
    // As long as Pub/Sub waits for an answer: what takes longer is delivered again anyway.
    timeoutSeconds: Math.max(...declaredTopics().map(({ delivery }) => delivery.ackDeadlineSeconds)),
    instances: { min: settings.minInstances, max: settings.maxInstances },
    environment: { ...common, INDELIBLE_TOPIC_PREFIX: names.topicPrefix },
  });
  const sealer = createFunction(stack, accounts, builds, {
    name: "sealer",
    description: "Seals what has been appended.",
    account: "sealer",
    bundle: bundles.sealer,
    entryPoint: "seal",
    size: sealerSize,
    timeoutSeconds: SEALING_SECONDS,
    instances: { min: 0, max: 1 },
    environment: {
      ...common,
      INDELIBLE_LEDGER_STORE: ledger.store,
      INDELIBLE_LEDGER_KMS_KEYS: ledger.keyVersions.apply((versions) => versions.join(",")),
      INDELIBLE_LEDGER_KEY_LIST: keyList.uri,
      ...(settings.witness !== undefined && { INDELIBLE_LEDGER_WITNESS: settings.witness }),
    },
  });
  return { function: ingest, sealer, keyList };
}

interface Declared {
  readonly name: "function" | "sealer";
  readonly description: string;
  readonly account: "writer" | "sealer";
  readonly bundle: Stack["bundles"]["function"];
  readonly entryPoint: string;
  readonly size: InstanceSize;
  readonly timeoutSeconds: number;
  readonly instances: { readonly min: number; readonly max: number };
  readonly environment: { readonly [variable: string]: string | Output<string> };
}

function createFunction(
  { settings, names }: Stack,
  accounts: Accounts,
  builds: Builds,
  declared: Declared,
): Deployment {
  const { cpus, memoryMib, concurrency } = declared.size;
  const resource = new CloudFunction(
    declared.name,
    {
      name: names.resource(declared.name),
      location: settings.region,
      description: declared.description,
      labels: names.labels,
      buildConfig: builds.of(declared.name, declared.bundle, declared.entryPoint),
      serviceConfig: {
        availableCpu: String(cpus),
        availableMemory: memoryOf(memoryMib),
        maxInstanceRequestConcurrency: concurrency,
        minInstanceCount: declared.instances.min,
        maxInstanceCount: declared.instances.max,
        timeoutSeconds: declared.timeoutSeconds,
        ingressSettings: "ALLOW_INTERNAL_ONLY",
        allTrafficOnLatestRevision: true,
        serviceAccountEmail: accounts.of(declared.account).email,
        environmentVariables: declared.environment,
      },
    },
    builds.after,
  );
  // Empty only where nothing is made yet: in a preview.
  const uri = resource.serviceConfig.apply((config) => config?.uri ?? "");
  // A function of the second generation has the name of its service.
  return { resource, service: resource.name, uri };
}

/** Not in the bucket of checkpoints, where it could never be changed when a key is replaced. */
function createKeyList({ names }: Stack, accounts: Accounts, { bucket }: Builds, { keyList }: Ledger): KeyListObject {
  const name = "keys.json";
  const object = new BucketObject("key-list", {
    bucket: bucket.name,
    name,
    content: keyList,
    contentType: "application/json",
  });
  const grant = new BucketIAMMember("sealer-key-list", {
    bucket: bucket.name,
    role: "roles/storage.objectViewer",
    member: accounts.of("sealer").member,
    condition: {
      title: "key-list",
      expression: `resource.name == "projects/_/buckets/${names.bucket("deployment")}/objects/${name}"`,
    },
  });
  const uri = object.outputName.apply((objectName) => `gs://${names.bucket("deployment")}/${objectName}`);
  return { object, grant, uri };
}

/**
 * Seals every minute. Nothing is tried again before the next minute: a run that was missed is made up for by the next.
 *
 * @param after the sealer's rights, and what records its reads: a read that was not recorded is missed by every later `verify`
 */
export function createSchedule(
  { settings, names }: Stack,
  accounts: Accounts,
  { uri }: Deployment,
  after: readonly Resource[],
): Job {
  return new Job(
    "seal",
    {
      name: names.resource("seal"),
      region: settings.region,
      description: "Calls the sealer.",
      schedule: "* * * * *",
      timeZone: "Etc/UTC",
      attemptDeadline: `${SEALING_SECONDS}s`,
      retryConfig: { retryCount: 0 },
      httpTarget: {
        httpMethod: "POST",
        uri: uri.apply((address) => `${address}/seal`),
        headers: { "Content-Type": "application/json" },
        // A request without a body has no content type.
        body: Buffer.from("{}").toString("base64"),
        oidcToken: { serviceAccountEmail: accounts.of("scheduler").email, audience: uri },
      },
    },
    { dependsOn: [...after] },
  );
}
