import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  DEFAULT_TOPIC_PREFIX,
  ingestedTables,
  pushSubscriptionOf,
  RAW_DATASET,
  topicOf,
} from "@indelible/schemas/names.ts";
import { pubSubClient } from "../../cli/clients.ts";
import { askNoMetadataServer } from "../../cli/environment.ts";
import type { Figures } from "../chaos/figures.ts";
import { Service, type ServiceOptions } from "../chaos/service.ts";
import { readBrokerStore, type BrokerStore } from "./broker-store.ts";

export interface ServicesOptions {
  readonly seed: number;
  readonly project: string;
  readonly dataFolder: string;
  readonly figures: Figures;
}

const RETENTION_SECONDS = 31 * 86_400;
const FAULT = /A fault was injected (\{.*\})/;

/** The real broker, which fails on purpose while victims run; and, at the end, the real warehouse and function. */
export class Services {
  readonly broker: Service;
  readonly function: Service;
  /** Deaths that nobody asked for. */
  readonly deaths: string[] = [];
  readonly #warehouse: Service;
  readonly #options: ServicesOptions;
  readonly #brokerFolder: string;
  #isFailing = true;
  #isBrokerUp = false;

  constructor(options: ServicesOptions) {
    const { project, dataFolder } = options;
    this.#options = options;
    this.#brokerFolder = join(dataFolder, "pubsub");
    this.broker = this.#service("broker", "local/pubsub/main.ts", ["port"], (launch) => ({
      arguments: ["--data", this.#brokerFolder, ...this.#faults(launch)],
      environment: {},
    }));
    this.#warehouse = this.#service("warehouse", "local/bigquery/main.ts", ["port", "grpcPort"], () => ({
      arguments: ["--data", join(dataFolder, "bigquery")],
      environment: {},
    }));
    this.function = this.#service("function", "subscriber/main.ts", ["port"], () => ({
      arguments: [],
      environment: {
        GOOGLE_CLOUD_PROJECT: project,
        INDELIBLE_TOPIC_PREFIX: DEFAULT_TOPIC_PREFIX,
        INDELIBLE_DATASET: RAW_DATASET,
        BIGQUERY_STORAGE_HOST: `127.0.0.1:${this.#warehouse.port("grpcPort")}`,
      },
    }));
  }

  /** Starts the broker, and makes topics and subscriptions that keep what is published until there is a function. */
  async start(): Promise<void> {
    askNoMetadataServer();
    await this.brokerUp();
    process.env["PUBSUB_EMULATOR_HOST"] = `127.0.0.1:${this.broker.port()}`;
    const pubsub = pubSubClient(this.#options.project);
    await Promise.all(
      ingestedTables.map(async (table) => {
        const name = topicOf(table);
        await pubsub.createTopic({ name, messageRetentionDuration: { seconds: RETENTION_SECONDS } });
        await pubsub.createSubscription(name, pushSubscriptionOf(name));
      }),
    );
    await pubsub.close();
  }

  async brokerUp(): Promise<void> {
    if (this.#isBrokerUp) return;
    await this.broker.start();
    this.#isBrokerUp = true;
  }

  async brokerDown(): Promise<void> {
    this.#isBrokerUp = false;
    this.#options.figures.add("outages of the broker");
    await this.broker.end("SIGKILL");
  }

  /** Starts the broker again without faults. */
  async calm(): Promise<void> {
    this.#isFailing = false;
    await this.#restart();
  }

  /** What the broker has stored. It is stopped for it. */
  async store(): Promise<BrokerStore> {
    let store: BrokerStore | undefined;
    await this.#restart(() => (store = readBrokerStore(this.#brokerFolder, this.#options.project)));
    return store!;
  }

  async undelivered(): Promise<number> {
    return (await this.store()).undelivered;
  }

  async startSubscriber(): Promise<void> {
    await this.#warehouse.start();
    process.env["BIGQUERY_EMULATOR_HOST"] = `http://127.0.0.1:${this.#warehouse.port()}`;
    await this.function.start();
  }

  async end(): Promise<void> {
    await Promise.all([this.broker, this.#warehouse, this.function].map((service) => service.end("SIGKILL")));
  }

  async #restart(whileDown: () => void = () => {}): Promise<void> {
    await this.broker.end("SIGTERM");
    whileDown();
    await this.broker.start();
    this.#isBrokerUp = true;
  }

  #faults(launch: number): string[] {
    if (!this.#isFailing) return [];
    const publish = {
      // Once in every launch, so that even a short run has each.
      refuse: { rate: 0.05, at: [3] },
      "cut-after": { rate: 0.08, at: [5] },
      delay: { rate: 0.2, maxDelayMs: 100 },
    };
    return ["--faults", JSON.stringify({ seed: this.#options.seed * 1000 + launch, publish })];
  }

  #service(name: string, script: string, portNames: readonly string[], launchOf: ServiceOptions["launchOf"]): Service {
    const path = fileURLToPath(new URL(`../../${script}`, import.meta.url));
    const onDeath = (reason: string): void => void this.deaths.push(reason);
    const onLine = (line: string): void => {
      const [, fault] = FAULT.exec(line) ?? [];
      if (fault === undefined) return;
      const { point, kind } = JSON.parse(fault) as { point: string; kind: string };
      this.#options.figures.add(`faults of the ${name}: ${point} ${kind}`);
    };
    return new Service({ name, path, portNames, launchOf, onLine, onDeath });
  }
}
