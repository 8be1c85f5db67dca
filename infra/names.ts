/** What everything is called. With an environment, each name has it as a part, so that two of them in one project share nothing. */
import { DEFAULT_TOPIC_PREFIX, RAW_DATASET, VIEWS_DATASET } from "@indelible/schemas/names.ts";
import type { RoleName } from "@indelible/schemas/rights.ts";
import type { Settings } from "./settings.ts";

export interface Names {
  readonly topicPrefix: string;
  readonly datasets: { readonly raw: string; readonly views: string };
  /** The ID of a service account, at most 30 characters. */
  account(role: RoleName | "builder"): string;
  /** The ID of a custom role: letters, digits and underscores. */
  customRole(role: RoleName, resource: string): string;
  /** Of what has a name of its own within project and region, as `indelible-function`. */
  resource(what: string): string;
  /** Of a bucket, whose name is unique in the world. At most 63 characters for `what` of at most 12. */
  bucket(what: string): string;
  /** On everything that can have labels. */
  readonly labels: { readonly app: "indelible"; readonly environment: string };
}

export function namesOf({ projectId, environment }: Pick<Settings, "projectId" | "environment">): Names {
  const dashed = environment === undefined ? "" : `-${environment}`;
  const underscored = environment === undefined ? "" : `_${environment}`;
  return {
    topicPrefix: `${DEFAULT_TOPIC_PREFIX}${dashed}`,
    datasets: {
      raw: environment === undefined ? RAW_DATASET : `${VIEWS_DATASET}${underscored}_raw`,
      views: `${VIEWS_DATASET}${underscored}`,
    },
    account: (role) => `indelible-${kebab(role)}${dashed}`,
    customRole: (role, resource) => `indelible${underscored}_${role}_${resource.replaceAll("-", "_")}`,
    resource: (what) => `indelible-${what}${dashed}`,
    bucket: (what) => `${projectId}-indelible-${what}${dashed}`,
    labels: { app: "indelible", environment: environment ?? "default" },
  };
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
