import { withDeadline } from "./deadline.ts";
import { createLog, type Log } from "./log.ts";
import { settingsOf, type PublisherOptions } from "./options.ts";
import { createRecorder } from "./recorder.ts";
import { Reports } from "./reports.ts";
import { Sender, type FlushResult, type Stats } from "./sender.ts";

export type { Fields } from "./fields.ts";
export type { Action, Escalation } from "./lifecycle.ts";
export type { ActionLog, Conversation, ConversationLog, EscalationLog, Log } from "./log.ts";
export type { PublisherOptions } from "./options.ts";
export type { ErrorContext, OnError } from "./reports.ts";
export type { FlushResult, Stats } from "./sender.ts";
export type { Transport } from "./transport.ts";

export interface Deadline {
  /** In milliseconds from now. Default: 10,000. */
  readonly deadlineMs?: number;
}

/**
 * Logs what one agent does.
 *
 * An event is accepted when its call returns, unless `onError` hears of it: it then waits in memory, is published in
 * a message with others, and is published again until Pub/Sub has acknowledged it. A message that was stored although
 * its acknowledgement was lost is stored twice, with the same `log_id`s, and the subscriber drops the second. Order
 * is not kept.
 *
 * What waits in memory is lost when the process ends, and keeps no process alive: `flush()` or `close()` before the
 * end.
 */
export interface Publisher extends Log {
  /**
   * Sends everything logged before the call at once, and resolves when each event is acknowledged or refused, or at the
   * deadline, after which sending goes on. Never rejects.
   */
  flush(deadline?: Deadline): Promise<FlushResult>;
  /**
   * Refuses new events from now on, flushes, refuses what is outstanding at the deadline, and releases the
   * connection. Calling it again gives the first call's result. Never rejects.
   */
  close(deadline?: Deadline): Promise<FlushResult>;
  stats(): Stats;
}

const DEFAULT_DEADLINE_MS = 10_000;

/** Closing a connection sends nothing that matters, so nobody waits long for it. */
const DISCONNECT_DEADLINE_MS = 1_000;

/**
 * A publisher for one agent. Make one and keep it; it costs next to nothing until the first event is sent, when
 * Google's client is loaded.
 *
 * @throws ERR_CONFIG for an option that cannot be used, with a hint; nothing throws after that
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const settings = settingsOf(options);
  const reports = new Reports(settings.onError);
  const sender = new Sender(settings, reports);
  let closing: Promise<FlushResult> | undefined;
  const record = createRecorder(settings, sender, () => closing !== undefined);
  const log = createLog(record, { business_id: settings.businessId, agent_position: settings.agentPosition });

  const flush = (deadline?: Deadline): Promise<FlushResult> =>
    sender.flush(deadline?.deadlineMs ?? DEFAULT_DEADLINE_MS);

  async function closeOnce(deadline?: Deadline): Promise<FlushResult> {
    const result = await flush(deadline);
    sender.stop();
    if (settings.ownsTransport) {
      // A connection that does not close cleanly has nothing left to lose.
      await withDeadline(settings.transport.close(), DISCONNECT_DEADLINE_MS, "closing", true).catch(() => {});
    }
    reports.drain();
    return result;
  }

  return {
    ...log,
    flush,
    close: (deadline) => (closing ??= closeOnce(deadline)),
    stats: () => sender.stats(),
  };
}
