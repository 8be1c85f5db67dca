import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import type { Counts } from "./counts.ts";
import type { Pack } from "./pack.ts";
import type { Rejection } from "./preparation.ts";
import type { Reports } from "./reports.ts";
import { readRecords } from "./spool/record.ts";
import type { Spool } from "./spool/spool.ts";

/**
 * Events that must not or cannot be sent. With a spool they are kept in its `rejected` folder, where people find them; without
 * one they are refused. Either way they are counted and reported.
 */
export class Rejections {
  readonly #spool: Spool | undefined;
  readonly #counts: Counts;
  readonly #reports: Reports;

  constructor(spool: Spool | undefined, counts: Counts, reports: Reports) {
    this.#spool = spool;
    this.#counts = counts;
    this.#reports = reports;
  }

  /** Resolves when all are on disk. @throws ERR_SPOOL if they cannot be kept; then nothing is counted */
  async hold(table: TableName, rejections: readonly Rejection[]): Promise<void> {
    for (const { code, message, event } of rejections) {
      // In order, and one at a time: they are few.
      // oxlint-disable-next-line no-await-in-loop
      await this.#spool?.keepRejected({ table, code, message, event });
    }
    for (const rejection of rejections) this.#count(table, rejection);
  }

  /** For an event that is too large to be queued, within the call that logs it. @throws ERR_SPOOL */
  holdNow(table: TableName, rejection: Rejection): void {
    const { code, message, event } = rejection;
    this.#spool?.keepRejectedSync({ table, code, message, event });
    this.#count(table, rejection);
  }

  /** For a message that Pub/Sub will never take. @throws ERR_SPOOL */
  async holdPack(pack: Pack, { code, message }: IndelibleError): Promise<void> {
    if (pack.segment === undefined) {
      this.refuse(pack.table, new IndelibleError(code, message), pack.events);
      return;
    }
    const { events } = readRecords(await pack.segment.read());
    await this.hold(
      pack.table,
      events.map((event) => ({ code, message, event })),
    );
  }

  /** Counts and reports events that are gone. */
  refuse(table: TableName, error: IndelibleError, events: number): void {
    this.#counts.addRefused(table, events);
    this.#reports.add(error, { table, events, refused: true });
  }

  #count(table: TableName, { code, message }: Rejection): void {
    if (this.#spool === undefined) {
      this.refuse(table, new IndelibleError(code, message), 1);
      return;
    }
    this.#counts.rejected += 1;
    const error = new IndelibleError(code, `${message}; the event is kept in ${this.#spool.directory}/rejected`);
    this.#reports.add(error, { table, events: 1, refused: true });
  }
}
