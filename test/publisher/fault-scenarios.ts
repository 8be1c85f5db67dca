import { mock } from "node:test";
import type { Publisher } from "@indelible/publisher";
import type { FaultBroker, Mood } from "./fault-broker.ts";

/** What a scenario has to do its harm with. */
export interface Stage {
  readonly broker: FaultBroker;
  readonly log: Publisher;
  /** Logs so many events, and keeps their `log_id`s. */
  logMany(events: number): void;
  /** Resolves when `onError` was told of it. */
  told(code: string): Promise<void>;
  readonly clock: { offsetMs: number };
}

/** The broker is up when a scenario begins, unless its name is in `downAtFirst`, and is up again at its end. */
export type Scenario = (stage: Stage) => Promise<void>;

export const downAtFirst: ReadonlySet<string> = new Set(["down-at-start"]);

/** It refuses, and events of before, meanwhile and after are sent when it does no more. */
function moody(mood: Mood, code: string): Scenario {
  return async ({ broker, log, logMany, told }) => {
    logMany(200);
    await log.flush();
    broker.mood = mood;
    logMany(200);
    await log.flush({ deadlineMs: 100 });
    await told(code);
    logMany(200);
    await log.flush({ deadlineMs: 100 });
    broker.mood = "up";
    logMany(200);
  };
}

export const scenarios: { readonly [name: string]: Scenario } = {
  "down-at-start": async ({ broker, log, logMany, told }) => {
    logMany(500);
    await log.flush({ deadlineMs: 100 });
    await told("ERR_PUBLISH");
    logMany(500);
    await broker.start();
  },

  "down-in-between": async ({ broker, log, logMany, told }) => {
    logMany(500);
    await log.flush();
    broker.stop();
    logMany(500);
    await log.flush({ deadlineMs: 100 });
    await told("ERR_PUBLISH");
    logMany(500);
    await broker.start();
    logMany(500);
  },

  hanging: moody("hang", "ERR_DEADLINE"),
  quota: moody("quota", "ERR_PUBLISH"),
  "permission-revoked": moody("denied", "ERR_PUBLISH"),

  /** Stored, and the answer is lost: sent again, with the same IDs. */
  "answers-lost": async ({ broker, log, logMany, told }) => {
    broker.mood = "lose";
    logMany(200);
    await log.flush({ deadlineMs: 100 });
    await told("ERR_PUBLISH");
    broker.mood = "up";
  },

  /** Every clock that a process can read but the monotonic one, in the midst of a wait after a failure too. */
  "clock-jumps": async ({ broker, log, logMany, told, clock }) => {
    const now = Date.now();
    logMany(100);
    broker.mood = "quota";
    for (const offsetMs of [0, 3_600_000, -3_600_000, 7_200_000, 0]) {
      clock.offsetMs = offsetMs;
      mock.timers.reset();
      mock.timers.enable({ apis: ["Date"], now: now + offsetMs });
      logMany(300);
      await log.flush({ deadlineMs: 20 });
    }
    await told("ERR_PUBLISH");
    // No flush here: the wait after the failure has to end by itself, whatever the time of day.
    broker.mood = "up";
    await broker.seen(1);
    mock.timers.reset();
  },

  "one-tick": async ({ logMany }) => {
    logMany(100_000);
  },

  /** The thread that sends is not the one that is busy. */
  "busy-host": async ({ broker, logMany }) => {
    logMany(1_000);
    const until = performance.now() + 200;
    while (performance.now() < until) logMany(10);
    await broker.seen(1);
    logMany(1_000);
  },
};
