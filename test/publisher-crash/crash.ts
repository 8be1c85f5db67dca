import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "../../local/random.ts";
import { Figures } from "../chaos/figures.ts";
import { Lane } from "./lane.ts";
import { Ledger } from "./ledger.ts";
import { audit, isTornEnd, type Evidence, type Finding } from "./oracle.ts";
import { Outages } from "./outages.ts";
import { Planner } from "./plan.ts";
import { Services } from "./services.ts";
import { Executioner } from "./victim-process.ts";
import { ingestAll } from "./warehouse.ts";

export interface CrashOptions {
  readonly seed: number;
  /** How many processes are killed, about: a round is not cut. */
  readonly kills: number;
  /** How many spools are in use at a time, each by one process or a few. */
  readonly lanes: number;
  /** How often the broker is killed, and started again some kills later. */
  readonly outages: number;
  /** One in so many processes logs 10,000 events in a tick. */
  readonly floodEvery: number;
  /** The time that most processes have to send everything. */
  readonly flushDeadlineMs: number;
  /** Whether what arrived is read from the warehouse; otherwise from the broker, by the subscriber's `decode`. */
  readonly throughWarehouse: boolean;
  readonly onLine: (line: string) => void;
  /** Ends the run. */
  readonly signal?: AbortSignal | undefined;
}

export interface CrashReport {
  /** Empty when every event is accounted for. */
  readonly findings: readonly Finding[];
  readonly figures: { readonly [name: string]: number };
}

const PROJECT = "crash";
const INGEST_DEADLINE_MS = 600_000;
const LINE_EVERY_KILLS = 25;

/**
 * Kills processes that log with a spool, lets others adopt what they left, and accounts for each `log_id` that a finished tick had returned.
 *
 * The seed decides who logs what, with which settings, and when he is killed. How that falls together with what the
 * process does at the time it does not: two runs with one seed are alike, not equal.
 *
 * @throws {Error} when a service does not start, or the run is ended
 */
export async function runCrash(options: CrashOptions): Promise<CrashReport> {
  const { seed, kills, onLine, signal } = options;
  const dataFolder = mkdtempSync(join(tmpdir(), "indelible-crash-"));
  const figures = new Figures();
  const ledger = new Ledger();
  const services = new Services({ seed, project: PROJECT, dataFolder, figures });
  const random = seededRandom(seed, "outages");
  const aborted = new AbortController();
  const isOver = AbortSignal.any([aborted.signal, ...(signal === undefined ? [] : [signal])]);
  const outages = new Outages(services, { count: options.outages, kills }, random, (error) => aborted.abort(error));
  const executioner = new Executioner();
  isOver.addEventListener("abort", () => void executioner.end());
  let killed = 0;
  const onKill = (): void => {
    killed += 1;
    outages.reached(killed);
    if (killed % LINE_EVERY_KILLS === 0) {
      onLine(
        `${killed} of ${kills} killed, ${ledger.returnedEvents} events returned, ${ledger.damages.length} damaged`,
      );
    }
  };
  try {
    await services.start();
    const env = environment(services, dataFolder);
    const lanes = Array.from({ length: options.lanes }, (_, lane) => {
      const directory = join(dataFolder, `spool-${lane}`);
      const planner = new Planner(seededRandom(seed, `plan ${lane}`), directory, { ...options, prefix: `v${lane}` });
      const damage = seededRandom(seed, `damage ${lane}`);
      return new Lane({ directory, planner, executioner, env, random: damage, ledger, figures, onKill });
    });
    // Fills the compile cache, which halves the start of all that follow.
    await lanes[0]!.finish();
    const work = async (lane: Lane): Promise<void> => {
      while (killed < kills && !isOver.aborted) await lane.round();
    };
    await Promise.all(lanes.map(work));
    await outages.end();
    isOver.throwIfAborted();
    onLine("no more kills: the last recoveries, with a broker that does not fail");
    await services.calm();
    await Promise.all(lanes.map((lane) => lane.finish()));
    isOver.throwIfAborted();
    onLine("what arrived is held against what was logged");
    const evidence = await evidenceOf(options, services, figures, dataFolder);
    ledger.troubles.push(...services.deaths);
    count(figures, ledger, evidence);
    return { findings: audit(ledger, evidence), figures: figures.all() };
  } finally {
    aborted.abort();
    await executioner.end();
    await outages.stop();
    await services.end();
    rmSync(dataFolder, { recursive: true, force: true });
  }
}

/** Nothing of this process's own Google settings. */
function environment(services: Services, dataFolder: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    HOME: dataFolder,
    METADATA_SERVER_DETECTION: "none",
    PUBSUB_EMULATOR_HOST: `127.0.0.1:${services.broker.port()}`,
    PUBSUB_PROJECT_ID: PROJECT,
    NODE_COMPILE_CACHE: join(dataFolder, "compile-cache"),
  };
}

async function evidenceOf(
  { lanes, throughWarehouse, onLine }: CrashOptions,
  services: Services,
  figures: Figures,
  dataFolder: string,
): Promise<Evidence> {
  const store = await services.store();
  figures.add("messages stored", store.messages);
  figures.add("events in all messages", store.events);
  figures.add("distinct events in all messages", store.entries.length);
  figures.add("events sent more than once, times", store.events - store.entries.length);
  const quarantine = new Map<string, Buffer>();
  const left: string[] = [];
  for (let lane = 0; lane < lanes; lane += 1) {
    const directory = join(dataFolder, `spool-${lane}`);
    for (const path of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
      const [, file] = /^quarantine\/([^/]+\.bytes)$/.exec(path) ?? [];
      if (file !== undefined) quarantine.set(file, readFileSync(join(directory, path)));
      else if (path !== "quarantine" && path !== "rejected") left.push(`spool-${lane}/${path}`);
    }
  }
  if (!throughWarehouse) return { entries: store.entries, deadLetters: store.undecodable, quarantine, left };
  const { rows, entries, deadLetters } = await ingestAll(services, PROJECT, INGEST_DEADLINE_MS, onLine);
  figures.add("rows in the warehouse", rows);
  figures.add("entries in the history views", entries.length);
  return { entries, deadLetters, quarantine, left };
}

function count(figures: Figures, ledger: Ledger, { quarantine, entries }: Evidence): void {
  figures.add("events logged", ledger.announcedEvents);
  figures.add("events returned by a finished tick", ledger.returnedEvents);
  figures.add("pieces in quarantine", quarantine.size);
  figures.add("pieces in quarantine that are ends torn off by a kill alone", unexplained(ledger, quarantine));
  figures.add(
    "bytes in quarantine",
    quarantine.values().reduce((sum, { length }) => sum + length, 0),
  );
  const arrived = new Set([...entries].map(({ logId }) => logId));
  const touched = ledger.damages.flatMap((damage) => damage.touched);
  figures.add("events touched by damage that had been sent before", touched.filter((id) => arrived.has(id)).length);
}

function unexplained(ledger: Ledger, quarantine: ReadonlyMap<string, Buffer>): number {
  const deliberate = ledger.damages.filter(({ kind }) => kind !== "torn by a kill");
  const names = new Set(deliberate.flatMap(({ quarantined }) => quarantined.map(({ name }) => name)));
  return [...quarantine].filter(([name, bytes]) => !names.has(name) && isTornEnd(bytes)).length;
}
