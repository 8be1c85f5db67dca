/** Where bundles become containers, and with which rights. */
import { Repository, RepositoryIamMember } from "@pulumi/gcp/artifactregistry/index.js";
import { IAMMember } from "@pulumi/gcp/projects/index.js";
import { Bucket, BucketObject } from "@pulumi/gcp/storage/index.js";
import { asset, type CustomResourceOptions, type Output, type Resource } from "@pulumi/pulumi";
import type { Accounts } from "./accounts.ts";
import type { Bundle } from "./bundle.ts";
import type { Stack } from "./stack.ts";

export interface Builds {
  /** Holds bundles and the list of keys. */
  readonly bucket: Bucket;
  /** Where a function's container comes from and goes to, and by whom it is built. */
  of(
    name: string,
    bundle: Bundle,
    entryPoint: string,
  ): {
    readonly runtime: string;
    readonly entryPoint: string;
    readonly serviceAccount: Output<string>;
    readonly dockerRepository: Output<string>;
    readonly source: { readonly storageSource: { readonly bucket: Output<string>; readonly object: Output<string> } };
  };
  /** For what is built: not before the builder has its rights. */
  readonly after: CustomResourceOptions;
}

const RUNTIME = "nodejs24";
const BUNDLES = "bundles/";
const KEPT_DAYS = 90;

/** @param before what has to be there before a function is */
export function createBuilds({ settings, names }: Stack, accounts: Accounts, before: readonly Resource[]): Builds {
  const { projectId, region, deletionProtection } = settings;
  const bucket = new Bucket("deployment", {
    name: names.bucket("deployment"),
    location: region,
    storageClass: "STANDARD",
    uniformBucketLevelAccess: true,
    publicAccessPrevention: "enforced",
    // Old bundles stay for a while to roll back to, old lists of keys for ever.
    versioning: { enabled: true },
    lifecycleRules: [
      {
        action: { type: "Delete" },
        condition: { withState: "ARCHIVED", daysSinceNoncurrentTime: KEPT_DAYS, matchesPrefixes: [BUNDLES] },
      },
    ],
    forceDestroy: !deletionProtection,
    labels: names.labels,
  });
  const repository = new Repository("containers", {
    repositoryId: names.resource("containers"),
    location: region,
    format: "DOCKER",
    description: "Containers of the function, the sealer and the worker.",
    labels: names.labels,
  });
  const builder = accounts.of("builder");
  const grants = [
    new RepositoryIamMember("builder-containers", {
      repository: repository.repositoryId,
      location: region,
      role: "roles/artifactregistry.writer",
      member: builder.member,
    }),
    new IAMMember("builder-logs", { project: projectId, role: "roles/logging.logWriter", member: builder.member }),
    // Cloud Functions copies a bundle into a bucket of its own, which comes to be with the first function of the region, and is that of all functions
    // of the region: gcf-v2-sources-<number of the project>-<region>. The condition stops before the number, which no setting has, and which only the
    // cloud could tell; it would narrow nothing, because the grant holds in this project only.
    new IAMMember("builder-sources", {
      project: projectId,
      role: "roles/storage.objectViewer",
      member: builder.member,
      condition: {
        title: "sources-of-functions",
        expression: 'resource.name.startsWith("projects/_/buckets/gcf-v2-sources-")',
      },
    }),
  ];
  return {
    bucket,
    after: { dependsOn: [...before, ...grants] },
    of(name, { folder, sha256 }, entryPoint) {
      // Another name for other content: the function is deployed again when, and only when, its bundle has changed.
      const object = new BucketObject(name, {
        bucket: bucket.name,
        name: `${BUNDLES}${name}-${sha256.slice(0, 16)}.zip`,
        source: new asset.FileArchive(folder),
        contentType: "application/zip",
      });
      return {
        runtime: RUNTIME,
        entryPoint,
        serviceAccount: builder.name,
        dockerRepository: repository.id,
        source: { storageSource: { bucket: bucket.name, object: object.outputName } },
      };
    },
  };
}
