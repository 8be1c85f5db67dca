import { createPublisher } from "@indelible/publisher";
import type { Datasets } from "@indelible/schemas/names.ts";
import { awaitArrival } from "./delivery/arrival.ts";
import type { Entries } from "./delivery/entries.ts";
import { publish } from "./delivery/publication.ts";
import { reportOn, type Report } from "./delivery/report.ts";
import { DeliveryWarehouse } from "./delivery/warehouse.ts";
import { bigQueryClient } from "./clients.ts";
import { describeFailure } from "./terminal/failure.ts";
import { createProgress, type Progress } from "./terminal/progress.ts";
import { thousands } from "./terminal/table.ts";

const stallMs = 60_000;
const closeDeadlineMs = 1000;

export interface DeliveryOptions {
  readonly project: string;
  /** Whether the services are those of one machine. */
  readonly local: boolean;
  readonly datasets: Datasets;
  readonly topicPrefix: string;
  /** Whether nobody else is supposed to write meanwhile, so that what others wrote is extra. */
  readonly alone: boolean;
  readonly signal: AbortSignal;
}

/**
 * Publishes `entries`, follows them into the warehouse, and accounts for each. What arrives too late is missing in the
 * report, not an error. Progress goes to stderr.
 *
 * @throws ERR_PUBLISH or ERR_DEADLINE when a service stays away for a minute; AbortError; whatever `entries` throws
 */
export async function deliver(entries: Entries, options: DeliveryOptions): Promise<Report> {
  const { project, local, datasets, topicPrefix, alone, signal } = options;
  const since = new Date();
  const bigquery = bigQueryClient(project, local);
  const warehouse = new DeliveryWarehouse({ bigquery, datasets }, { deadlineMs: stallMs, signal });
  const publisher = createPublisher({
    projectId: project,
    topicPrefix,
    businessId: "indelible",
    agentPosition: "importer",
    onError: (error, { events, refused, table }) =>
      process.stderr.write(
        refused
          ? `${thousands(events)} events of ${table} were refused\n${describeFailure(error)}`
          : `${error.code}: ${error.message}; ${thousands(events)} events wait and are tried again\n`,
      ),
  });
  let manifest;
  try {
    manifest = await showing("publishing", (progress) =>
      publish(entries, publisher, warehouse, {
        stallMs,
        signal,
        onProgress: (count) => progress.update(count, undefined),
      }),
    );
  } finally {
    // All is acknowledged by now, or was waited for long enough.
    await publisher.close({ deadlineMs: closeDeadlineMs });
  }
  await showing("arriving", (progress) =>
    awaitArrival(manifest, warehouse, {
      stallMs,
      signal,
      onProgress: (arrived, total) => progress.update(arrived, total),
    }),
  );
  return reportOn(manifest, warehouse, { since, alone });
}

async function showing<T>(label: string, work: (progress: Progress) => Promise<T>): Promise<T> {
  const progress = createProgress(label);
  try {
    return await work(progress);
  } finally {
    progress.stop();
  }
}
