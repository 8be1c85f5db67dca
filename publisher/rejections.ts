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
  async hold(pack: Pack, rejections: readonly Rejection[]): Promise<void> {
    if (rejections.length === 0) return;
    const { table } = pack;
    for (const { code, message, event } of rejections) {
      // In order, and one at a time: they are few.
      // oxlint-disable-next-line no-await-in-loop
      await this.#spool?.keepRejected({ table, code, message, event });
    }
    pack.leftOut += rejections.length;
    this.#count(table, rejections.length);
    for (const rejection of rejections) this.#report(table, rejection);
  }

  /** For an event that is too large to be queued, within the call that logs it. @throws ERR_SPOOL */
  holdNow(table: TableName, rejection: Rejection): void {
    const { code, message, event } = rejection;
    this.#spool?.keepRejectedSync({ table, code, message, event });
    this.#count(table, 1);
    this.#report(table, rejection);
  }

  /** For a message that Pub/Sub will never take, or whose events are gone. @throws ERR_SPOOL */
  async holdPack(pack: Pack, error: IndelibleError): Promise<void> {
    const { code, message } = error;
    if (pack.segment === undefined || code === "ERR_SPOOL_DAMAGED") {
      const events = pack.outstanding;
      pack.leftOut += events;
      this.refuse(pack.table, error, events);
      return;
    }
    const { events } = readRecords(await pack.segment.read());
    // Those that were held back for a reason of their own are kept and counted already.
    const held = new Set(pack.prepared?.rejected.map(({ event }) => event));
    const rejections = events.filter((event) => !held.has(event)).map((event) => ({ code, message, event }));
    await this.hold(pack, rejections);
  }

  /** Counts and reports events that are gone. */
  refuse(table: TableName, error: IndelibleError, events: number): void {
    this.#counts.addRefused(table, events);
    this.#reports.add(error, { table, events, refused: true });
  }

  #count(table: TableName, events: number): void {
    if (this.#spool === undefined) this.#counts.addRefused(table, events);
    else this.#counts.rejected += events;
  }

  #report(table: TableName, { code, message }: Rejection): void {
    const where = this.#spool === undefined ? "" : `; the event is kept in ${this.#spool.directory}/rejected`;
    this.#reports.add(new IndelibleError(code, `${message}${where}`), { table, events: 1, refused: true });
  }
}
