import { Service } from "@pulumi/gcp/projects/index.js";
import { mergeOptions, runtime, type ResourceTransformation } from "@pulumi/pulumi";

/** Services of Google that a stack needs. `serviceusage`, by which they are enabled, is on in every project. */
export const apis: readonly string[] = [
  "artifactregistry.googleapis.com",
  "bigquery.googleapis.com",
  "bigquerystorage.googleapis.com",
  "cloudbuild.googleapis.com",
  "cloudfunctions.googleapis.com",
  "cloudkms.googleapis.com",
  "cloudresourcemanager.googleapis.com",
  "cloudscheduler.googleapis.com",
  "iam.googleapis.com",
  "logging.googleapis.com",
  "monitoring.googleapis.com",
  "pubsub.googleapis.com",
  "run.googleapis.com",
  "storage.googleapis.com",
];

/**
 * Enables them, and makes everything that is declared afterwards wait for all of them: no part can forget to. They stay on when the stack is
 * torn down, since others in the project may use them; two stacks of a project may both declare them.
 */
export function enableApis(): void {
  const services = apis.map((service) => new Service(service, { service, disableOnDestroy: false }));
  runtime.registerStackTransformation(after(services));
}

function after(services: readonly Service[]): ResourceTransformation {
  return ({ props, opts }) => ({ props, opts: mergeOptions(opts, { dependsOn: [...services] }) });
}
