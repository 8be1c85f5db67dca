import { IndelibleError } from "@indelible/schemas/errors.ts";
import { background } from "./background/background.ts";
import { Counts, type Stats } from "./counts.ts";
import { withDeadline } from "./deadline.ts";
import { loadEventCheck } from "./lazy.ts";
import { createLog, type Log } from "./log.ts";
import { settingsOf, type PublisherOptions, type Settings } from "./options.ts";
import type { Pack } from "./pack.ts";
import { Preparer } from "./preparer.ts";
import { Queue } from "./queue.ts";
import { createRecorder, type Outlet } from "./recorder.ts";
import { Rejections } from "./rejections.ts";
import { Reports } from "./reports.ts";
import { Sender, type FlushResult } from "./sender.ts";
import { closeAtEnd, writeAtExit } from "./shutdown.ts";
import { Spool } from "./spool/spool.ts";

export type { Stats } from "./counts.ts";
export type { Fields } from "./fields.ts";
export type { Action, Escalation } from "./lifecycle.ts";
export type { ActionLog, Conversation, ConversationLog, EscalationLog, Log } from "./log.ts";
export type { PublisherOptions } from "./options.ts";
export type { Compression } from "./preparation.ts";
export type { RedactionOptions } from "./redaction/redactor.ts";
export type { ErrorContext, OnError } from "./reports.ts";
export type { FlushResult } from "./sender.ts";
export type { SpoolOptions } from "./spool/spool.ts";
export type { Transport } from "./transport.ts";

export interface Deadline {
  /** In milliseconds from now. Default: 10,000. */
  readonly deadlineMs?: number;
}

/**
 * Logs what one agent does.
 *
 * An event is accepted when its call returns, unless `onError` hears of it: it is then published in
 * a message with others, and is published again until Pub/Sub has acknowledged it. A message that was stored although
 * its acknowledgement was lost is stored twice, with the same `log_id`s, and the subscriber drops the second. Order
 * is not kept.
 *
 * Redacting, compressing and sending are done by a background thread, which all publishers of a process share.
 *
 * Without a spool, what waits is lost when the process ends: `flush()` or `close()` before the end. With one, what a
 * tick has logged is on disk when the tick has ended (written, not synced: it survives the process, not a power cut).
 * Neither keeps a process alive.
 */
export interface Publisher extends Log {
  /**
   * Sends everything logged before the call at once, and what dead processes left in the spool (of the oldest hundred of them), and resolves when each event
   * is acknowledged, held back or refused, or at the deadline, after which sending goes on. Never rejects.
   */
  flush(deadline?: Deadline): Promise<FlushResult>;
  /**
   * Refuses new events from now on, flushes, leaves what is outstanding at the deadline in the spool or refuses it, and releases the
   * connection and the spool. Calling it again gives the first call's result. Never rejects.
   */
  close(deadline?: Deadline): Promise<FlushResult>;
  stats(): Stats;
}

const DEFAULT_DEADLINE_MS = 10_000;

/** A connection that does not close has nothing left to lose, so nobody waits long for it. */
const DISCONNECT_DEADLINE_MS = 1_000;

let lastSettingsId = 0;

/**
 * A publisher for one agent. Make one and keep it; it costs next to nothing until the first event is sent, when
 * the background thread is started and loads Google's client.
 *
 * @throws ERR_CONFIG for an option that cannot be used, with a hint; nothing throws after that, unless `strict` is set
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const settings = settingsOf(options);
  const spool = settings.spool === undefined ? undefined : Spool.open(settings.spool);
  const counts = new Counts();
  const reports = new Reports(settings.onError);
  const rejections = new Rejections(spool, counts, reports);
  const queue: Queue = new Queue(settings, spool, {
    onReady: () => sender.schedule(),
    onLost: (table, error, events) => rejections.refuse(table, error, events),
  });
  const preparer = new Preparer({
    settings: { id: (lastSettingsId += 1), redaction: settings.redaction, compression: settings.compression },
    spool,
    rejections,
    counts,
    reports,
  });
  const sender: Sender = new Sender({ settings, queue, preparer, rejections, counts, reports });
  let closing: Promise<FlushResult> | undefined;
  const recorder = createRecorder(
    settings,
    outletOf(settings, queue, rejections, () => closing !== undefined),
  );
  const log = createLog(recorder, { business_id: settings.businessId, agent_position: settings.agentPosition });
  background.open();
  const adopted = spool === undefined ? undefined : adopt(spool, queue, counts, reports);
  if (spool !== undefined && adopted !== undefined) void adoptMore(adopted, () => adopt(spool, queue, counts, reports));

  const flush = (deadline?: Deadline): Promise<FlushResult> =>
    sender.flush(deadline?.deadlineMs ?? DEFAULT_DEADLINE_MS, adopted);

  async function closeOnce(deadline?: Deadline): Promise<FlushResult> {
    const result = await flush(deadline);
    sender.stop();
    await withDeadline(background.close(), DISCONNECT_DEADLINE_MS, "closing", true).catch(() => {});
    spool?.close();
    takeBack.forEach((undo) => undo());
    reports.drain();
    return result;
  }

  const close = (deadline?: Deadline): Promise<FlushResult> => (closing ??= Promise.resolve(deadline).then(closeOnce));
  const takeBack: (() => void)[] = [];
  if (spool !== undefined) takeBack.push(writeAtExit(() => queue.endAllTicks()));
  if (settings.closeOnExit) takeBack.push(closeAtEnd(() => close()));

  return {
    ...log,
    flush,
    close,
    stats: () => {
      let unsettled = 0;
      let spooled = 0;
      for (const pack of queue.unsettled) {
        unsettled += pack.outstanding;
        spooled += pack.spooledEvents;
      }
      const inFlight = sender.inFlightEvents;
      return {
        queued: unsettled - inFlight,
        inFlight,
        acknowledged: counts.acknowledged,
        spooled,
        rejected: counts.rejected,
        refused: counts.refused,
        refusedByTable: { ...counts.refusedByTable },
        adopted: counts.adopted,
        queuedBytes: queue.bytes,
        spooledBytes: spool?.bytes ?? 0,
        redacted: { ...counts.redacted },
      };
    },
  };
}

/** Takes over what dead processes left in the spool. Never rejects. */
async function adopt(spool: Spool, queue: Queue, counts: Counts, reports: Reports): Promise<readonly Pack[]> {
  try {
    const segments = await spool.adopt((error) => reports.add(error, { table: undefined, events: 0, refused: false }));
    return segments.map((segment) => {
      counts.adopted += segment.events;
      return queue.adopt(segment);
    });
  } catch (cause) {
    const error = IndelibleError.is(cause)
      ? cause
      : new IndelibleError("ERR_SPOOL", `what dead processes left in ${spool.directory} cannot be read`, { cause });
    reports.add(error, { table: undefined, events: 0, refused: false });
    return [];
  }
}

/** A spool holds a bounded number of dead processes' folders at a time: the next come when these are empty. Never rejects. */
async function adoptMore(first: Promise<readonly Pack[]>, next: () => Promise<readonly Pack[]>): Promise<void> {
  for (let packs = await first; packs.length > 0; packs = await next()) {
    // oxlint-disable-next-line no-await-in-loop
    await Promise.all(packs.map(({ settled }) => settled));
  }
}

function outletOf(settings: Settings, queue: Queue, rejections: Rejections, isClosed: () => boolean): Outlet {
  // The validator is not loaded where it is not needed: it takes longer than all the rest.
  const assertEvent = settings.strict ? loadEventCheck() : undefined;
  return {
    accept(table, text) {
      if (isClosed()) throw new IndelibleError("ERR_CLOSED", "an event was logged after the publisher was closed");
      assertEvent?.(table, JSON.parse(text));
      try {
        queue.add(table, text);
      } catch (error) {
        if (settings.spool === undefined || !IndelibleError.is(error) || error.code !== "ERR_TOO_LARGE") throw error;
        // It keeps its number: it can be sent again, shortened, from where it is kept.
        rejections.holdNow(table, { code: error.code, message: error.message, event: text });
      }
    },
    refuse(table, error) {
      rejections.refuse(table, error, 1);
      if (settings.strict) throw error;
    },
  };
}
