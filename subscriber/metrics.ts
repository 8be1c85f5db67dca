import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { TableName } from "@indelible/schemas/tables.ts";
import type { Admission } from "./admission.ts";
import type { AppendObserver } from "./appender.ts";
import type { Outcome } from "./pipeline.ts";

/** What an instance has done since it started, in OpenMetrics form. docs/operate.md says what each metric is good for. */
export class Metrics implements AppendObserver {
  readonly contentType: string = Registry.OPENMETRICS_CONTENT_TYPE;
  readonly #registry = new Registry();
  readonly #accepted = this.#counter("events_accepted", "Events that became rows.", ["table"]);
  readonly #duplicates = this.#counter("events_duplicate", "Events that were rows already.", ["table"]);
  readonly #conflicts = this.#counter("events_conflict", "Accepted events whose log_id is known with other content.", [
    "table",
  ]);
  readonly #deadLettered = this.#counter("events_dead_lettered", "Events that were dead-lettered, by reason.", [
    "table",
    "reason",
  ]);
  readonly #ignored = this.#counter("records_ignored", "Records of BigQuery's audit log that tell of no read.", [
    "table",
  ]);
  readonly #messages = this.#counter("messages", "Deliveries, by result: acknowledged, or the code of the error.", [
    "table",
    "result",
  ]);
  readonly #appendedBytes = this.#counter("append_bytes", "Bytes of rows sent to BigQuery.", ["table"]);
  readonly #appendSeconds: Histogram;
  readonly #appendInFlightBytes: Gauge;

  constructor(admission: Admission) {
    this.#registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    this.#appendSeconds = new Histogram({
      name: "indelible_append_duration_seconds",
      help: "From sending an append request to its answer, by outcome.",
      labelNames: ["table", "outcome"],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers: [this.#registry],
    });
    this.#appendInFlightBytes = new Gauge({
      name: "indelible_append_in_flight_bytes",
      help: "Bytes of rows sent to BigQuery and not yet answered.",
      registers: [this.#registry],
    });
    this.gauge("in_flight_bytes", "Bytes of messages on their way.", () => admission.bytes);
    this.gauge("in_flight_messages", "Messages on their way.", () => admission.messages);
  }

  /** A gauge whose value is asked for when metrics are. */
  gauge(name: string, help: string, value: () => number): void {
    // oxlint-disable-next-line no-new -- it registers itself
    new Gauge({
      name: `indelible_${name}`,
      help,
      registers: [this.#registry],
      collect() {
        this.set(value());
      },
    });
  }

  acknowledged(table: TableName, { accepted, duplicates, conflicts, ignored, reasons }: Outcome): void {
    this.#messages.inc({ table, result: "acknowledged" });
    if (accepted > 0) this.#accepted.inc({ table }, accepted);
    if (duplicates > 0) this.#duplicates.inc({ table }, duplicates);
    if (conflicts > 0) this.#conflicts.inc({ table }, conflicts);
    if (ignored > 0) this.#ignored.inc({ table }, ignored);
    for (const [reason, count] of Object.entries(reasons)) this.#deadLettered.inc({ table, reason }, count);
  }

  failed(table: TableName, code: string): void {
    this.#messages.inc({ table, result: code });
  }

  sent(bytes: number): void {
    this.#appendInFlightBytes.inc(bytes);
  }

  answered(...[table, bytes, durationMs, outcome]: Parameters<AppendObserver["answered"]>): void {
    this.#appendInFlightBytes.dec(bytes);
    this.#appendedBytes.inc({ table }, bytes);
    this.#appendSeconds.observe({ table, outcome }, durationMs / 1000);
  }

  /** The text of `/metrics`. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name: `indelible_${name}_total`, help, labelNames, registers: [this.#registry] });
  }
}
