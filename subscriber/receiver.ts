import { IndelibleError } from "@indelible/schemas/errors.ts";
import { AUDIT_PATH } from "@indelible/schemas/names.ts";
import { log } from "./log.ts";
import type { Message } from "./message.ts";
import type { Metrics } from "./metrics.ts";
import { ingest, ingestAudit, keepDeadLetter, type Pipeline } from "./pipeline.ts";
import { tableOfSource, type Source } from "./source.ts";

/** Failures of one kind are logged at most this often: when BigQuery is away, every delivery fails. */
const LOG_EVERY_MS = 1_000;

/** Takes deliveries, by push or pull, and keeps account of them. */
export class Receiver {
  readonly #pipeline: Pipeline;
  readonly #metrics: Metrics;
  readonly #failures = new Map<string, { readonly loggedAt: number; suppressed: number }>();

  constructor(pipeline: Pipeline, metrics: Metrics) {
    this.#pipeline = pipeline;
    this.#metrics = metrics;
  }

  /**
   * Resolves when the message is dealt with and may be acknowledged. Otherwise it rejects, after having logged why, and the message must
   * not be acknowledged.
   *
   * @param source the topic that the message came from
   */
  async receive(source: Source, message: Message): Promise<void> {
    const table = tableOfSource(source);
    const way = source === "dead_letters" ? keepDeadLetter : source === AUDIT_PATH ? ingestAudit : ingest;
    try {
      const outcome = await way(this.#pipeline, table, message);
      this.#metrics.acknowledged(table, outcome);
      if (outcome.deadLettered > 0) {
        log("WARNING", "events were dead-lettered", { table, messageId: message.id, ...outcome });
      }
    } catch (error) {
      this.failed(source, message.id, error);
      throw error;
    }
  }

  /** Counts and logs a delivery that failed. */
  failed(source: Source, messageId: string | undefined, error: unknown): void {
    const table = tableOfSource(source);
    const known = IndelibleError.is(error) ? error : undefined;
    const code = known?.code ?? "internal";
    this.#metrics.failed(table, code);
    const key = `${table} ${code}`;
    const earlier = this.#failures.get(key);
    if (earlier !== undefined && performance.now() - earlier.loggedAt < LOG_EVERY_MS) {
      earlier.suppressed += 1;
      return;
    }
    this.#failures.set(key, { loggedAt: performance.now(), suppressed: 0 });
    const text = known?.message ?? (error instanceof Error ? (error.stack ?? error.message) : String(error));
    const cause = known?.cause instanceof Error ? known.cause.message : undefined;
    const alike = earlier === undefined || earlier.suppressed === 0 ? undefined : earlier.suppressed;
    log("ERROR", text, { table, messageId, code, hint: known?.hint, cause, notLogged: alike });
  }
}
