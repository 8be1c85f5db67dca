import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";
import type { Contender } from "./contender.ts";
import type { ConversationEvent } from "./events.ts";

/** Between two bursts the event loop turns once, as an agent's does: sockets and timers get their chance. */
const BURST = 100;
const BURST_INTERVAL_MS = 5;
const MIB = 1024 ** 2;

export interface Busy {
  /** CPU of the thread that logs, user and system, microseconds an event. */
  readonly mainUs: number;
  /** CPU of the whole process: garbage collection, workers and libuv's pool besides. */
  readonly processUs: number;
  readonly wallUs: number;
  readonly rssGrowthMib: number;
  readonly peakRssMib: number;
}

export interface Calls {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

/** From the first call until everything has been flushed. */
export async function measureBusy(contender: Contender, events: readonly ConversationEvent[]): Promise<Busy> {
  globalThis.gc?.();
  const rssBefore = process.memoryUsage.rss();
  let rssPeak = rssBefore;
  const sample = (): void => {
    rssPeak = Math.max(rssPeak, process.memoryUsage.rss());
  };
  const sampler = setInterval(sample, 20);
  const startNs = process.hrtime.bigint();
  const main = process.threadCpuUsage();
  const whole = process.cpuUsage();
  await logInBursts(contender, events);
  await contender.flush();
  const { user, system } = process.threadCpuUsage(main);
  const { user: wholeUser, system: wholeSystem } = process.cpuUsage(whole);
  const wallUs = Number(process.hrtime.bigint() - startNs) / 1e3;
  sample();
  clearInterval(sampler);
  return {
    mainUs: (user + system) / events.length,
    processUs: (wholeUser + wholeSystem) / events.length,
    wallUs: wallUs / events.length,
    rssGrowthMib: (rssPeak - rssBefore) / MIB,
    peakRssMib: process.resourceUsage().maxRSS / 1024,
  };
}

export async function logInBursts(contender: Contender, events: readonly ConversationEvent[]): Promise<void> {
  for (const [index, event] of events.entries()) {
    contender.log(event);
    if (index % BURST === BURST - 1) await nextTurn();
  }
}

/** Each call alone; two readings of the clock (some 0.1 us) are in each. */
export async function measureCalls(contender: Contender, events: readonly ConversationEvent[]): Promise<Calls> {
  const startsNs = new BigUint64Array(events.length);
  const endsNs = new BigUint64Array(events.length);
  for (const [index, event] of events.entries()) {
    startsNs[index] = process.hrtime.bigint();
    contender.log(event);
    endsNs[index] = process.hrtime.bigint();
    if (index % BURST === BURST - 1) await nextTurn();
  }
  await contender.flush();
  const sortedUs = Float64Array.from(endsNs, (endNs, index) => Number(endNs - startsNs[index]!) / 1e3).sort();
  return { p50Us: at(sortedUs, 0.5), p99Us: at(sortedUs, 0.99), maxUs: at(sortedUs, 1) };
}

/**
 * 99th percentile, in milliseconds, of how late the event loop is while `burst` events are logged every 5 ms, about 1 ms of it
 * being the histogram's own pause. The pace is kept by the clock: what comes late is caught up.
 */
export async function measureDelay(
  contender: Contender,
  events: readonly ConversationEvent[],
  burst: number,
): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  const startMs = performance.now();
  histogram.enable();
  for (let index = 0; index < events.length; index += burst) {
    for (const event of events.slice(index, index + burst)) contender.log(event);
    const dueMs = startMs + (index / burst + 1) * BURST_INTERVAL_MS;
    await wait(Math.max(0, dueMs - performance.now()));
  }
  histogram.disable();
  await contender.flush();
  return histogram.percentile(99) / 1e6;
}

function at(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
