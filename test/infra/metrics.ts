/**
 * Metrics of Cloud Monitoring that alerts and dashboard use. Google's own list could not be read when this was written: kinds, types and labels are
 * as descriptions of it and published alert policies have them.
 */

export interface KnownMetric {
  readonly kind: "GAUGE" | "DELTA";
  readonly type: "INT64" | "DISTRIBUTION";
  /** Monitored resources that have it, of those that are used. */
  readonly resources: readonly string[];
  readonly labels: readonly string[];
}

export const metrics: { readonly [metric: string]: KnownMetric } = {
  "pubsub.googleapis.com/topic/send_message_operation_count": {
    kind: "DELTA",
    type: "INT64",
    resources: ["pubsub_topic"],
    // By result: what was refused is counted too.
    labels: ["response_class", "response_code"],
  },
  "pubsub.googleapis.com/subscription/oldest_unacked_message_age": {
    kind: "GAUGE",
    type: "INT64",
    resources: ["pubsub_subscription"],
    labels: [],
  },
  "pubsub.googleapis.com/subscription/num_undelivered_messages": {
    kind: "GAUGE",
    type: "INT64",
    resources: ["pubsub_subscription"],
    labels: [],
  },
  "run.googleapis.com/container/instance_count": {
    kind: "GAUGE",
    type: "INT64",
    resources: ["cloud_run_revision"],
    labels: ["state"],
  },
  "run.googleapis.com/container/cpu/utilizations": {
    kind: "DELTA",
    type: "DISTRIBUTION",
    resources: ["cloud_run_revision"],
    labels: [],
  },
  "run.googleapis.com/container/memory/utilizations": {
    kind: "DELTA",
    type: "DISTRIBUTION",
    resources: ["cloud_run_revision"],
    labels: [],
  },
  "run.googleapis.com/request_latencies": {
    kind: "DELTA",
    type: "DISTRIBUTION",
    resources: ["cloud_run_revision"],
    labels: ["response_code", "response_code_class"],
  },
};

/** Labels of monitored resources. */
export const resources: { readonly [resource: string]: readonly string[] } = {
  pubsub_topic: ["project_id", "topic_id"],
  pubsub_subscription: ["project_id", "subscription_id"],
  cloud_run_revision: ["project_id", "service_name", "revision_name", "location", "configuration_name"],
  cloud_run_worker_pool: ["project_id", "worker_pool_name", "revision_name", "location"],
};

/** Whether an aligner may be put to a metric. */
export const aligners: {
  readonly [aligner: string]: (kind: KnownMetric["kind"], type: KnownMetric["type"]) => boolean;
} = {
  // Of numbers or distributions.
  ALIGN_DELTA: (kind) => kind === "DELTA",
  // Of numbers.
  ALIGN_MAX: (_kind, type) => type === "INT64",
};

/** A condition on series, as far as its form is checked. */
export interface Threshold {
  readonly filter: string;
  readonly duration: string;
  readonly aggregations: readonly {
    readonly perSeriesAligner: string;
    readonly alignmentPeriod: string;
    readonly groupByFields: readonly string[];
  }[];
}

export function inPromql(metric: string): string {
  return metric.replace("/", ":").replaceAll(/[./]/g, "_");
}

/** A metric that a query asks for, by its name or PromQL's for it, and the labels by which. */
export interface Use {
  readonly metric: string;
  readonly resource: string;
  readonly labels: readonly string[];
}

/** In a filter of Cloud Monitoring or in PromQL. */
export function usesOf(query: string): readonly Use[] {
  const [, type] = /metric\.type="([^"]+)"/.exec(query) ?? [];
  if (type !== undefined) {
    const [, resource = ""] = /resource\.type="([^"]+)"/.exec(query) ?? [];
    const labels = [...query.matchAll(/(?:metric|resource)\.labels\.([a-z_]+)/g)].map(([, label = ""]) => label);
    return [{ metric: type, resource, labels }];
  }
  const by = [...query.matchAll(/ by \(([a-z_, ]+)\)/g)].flatMap(([, list = ""]) => list.split(", "));
  const selectors = query.matchAll(/([a-z]+_googleapis_com:[a-z_]+)\{([^}]*)\}/g);
  return [...selectors].map(([, name = "", selector = ""]) => {
    const labels = [...selector.matchAll(/([a-z_]+)(?:=|!)/g)].map(([, label = ""]) => label);
    const [, resource = ""] = /monitored_resource="([^"]+)"/.exec(selector) ?? [];
    return {
      metric: name.replace(/_bucket$/, ""),
      resource,
      // `le` is of the buckets.
      labels: [...labels, ...by].filter((label) => label !== "monitored_resource" && label !== "le"),
    };
  });
}
