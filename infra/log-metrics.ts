import { Metric } from "@pulumi/gcp/logging/index.js";
import type { Names } from "./names.ts";
import type { Settings } from "./settings.ts";
import type { Stack } from "./stack.ts";

/** A metric that counts lines of a log. */
export interface LogMetric {
  readonly name: string;
  readonly description: string;
  /** Of Cloud Logging. */
  readonly filter: string;
  /** Fields of the line that the count is by. */
  readonly fields: readonly string[];
}

export type Counted = Pick<Stack, "names"> & { readonly settings: Pick<Settings, "worker" | "projectId"> };

export interface LogMetrics {
  readonly sealed: LogMetric;
  readonly failedDeliveries: LogMetric;
  readonly deadLettered: LogMetric;
}

/** Lines of the function, the sealer or the worker: a function of the second generation is a service of Cloud Run of the same name. */
export function linesOf(names: Names, what: "function" | "sealer" | "worker"): string {
  return what === "worker"
    ? `resource.type="cloud_run_worker_pool" resource.labels.worker_pool_name="${names.resource(what)}"`
    : `resource.type="cloud_run_revision" resource.labels.service_name="${names.resource(what)}"`;
}

/**
 * Failed deliveries of 5 minutes by table and code, in PromQL: of the function, and of the worker where there is one, because both deliver until the
 * push subscriptions are deleted. A selector names one kind of resource.
 */
export function failuresIn5Minutes(stack: Counted): string {
  const takers = ["cloud_run_revision", ...(stack.settings.worker === undefined ? [] : ["cloud_run_worker_pool"])];
  const metric = `logging_googleapis_com:user_${metricNamesOf(stack.names).failedDeliveries}`;
  const counts = takers.map(
    (taker) => `increase(${metric}{monitored_resource="${taker}",project_id="${stack.settings.projectId}"}[5m])`,
  );
  return `sum by (table, code) (${counts.join(" or ")})`;
}

/** What the metrics of an environment are called. */
export function metricNamesOf(names: Names): { readonly [metric in keyof LogMetrics]: string } {
  return {
    sealed: metricName(names, "sealed"),
    failedDeliveries: metricName(names, "failed_deliveries"),
    deadLettered: metricName(names, "dead_lettered"),
  };
}

/** Counted by fields, and never by messages, which are for people. */
export function logMetricsOf({ names, settings }: Counted): LogMetrics {
  const subscriber =
    settings.worker === undefined
      ? linesOf(names, "function")
      : `((${linesOf(names, "function")}) OR (${linesOf(names, "worker")}))`;
  const called = metricNamesOf(names);
  return {
    sealed: {
      name: called.sealed,
      description: "Commits of the sealer.",
      filter: `${linesOf(names, "sealer")} jsonPayload.event="sealed"`,
      fields: [],
    },
    failedDeliveries: {
      name: called.failedDeliveries,
      description:
        "Deliveries that were not acknowledged, by table and code of the error. Each instance logs one a second of a kind at most.",
      filter: `${subscriber} severity=ERROR jsonPayload.code:*`,
      fields: ["table", "code"],
    },
    deadLettered: {
      name: called.deadLettered,
      description: "Messages with events that could not be accepted, by table.",
      filter: `${subscriber} jsonPayload.deadLettered>0`,
      fields: ["table"],
    },
  };
}

export function createLogMetrics(stack: Stack): readonly Metric[] {
  return Object.values(logMetricsOf(stack)).map(
    ({ name, description, filter, fields }: LogMetric) =>
      new Metric(name, {
        name,
        description,
        filter,
        metricDescriptor: {
          metricKind: "DELTA",
          valueType: "INT64",
          unit: "1",
          labels: fields.map((key) => ({ key, valueType: "STRING" })),
        },
        labelExtractors: Object.fromEntries(fields.map((field) => [field, `EXTRACT(jsonPayload.${field})`])),
      }),
  );
}

/** Only with underscores: PromQL and the dashboard then call it the same. */
function metricName(names: Names, what: string): string {
  return names.resource(what).replaceAll("-", "_");
}
