/** Conditions of Cloud Monitoring's alert policies, of the three forms that are used. */
import type { input } from "@pulumi/gcp/types/index.js";

export type Condition = Omit<input.monitoring.AlertPolicyCondition, "displayName">;

/** A series of a metric is above a value for a while. */
export interface Above {
  /** Which series, in Monitoring's filter language. */
  readonly filter: string;
  readonly above: number;
  /** Of each period, one number a series. */
  readonly aligner: "ALIGN_DELTA" | "ALIGN_MAX";
  readonly periodSeconds: number;
  /** How long it has to be above. */
  readonly forSeconds: number;
  /** Series that differ in other labels are one. */
  readonly by: readonly string[];
  readonly reducer: "REDUCE_SUM" | "REDUCE_MAX";
}

export function above({ filter, above: value, aligner, periodSeconds, forSeconds, by, reducer }: Above): Condition {
  return {
    conditionThreshold: {
      filter,
      comparison: "COMPARISON_GT",
      thresholdValue: value,
      duration: `${forSeconds}s`,
      aggregations: [
        {
          alignmentPeriod: `${periodSeconds}s`,
          perSeriesAligner: aligner,
          crossSeriesReducer: reducer,
          groupByFields: [...by],
        },
      ],
    },
  };
}

/**
 * A counter does not grow. In PromQL, because a condition of absence does not hold for what has never been there: what was never sealed is an
 * alert too.
 */
export function silent(series: string, windowMinutes: number, forSeconds: number): Condition {
  return promql(`(sum(increase(${series}[${windowMinutes}m])) or vector(0)) < 1`, forSeconds);
}

/**
 * A query of PromQL has a result for a while. For metrics of logs too, which a threshold may not name yet: it is refused as long as Cloud Monitoring
 * does not know the metric, up to 10 minutes after it was made.
 */
export function promql(query: string, forSeconds: number): Condition {
  return {
    conditionPrometheusQueryLanguage: {
      query,
      duration: `${forSeconds}s`,
      evaluationInterval: "60s",
      disableMetricValidation: true,
    },
  };
}

/** A line of a log matches. Each combination of the labels is told by itself. */
export function logged(filter: string, labels: { readonly [label: string]: string }): Condition {
  return {
    conditionMatchedLog: {
      filter,
      labelExtractors: Object.fromEntries(Object.entries(labels).map(([label, field]) => [label, `EXTRACT(${field})`])),
    },
  };
}
