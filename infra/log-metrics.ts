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

export interface LogMetrics {
  readonly sealed: LogMetric;
  readonly failedDeliveries: LogMetric;
  readonly deadLettered: LogMetric;
}

/** Lines of the function or the sealer: a function of the second generation is a service of Cloud Run of the same name. */
export function linesOf(names: Names, what: "function" | "sealer"): string {
  return `resource.type="cloud_run_revision" resource.labels.service_name="${names.resource(what)}"`;
}

/** The kind of resource that takes deliveries: a condition and a query name one each. */
export function takerOf({ worker }: Pick<Settings, "worker">): "cloud_run_revision" | "cloud_run_worker_pool" {
  return worker === undefined ? "cloud_run_revision" : "cloud_run_worker_pool";
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
export function logMetricsOf({
  names,
  settings,
}: Pick<Stack, "names"> & { settings: Pick<Settings, "worker"> }): LogMetrics {
  const worker = `resource.type="cloud_run_worker_pool" resource.labels.worker_pool_name="${names.resource("worker")}"`;
  const subscriber =
    settings.worker === undefined ? linesOf(names, "function") : `((${linesOf(names, "function")}) OR (${worker}))`;
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
