import type { Stats } from "@indelible/publisher";
import type { ConversationEvent } from "./events.ts";

/** A way to log, opened with what it needs. */
export interface Contender {
  /** One event, in the library's natural form. Neither waits nor throws. */
  log(event: ConversationEvent): void;
  /** Resolves when everything logged before has been taken by the sink. */
  flush(): Promise<void>;
  close(): Promise<void>;
  /** Ours only. */
  stats?(): Stats;
}

export interface Surroundings {
  /** Port of the sink on 127.0.0.1; 0 where there is none. */
  readonly port: number;
  /** An empty folder of this process's own. */
  readonly folder: string;
  /** The most events that wait at once: queues of rivals that drop by default are made as long, so that none drops. */
  readonly maxEvents: number;
  /** Longest that a flush may take, in milliseconds. */
  readonly flushDeadlineMs: number;
}

export type Open = (surroundings: Surroundings) => Promise<Contender>;

/** Why a row cannot be measured here; it is printed in the row's place. */
export class Unavailable extends Error {}
