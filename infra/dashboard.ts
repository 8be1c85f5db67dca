import { deadLetterTopic, accessAuditTopic } from "@indelible/schemas/names.ts";
import { failuresIn5Minutes, logMetricsOf } from "./log-metrics.ts";
import type { Stack } from "./stack.ts";

/** A dashboard of Cloud Monitoring, as far as it is used: https://cloud.google.com/monitoring/api/ref_v3/rest/v1/projects.dashboards */
export interface DashboardJson {
  readonly displayName: string;
  readonly labels: { readonly [label: string]: string };
  readonly mosaicLayout: { readonly columns: 48; readonly tiles: readonly Tile[] };
}

export interface Tile {
  /** Default: 0. */
  readonly xPos?: number;
  readonly yPos?: number;
  readonly width: number;
  readonly height: number;
  readonly widget: { readonly title: string; readonly xyChart: Chart };
}

export interface Chart {
  readonly dataSets: readonly {
    readonly plotType: "LINE" | "STACKED_AREA" | "STACKED_BAR";
    readonly targetAxis: "Y1";
    /** Default: the labels. */
    readonly legendTemplate?: string;
    readonly timeSeriesQuery: { readonly prometheusQuery: string; readonly unitOverride: string };
  }[];
  readonly yAxis: { readonly label: string; readonly scale: "LINEAR" };
}

interface Panel {
  readonly title: string;
  /** As UCUM has it: `1/s`, `s`, `ms`, `1`, `10^2.%`. */
  readonly unit: string;
  readonly plotType: Chart["dataSets"][number]["plotType"];
  /** PromQL of one series by its name, or of one for each value of the labels that it is by. */
  readonly series: { readonly [name: string]: string } | string;
}

const COLUMNS = 48;
const WIDTH = 16;
const HEIGHT = 14;

/** What comes, what waits, what fails and what is sealed. Zeros and empty texts are left out, as the API does: each deployment would set them again. */
export function dashboardOf(stack: Pick<Stack, "settings" | "names">): DashboardJson {
  const { names } = stack;
  const perRow = COLUMNS / WIDTH;
  return {
    displayName: names.resource("log"),
    labels: Object.fromEntries(Object.entries(names.labels).map(([key, value]) => [`${key}-${value}`, ""])),
    mosaicLayout: {
      columns: COLUMNS,
      tiles: panelsOf(stack).map(({ title, unit, plotType, series }, index) => ({
        ...(index % perRow > 0 && { xPos: (index % perRow) * WIDTH }),
        ...(index >= perRow && { yPos: Math.floor(index / perRow) * HEIGHT }),
        width: WIDTH,
        height: HEIGHT,
        widget: {
          title,
          xyChart: {
            dataSets: Object.entries(typeof series === "string" ? { "": series } : series).map(
              ([legendTemplate, prometheusQuery]) => ({
                plotType,
                targetAxis: "Y1",
                ...(legendTemplate !== "" && { legendTemplate }),
                timeSeriesQuery: { prometheusQuery, unitOverride: unit },
              }),
            ),
            yAxis: { label: unit, scale: "LINEAR" },
          },
        },
      })),
    },
  };
}

function panelsOf(stack: Pick<Stack, "settings" | "names">): readonly Panel[] {
  const { names, settings } = stack;
  const prefix = names.topicPrefix;
  const metrics = logMetricsOf(stack);
  const topic = (of: string): string => `monitored_resource="pubsub_topic",topic_id=${of}`;
  const delivery = `monitored_resource="pubsub_subscription",subscription_id=~"${prefix}[.][a-z_-]+[.](function|worker)"`;
  const service = (name: "function" | "sealer"): string =>
    `monitored_resource="cloud_run_revision",service_name="${names.resource(name)}"`;
  const sent = "pubsub_googleapis_com:topic_send_message_operation_count";
  const logged = (name: string): string => `logging_googleapis_com:user_${name}`;
  const quantile = (of: number, metric: string, labels: string): string =>
    `histogram_quantile(${of}, sum by (le) (rate(${metric}_bucket{${labels}}[5m])))`;
  return [
    {
      title: "Messages in (each of one or more events)",
      unit: "1/s",
      plotType: "STACKED_AREA",
      series: `sum by (topic_id) (rate(${sent}{${topic(`~"${prefix}[.].+"`)}}[5m]))`,
    },
    {
      title: "Dead letters in 5 minutes",
      unit: "1",
      plotType: "STACKED_BAR",
      series: { published: `sum(increase(${sent}{${topic(`"${deadLetterTopic(prefix)}"`)}}[5m]))` },
    },
    {
      title: "Oldest message that waits",
      unit: "s",
      plotType: "LINE",
      series: `max by (subscription_id) (pubsub_googleapis_com:subscription_oldest_unacked_message_age{${delivery}})`,
    },
    {
      title: "Messages that wait",
      unit: "1",
      plotType: "LINE",
      series: `max by (subscription_id) (pubsub_googleapis_com:subscription_num_undelivered_messages{${delivery}})`,
    },
    {
      title: "Delivery, from request to answer: the append is in it",
      unit: "ms",
      plotType: "LINE",
      series: {
        p50: quantile(0.5, "run_googleapis_com:request_latencies", service("function")),
        p99: quantile(0.99, "run_googleapis_com:request_latencies", service("function")),
      },
    },
    {
      title: "Failed deliveries in 5 minutes",
      unit: "1",
      plotType: "STACKED_BAR",
      series: failuresIn5Minutes(stack),
    },
    {
      title: "Commits of the sealer in 20 minutes (0: an alert)",
      unit: "1",
      plotType: "LINE",
      series: {
        commits: `sum(increase(${logged(metrics.sealed.name)}{monitored_resource="cloud_run_revision"}[20m])) or vector(0)`,
      },
    },
    {
      title: "Run of the sealer, from request to answer",
      unit: "ms",
      plotType: "LINE",
      series: { p99: quantile(0.99, "run_googleapis_com:request_latencies", service("sealer")) },
    },
    {
      title: "Records of reads in 5 minutes",
      unit: "1",
      plotType: "STACKED_BAR",
      series: { records: `sum(increase(${sent}{${topic(`"${accessAuditTopic(prefix)}"`)}}[5m]))` },
    },
    {
      title: `Instances of the function (${settings.maxInstances} at most)`,
      unit: "1",
      plotType: "STACKED_AREA",
      series: `sum by (state) (run_googleapis_com:container_instance_count{${service("function")}})`,
    },
    {
      title: "CPU of an instance",
      unit: "10^2.%",
      plotType: "LINE",
      series: {
        p50: quantile(0.5, "run_googleapis_com:container_cpu_utilizations", service("function")),
        p99: quantile(0.99, "run_googleapis_com:container_cpu_utilizations", service("function")),
      },
    },
    {
      title: "Memory of an instance",
      unit: "10^2.%",
      plotType: "LINE",
      series: { p99: quantile(0.99, "run_googleapis_com:container_memory_utilizations", service("function")) },
    },
  ];
}
