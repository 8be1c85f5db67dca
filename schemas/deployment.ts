/** What instances of the function, the worker and the sealer are given, wherever they run. */

export interface InstanceSize {
  readonly cpus: number;
  readonly memoryMib: number;
  /** Requests at once. */
  readonly concurrency: number;
}

/**
 * The bodies of as many messages of 10 MB (13.5 MB in base64) may be in memory before the function sees them, 1.1 GB, beside eight times
 * `INDELIBLE_MAX_IN_FLIGHT_BYTES`. Without concurrency nothing could share a request to BigQuery.
 */
export const functionSize: InstanceSize = { cpus: 1, memoryMib: 2048, concurrency: 80 };

/** Who asks during a run gets the outcome of that run: more than one request at once, so that a long run does not turn the next minute's away. */
export const sealerSize: InstanceSize = { cpus: 1, memoryMib: 2048, concurrency: 8 };

/** What pulls is bounded by `INDELIBLE_MAX_IN_FLIGHT_BYTES` and by 16 MiB for each of 10 subscriptions. */
export const workerSize: Omit<InstanceSize, "concurrency"> = { cpus: 1, memoryMib: 2048 };

/** Where the worker answers probes on Cloud Run: GET /healthz. */
export const WORKER_PORT = 8081;

/** As Cloud Run writes it, `2Gi` or `512Mi`: it would take another form for a change. */
export function memoryOf(mib: number): string {
  return mib % 1024 === 0 ? `${mib / 1024}Gi` : `${mib}Mi`;
}
