import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { bigQueryClient, pubSubClient } from "../../cli/clients.ts";
import { provisionTopics, provisionWarehouse } from "../../cli/dev/provision.ts";
import { seededRandom, type Random } from "../../local/random.ts";
import { readBrokerStore, type BrokerStore } from "./broker-store.ts";
import { Deliveries } from "./deliveries.ts";
import type { Evidence } from "./evidence.ts";
import { Figures } from "./figures.ts";
import { Monkey, shuffled } from "./monkey.ts";
import { audit, type Finding } from "./oracle.ts";
import type { Published } from "./published.ts";
import { publishAll } from "./publisher.ts";
import { SafetyNet } from "./safety-net.ts";
import { Stack } from "./stack.ts";
import { traffic } from "./traffic.ts";
import { WarehouseReader } from "./warehouse-reader.ts";

export interface ChaosOptions {
  readonly seed: number;
  readonly events: number;
  readonly maxEventsPerMessage: number;
  /** How often processes are killed, in turn. */
  readonly kills: number;
  /** How often a connection is cut. */
  readonly cuts: number;
  /** What the rates of all faults are multiplied with; 1 is about one fault in a hundred requests. */
  readonly intensity: number;
  /** Whether appends may hang: each costs the function's deadline of 30 s. */
  readonly hangs: boolean;
  /** The longest that each part of the run may take: publishing, delivery under faults, coming to rest without. */
  readonly deadlineMs: number;
  /** Takes the progress. */
  readonly onLine: (line: string) => void;
  /** Takes what the processes say, injected faults left out. */
  readonly onServiceLine?: ((line: string) => void) | undefined;
}

export interface ChaosReport {
  /** What the oracle found, and processes that died by themselves; empty when nothing is wrong. */
  readonly findings: readonly Finding[];
  readonly deaths: readonly string[];
  readonly figures: { readonly [name: string]: number };
}

const PROJECT = "chaos";
const POLL_MS = 200;
const STILL_POLLS = 5;
const ANSWER_WAIT_MS = 1000;

/**
 * Publishes through the real processes while they are killed, their connections cut and their requests failed, lets them come
 * to rest, and accounts for every event.
 *
 * The seed decides what is published, which faults there are and what is killed in which order. How the processes interleave it
 * does not: two runs with one seed are alike, not equal.
 *
 * @throws {Error} when the services do not come to rest in time, or do not start
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, events, onLine } = options;
  const dataFolder = mkdtempSync(join(tmpdir(), "indelible-chaos-"));
  const random = seededRandom(seed, "monkey");
  const figures = new Figures();
  const published = new Map<number, Published>();
  const messages = countMessages(options);
  const aborted = new AbortController();
  let monkey: Monkey | undefined;
  let safetyNet: SafetyNet | undefined;
  // Both sides of the broker count, so that there are faults while messages come in and while the last of them go out.
  const progress = (): void =>
    monkey?.reached((published.size + Math.min(deliveries.messages, messages)) / (2 * messages));
  const deliveries = new Deliveries(progress);
  const stack = new Stack({ ...options, project: PROJECT, dataFolder, figures, deliveries });
  const watch = setInterval(() => {
    onLine(`${published.size} of ${messages} messages published, ${deliveries.total} delivered; ${figures.line()}`);
  }, 5_000);
  try {
    await stack.start();
    await provision(stack);
    safetyNet = new SafetyNet(PROJECT, stack.publishPort);
    monkey = new Monkey(deedsOf(options, stack, figures, random), random, (error) => aborted.abort(error));
    await publishAll(traffic(options), {
      project: PROJECT,
      port: stack.publishPort,
      random,
      signal: AbortSignal.any([aborted.signal, AbortSignal.timeout(options.deadlineMs)]),
      onPublished: (message) => {
        published.set(message.number, message);
        figures.add("events published", message.events.length);
        progress();
      },
      onFailure: (code) => figures.add(`publish requests failed, code ${String(code)}`),
    });
    const reader = new WarehouseReader(bigQueryClient(PROJECT, true));
    await untilStill(reader, deliveries, messages, options.deadlineMs);
    await monkey.finish();
    aborted.signal.throwIfAborted();
    onLine(`the faults end; ${events} events in ${messages} messages are published`);
    await stack.calm();
    const store = await rest(stack, reader, deliveries, options);
    const [rows, history, deadLetters] = await Promise.all([reader.rows(), reader.history(), reader.deadLetters()]);
    const found = { rows, history, deadLetters, safetyNet: safetyNet.slots };
    const evidence = { ...store, ...found, deliveries: (id: string) => deliveries.of(id) };
    count(figures, published, evidence, deliveries);
    return { findings: audit(published, evidence), deaths: stack.deaths, figures: figures.all() };
  } finally {
    clearInterval(watch);
    await monkey?.stop();
    await safetyNet?.stop();
    await stack.end();
    rmSync(dataFolder, { recursive: true, force: true });
  }
}

/** The messages that the run will have: the traffic is the same each time that it is made. */
function countMessages(options: ChaosOptions): number {
  return traffic(options).reduce((sum) => sum + 1, 0);
}

async function provision(stack: Stack): Promise<void> {
  const pubsub = pubSubClient(PROJECT);
  await Promise.all([
    provisionTopics(pubsub, `http://127.0.0.1:${stack.pushPort}`),
    provisionWarehouse(bigQueryClient(PROJECT, true)),
  ]);
  await pubsub.close();
}

function deedsOf(
  options: ChaosOptions,
  stack: Stack,
  figures: Figures,
  random: Random,
): (() => Promise<void> | void)[] {
  const kills = Array.from({ length: options.kills }, (_, index) => async () => {
    const service = stack.services[index % stack.services.length] as (typeof stack.services)[number];
    // What it has just answered must be on disk. It may have nothing to answer any more.
    await Promise.race([...stack.answersOf(service), delay(ANSWER_WAIT_MS)]);
    figures.add(`kills of ${service.name}`);
    await service.end("SIGKILL");
    await service.start();
  });
  const cuts = Array.from({ length: options.cuts }, (_, index) => () => {
    const proxy = stack.proxies[index % stack.proxies.length] as (typeof stack.proxies)[number];
    proxy.cut(random);
    figures.add("connections cut");
  });
  return shuffled([...kills, ...cuts], random);
}

/** Waits until every message has set out and there are no new rows for a moment: up to then, faults are to go on. */
async function untilStill(
  reader: WarehouseReader,
  deliveries: Deliveries,
  messages: number,
  deadlineMs: number,
): Promise<void> {
  const giveUpAt = performance.now() + deadlineMs;
  let rows = 0;
  for (let still = 0; still < STILL_POLLS && performance.now() < giveUpAt; still += 1) {
    await delay(POLL_MS);
    // The warehouse may have been killed at this moment.
    const now = await reader.countRows().catch(() => Number.NaN);
    if (now !== rows || deliveries.messages < messages) still = 0;
    rows = now;
  }
}

/**
 * Waits until the broker has nothing left to deliver, and says what it has stored; it is stopped then. Only a broker that is stopped can be
 * asked for certain, so it is stopped when nothing seems to happen any more, and started again when it has something left.
 */
async function rest(
  stack: Stack,
  reader: WarehouseReader,
  deliveries: Deliveries,
  { deadlineMs, onLine }: ChaosOptions,
): Promise<BrokerStore> {
  const giveUpAt = performance.now() + deadlineMs;
  for (;;) {
    let state = "";
    while (performance.now() < giveUpAt) {
      const now = `${await reader.countRows()} rows after ${deliveries.total} deliveries`;
      if (now === state) break;
      state = now;
      await delay(POLL_MS);
    }
    await stack.broker.end("SIGTERM");
    const store = readBrokerStore(stack.brokerFolder, PROJECT);
    onLine(`${state}; ${store.undelivered} messages are left`);
    if (store.undelivered === 0) return store;
    if (performance.now() > giveUpAt) {
      throw new Error(
        `${store.undelivered} messages were not acknowledged within ${deadlineMs / 1000} s after the faults; ${state}.\n` +
          stack.lastLines.join("\n"),
      );
    }
    await stack.broker.start();
  }
}

function count(
  figures: Figures,
  published: ReadonlyMap<number, Published>,
  evidence: Evidence & BrokerStore,
  deliveries: Deliveries,
): void {
  const { stored, rows, history, deadLetters } = evidence;
  figures.add("messages published", published.size);
  figures.add("messages stored though their publish failed", stored.length - published.size);
  figures.add("pushes", deliveries.total);
  figures.add("dead letters pulled from the safety net", evidence.safetyNet.length);
  figures.add(
    "rows",
    rows.reduce((sum, { copies }) => sum + copies, 0),
  );
  figures.add("entries in the history", history.length);
  figures.add("entries in conflict", history.filter(({ conflict }) => conflict).length);
  figures.add("dead letters", deadLetters.length);
  for (const { reason } of deadLetters) figures.add(`dead letters ${reason}`);
}
