import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_TOPIC_PREFIX, RAW_DATASET } from "@indelible/schemas/names.ts";
import { askNoMetadataServer } from "../../cli/environment.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Figures } from "./figures.ts";
import { Proxy } from "./proxy.ts";
import { Service, type ServiceOptions } from "./service.ts";

export interface StackOptions {
  readonly seed: number;
  readonly intensity: number;
  readonly hangs: boolean;
  readonly project: string;
  readonly dataFolder: string;
  readonly figures: Figures;
  readonly deliveries: Deliveries;
  /** Takes what the processes say, injected faults left out. */
  readonly onServiceLine?: ((line: string) => void) | undefined;
}

const MAX_LINES = 40;
const FAULT = /A fault was injected (\{.*\})/;

/**
 * Broker, warehouse and function as processes that fail on purpose, with a proxy on each way between them, and one on the way of the
 * publisher. Every launch of a process has a seed of its own, so that a restart does not repeat its first faults.
 */
export class Stack {
  readonly broker: Service;
  readonly warehouse: Service;
  readonly function: Service;
  /** Deaths that nobody asked for. */
  readonly deaths: string[] = [];
  /** The newest lines of all processes, injected faults left out. */
  readonly lastLines: string[] = [];
  readonly brokerFolder: string;
  readonly #options: StackOptions;
  #proxies: readonly [publish: Proxy, deadLetters: Proxy, append: Proxy, push: Proxy] | undefined;
  #failing = true;

  constructor(options: StackOptions) {
    this.#options = options;
    this.brokerFolder = join(options.dataFolder, "pubsub");
    this.broker = this.#service("broker", "local/pubsub/main.ts", ["port"], (launch) => ({
      arguments: ["--data", this.brokerFolder, ...this.#faults(launch, brokerFaults(options))],
      environment: {},
    }));
    this.warehouse = this.#service("warehouse", "local/bigquery/main.ts", ["port", "grpcPort"], (launch) => ({
      arguments: ["--data", join(options.dataFolder, "bigquery"), ...this.#faults(launch, warehouseFaults(options))],
      environment: {},
    }));
    this.function = this.#service("function", "subscriber/main.ts", ["port"], () => ({
      arguments: [],
      environment: {
        GOOGLE_CLOUD_PROJECT: options.project,
        INDELIBLE_TOPIC_PREFIX: DEFAULT_TOPIC_PREFIX,
        INDELIBLE_DATASET: RAW_DATASET,
        PUBSUB_EMULATOR_HOST: `127.0.0.1:${this.proxies[1].port}`,
        BIGQUERY_STORAGE_HOST: `127.0.0.1:${this.proxies[2].port}`,
      },
    }));
  }

  get services(): readonly Service[] {
    return [this.broker, this.warehouse, this.function];
  }

  get proxies(): readonly [publish: Proxy, deadLetters: Proxy, append: Proxy, push: Proxy] {
    if (this.#proxies === undefined) throw new Error("The stack has not been started.");
    return this.#proxies;
  }

  /** Each resolves in the turn in which the next answer of this process passes by. */
  answersOf(service: Service): Promise<void>[] {
    const [publish, deadLetters, append, push] = this.proxies;
    const passed = service === this.broker ? [publish, deadLetters] : service === this.warehouse ? [append] : [push];
    return passed.map((proxy) => proxy.nextAnswer());
  }

  /** Where to publish. */
  get publishPort(): number {
    return this.proxies[0].port;
  }

  /** Where the broker is to push to. */
  get pushPort(): number {
    return this.proxies[3].port;
  }

  /** Starts everything, and has Google's clients in this process use it. */
  async start(): Promise<void> {
    askNoMetadataServer();
    await Promise.all([this.broker.start(), this.warehouse.start()]);
    this.#proxies = await Promise.all([
      Proxy.start(() => this.broker.port()),
      Proxy.start(() => this.broker.port()),
      Proxy.start(() => this.warehouse.port("grpcPort")),
      Proxy.start(() => this.function.port(), this.#options.deliveries.reader),
    ]);
    await this.function.start();
    process.env["PUBSUB_EMULATOR_HOST"] = `127.0.0.1:${this.broker.port()}`;
    process.env["BIGQUERY_EMULATOR_HOST"] = `http://127.0.0.1:${this.warehouse.port()}`;
  }

  /** Starts everything again without faults. */
  async calm(): Promise<void> {
    this.#failing = false;
    for (const service of [this.broker, this.function, this.warehouse]) await service.end("SIGTERM");
    for (const service of [this.warehouse, this.function, this.broker]) await service.start();
  }

  async end(): Promise<void> {
    for (const service of this.services) await service.end("SIGKILL");
    for (const proxy of this.#proxies ?? []) proxy.close();
  }

  #faults(launch: number, settings: object): string[] {
    if (!this.#failing) return [];
    return ["--faults", JSON.stringify({ seed: this.#options.seed * 1000 + launch, ...settings })];
  }

  #service(name: string, script: string, portNames: readonly string[], launchOf: ServiceOptions["launchOf"]): Service {
    const path = fileURLToPath(new URL(`../../${script}`, import.meta.url));
    const onLine = (line: string): void => this.#take(name, line);
    const onDeath = (reason: string): void => void this.deaths.push(reason);
    return new Service({ name, path, portNames, launchOf, onLine, onDeath });
  }

  #take(name: string, line: string): void {
    const [, fault] = FAULT.exec(line) ?? [];
    if (fault === undefined) {
      if (this.lastLines.push(line) > MAX_LINES) this.lastLines.shift();
      this.#options.onServiceLine?.(line);
      return;
    }
    const { point, kind } = JSON.parse(fault) as { point: string; kind: string };
    this.#options.figures.add(`faults of the ${name}: ${point} ${kind}`);
  }
}

/** One in a hundred requests or so, times the intensity; and once in every launch, so that even a short run has each. */
function brokerFaults({ intensity }: StackOptions): object {
  return {
    publish: {
      refuse: { rate: 0.01 * intensity, at: [3] },
      "cut-after": { rate: 0.02 * intensity, at: [5] },
      delay: { rate: 0.05, maxDelayMs: 50 },
    },
    push: {
      "cut-before": { rate: 0.003 * intensity, at: [10] },
      "cut-after": { rate: 0.005 * intensity, at: [20] },
    },
    lease: { reorder: 0.2 },
    ack: { redeliver: { rate: 0.01 * intensity, at: [5] } },
    acknowledge: { "cut-after": { rate: 0.05 * intensity, at: [1] } },
  };
}

function warehouseFaults({ intensity, hangs }: StackOptions): object {
  return {
    appendRows: {
      refuse: { rate: 0.01 * intensity, at: [2] },
      "permission-denied": 0.003 * intensity,
      "cut-before": { rate: 0.005 * intensity, at: [4] },
      "cut-after": { rate: 0.01 * intensity, at: [6] },
      "row-error": { rate: 0.04 * intensity, at: [8] },
      "schema-update": { rate: 0.02 * intensity, at: [10] },
      delay: { rate: 0.05, maxDelayMs: 100 },
      ...(hangs && { "hang-before": 0.0003 * intensity, "hang-after": 0.0003 * intensity }),
    },
  };
}
