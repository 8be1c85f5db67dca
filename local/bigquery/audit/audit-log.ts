import { join } from "node:path";
import { logToStderr as log } from "../../log.ts";
import { logEntries } from "./log-entry.ts";
import { Outbox } from "./outbox.ts";
import { pubsubTopic } from "./topic.ts";
import type { Caller, RequestOrigin } from "../access/caller.ts";
import type { ReadRecord, ReadRecorder } from "./read-record.ts";
import type { AuditTopic } from "./topic.ts";

export type AuditLogOptions = {
  /** The folder of the warehouse. */
  readonly dataDirectory: string;
  /** `projects/P/topics/T` */
  readonly topic: string;
  /** Pub/Sub's address, as host:port. */
  readonly pubsubHost: string;
  /** Default: 100,000. */
  readonly maxRecords?: number | undefined;
};

const MAX_BATCH_RECORDS = 500;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const DEADLINE_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;

/**
 * Writes down every read and publishes it, in order, one request at a time. A record is on disk before its read is answered, and stays there
 * until Pub/Sub has acknowledged it. What was published and could not be removed before a kill is published again, with the same `insertId`.
 */
export class AuditLog implements ReadRecorder {
  readonly #outbox: Outbox;
  readonly #topic: AuditTopic;
  readonly #topicName: string;
  #publishing = false;
  #closed = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @throws {Error} when another process has the outbox, or another version wrote it */
  constructor({ dataDirectory, topic, pubsubHost, maxRecords }: AuditLogOptions) {
    this.#outbox = new Outbox(join(dataDirectory, "audit.sqlite"), maxRecords);
    this.#topic = pubsubTopic(pubsubHost, topic, DEADLINE_MS);
    this.#topicName = topic;
    this.#publish();
  }

  async record(caller: Caller, origin: RequestOrigin, read: ReadRecord): Promise<void> {
    await this.#outbox.add(logEntries(caller, origin, read).map((entry) => JSON.stringify(entry)));
    this.#publish();
  }

  /** What is not published yet stays for the next start. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#topic.close();
    this.#outbox.close();
  }

  #publish(): void {
    if (this.#publishing || this.#closed || this.#timer !== undefined) return;
    this.#publishing = true;
    void this.#drain();
  }

  /**
   * Publishes until nothing is left, or something fails. `#publishing` ends together with the look that found nothing: what is on disk later is
   * published by whoever put it there.
   */
  async #drain(): Promise<void> {
    for (;;) {
      try {
        const batch = this.#closed ? [] : this.#outbox.first(MAX_BATCH_RECORDS, MAX_BATCH_BYTES);
        const last = batch.at(-1);
        if (last === undefined) {
          this.#publishing = false;
          return;
        }
        await this.#topic.publish(batch.map(({ data }) => data));
        if (this.#closed) return;
        this.#outbox.remove(last.id);
      } catch (error) {
        this.#publishing = false;
        if (!this.#closed) this.#pause(error);
        return;
      }
      if (this.#failures > 0) log("INFO", "The access audit is published again.", { topic: this.#topicName });
      this.#failures = 0;
    }
  }

  #pause(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    const waiting = this.#outbox.size;
    // Once: it is tried again every few seconds.
    if (this.#failures === 0) {
      log("WARNING", "The access audit cannot be published; its records wait on disk.", {
        topic: this.#topicName,
        reason,
        waiting,
      });
    }
    const waitMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures) * (0.5 + Math.random() / 2);
    this.#failures += 1;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#publish();
    }, waitMs).unref();
  }
}
