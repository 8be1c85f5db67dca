/** A process that logs with a spool until it is killed, as its argument, a `VictimPlan`, says. It says its stages on stdout. */
import { writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { createPublisher, type Publisher, type PublisherOptions, type Transport } from "@indelible/publisher";
import { createBackgroundTransport } from "@indelible/publisher/background/background-transport.ts";
import { seededRandom } from "../../local/random.ts";
import { crashTables, logEvent, textOf } from "./events.ts";
import { Journal } from "./journal.ts";
import type { Stage, TickPlan, VictimPlan } from "./plan.ts";

const plan = JSON.parse(process.argv[2]!) as VictimPlan;
const random = seededRandom(plan.seed, "victim");
const journal = new Journal(plan.journal);
const stillness = new Int32Array(new SharedArrayBuffer(4));

const say = (stage: Stage): void => void writeSync(1, `${stage}\n`);

/** The default transport, seen from outside: so that it can be killed between an acknowledgement and what follows. */
function watched(transport: Transport): Transport {
  return {
    publish: async (...message) => {
      say("publish");
      const id = await transport.publish(...message);
      say("sent");
      if (plan.sentBusyMs > 0) Atomics.wait(stillness, 0, 0, plan.sentBusyMs);
      return id;
    },
    close: () => transport.close(),
  };
}

function textBytes(maxBytes: number): number {
  return 20 + Math.floor(maxBytes * random() ** 3);
}

/** Logs in one tick; resolves when that has ended and was reported. */
function runTick(log: Publisher, tick: string, { events, maxTextBytes, busyMs, inMicrotask }: TickPlan): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const texts = Array.from({ length: events }, () => textOf(textBytes(maxTextBytes), random));
  const logIds: string[] = [];
  const logAll = (): void => {
    journal.write({ kind: "announced", tick, events });
    say("log");
    for (const [index, text] of texts.entries()) {
      logIds.push(logEvent(log, crashTables[Math.floor(random() * crashTables.length)]!, tick, index, text));
    }
  };
  setImmediate(() => {
    if (inMicrotask) void Promise.resolve().then(logAll);
    else logAll();
  });
  // It stands in the queue before anything is logged, so that it is the very next thing when the tick has ended.
  setImmediate(() => {
    journal.write({ kind: "returned", tick, logIds });
    say("tick");
    if (busyMs > 0) Atomics.wait(stillness, 0, 0, busyMs);
    resolve();
  });
  return promise;
}

function open(options: VictimPlan["publishers"][number], index: number): Publisher {
  const more: Partial<PublisherOptions> = {
    publisherId: `${plan.name}.${index}`,
    transport: watched(createBackgroundTransport(undefined)),
    spool: { directory: plan.directory },
    onError: ({ code, message }, about) => journal.write({ kind: "report", code, message, ...about }),
  };
  return createPublisher({ businessId: "acme", agentPosition: "CFO", ...options, ...more });
}

say("begin");
const logs = plan.publishers.map(open);
say("open");

function writeTotals(): void {
  const stats = logs.map((log) => log.stats());
  const sum = (of: (one: (typeof stats)[number]) => number): number => stats.reduce((total, one) => total + of(one), 0);
  journal.write({ kind: "totals", adopted: sum((one) => one.adopted), acknowledged: sum((one) => one.acknowledged) });
}

for (const [number, tick] of plan.ticks.entries()) {
  await runTick(logs[tick.publisher]!, `${plan.name}/${number}`, tick);
  writeTotals();
  await delay(tick.pauseMs);
}
if (plan.flushes) {
  say("flush");
  await Promise.all(logs.map((log) => log.flush({ deadlineMs: plan.flushDeadlineMs })));
  writeTotals();
}
if (plan.closes) {
  say("close");
  await Promise.all(logs.map((log) => log.close({ deadlineMs: plan.closeDeadlineMs })));
  writeTotals();
  journal.close();
} else {
  say("idle");
  // Until it is killed, or until nobody is left to do so.
  process.stdin.on("end", () => process.exit()).resume();
}
