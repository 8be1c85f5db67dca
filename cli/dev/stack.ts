import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { accessAuditTopic, DEFAULT_TOPIC_PREFIX, RAW_DATASET, VIEWS_DATASET } from "@indelible/schemas/names.ts";
import type { Environment } from "../environment.ts";
import { ledgerVariables } from "../ledger-folders.ts";
import type { Access } from "./access.ts";
import { addresses, Service } from "./service.ts";
import type { UsualPorts } from "./usual-ports.ts";

/** Broker, warehouse, function and sealer of one machine, running. */
export interface Stack {
  readonly environment: Environment;
  /** Where the broker is to push to: the function. */
  readonly functionOrigin: string;
  stop(): Promise<void>;
  /** Ends all at once, without waiting. */
  kill(): void;
}

export interface StackOptions {
  readonly project: string;
  readonly dataFolder: string;
  readonly access: Access;
  readonly usualPorts: UsualPorts;
  readonly onLine: (line: string) => void;
}

/**
 * Starts the four services, each on its usual port or a free one.
 *
 * @param signal ends what has been started when it is aborted while others are still starting
 * @throws ERR_SERVICE_DIED or ERR_DEADLINE, after ending those that had started
 */
export async function startStack(options: StackOptions, signal: AbortSignal): Promise<Stack> {
  const { project, dataFolder, access, usualPorts, onLine } = options;
  const services: Service[] = [];
  const start = async (service: Service): Promise<Service> => {
    signal.throwIfAborted();
    services.push(service);
    await service.start();
    onLine(`${service.name}: ready on ${addresses(service.ports)}`);
    return service;
  };
  const kill = (): void => services.forEach((service) => service.kill());
  signal.addEventListener("abort", kill, { once: true });
  try {
    const broker = await start(
      new Service({
        name: "pubsub",
        path: pathOf("@indelible/local/pubsub/main.ts"),
        arguments: ["--data", join(dataFolder, "pubsub")],
        environment: {},
        usualPorts: usualPorts.of({ port: 8085, restPort: 8086 }),
        onLine,
      }),
    );
    const pubsubHost = `127.0.0.1:${broker.ports["port"]}`;
    const auditTopic = `projects/${project}/topics/${accessAuditTopic()}`;
    const warehouse = await start(
      new Service({
        name: "bigquery",
        path: pathOf("@indelible/local/bigquery/main.ts"),
        arguments: ["--data", join(dataFolder, "bigquery"), "--access", access.path, "--audit-topic", auditTopic],
        environment: { PUBSUB_EMULATOR_HOST: pubsubHost },
        usualPorts: usualPorts.of({ port: 9050, grpcPort: 9060 }),
        onLine,
      }),
    );
    const environment: Environment = {
      GOOGLE_CLOUD_PROJECT: project,
      PUBSUB_EMULATOR_HOST: pubsubHost,
      CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB: `http://127.0.0.1:${broker.ports["restPort"]}/`,
      BIGQUERY_EMULATOR_HOST: `http://127.0.0.1:${warehouse.ports["port"]}`,
      BIGQUERY_STORAGE_HOST: `127.0.0.1:${warehouse.ports["grpcPort"]}`,
    };
    const startReceiver = start(
      new Service({
        name: "function",
        path: pathOf("@indelible/subscriber/main.ts"),
        arguments: [],
        // The defaults by name: what the shell sets for the cloud is not meant here.
        environment: {
          ...environment,
          INDELIBLE_TOPIC_PREFIX: DEFAULT_TOPIC_PREFIX,
          INDELIBLE_DATASET: RAW_DATASET,
          INDELIBLE_VIEWS_DATASET: VIEWS_DATASET,
          INDELIBLE_WAREHOUSE_TOKEN: access.token("writer"),
        },
        usualPorts: usualPorts.of({ port: 8080 }),
        onLine,
      }),
    );
    const startSealer = start(
      new Service({
        name: "sealer",
        path: pathOf("@indelible/ledger/main.ts"),
        arguments: [],
        environment: {
          ...environment,
          ...ledgerVariables(dataFolder),
          INDELIBLE_DATASET: RAW_DATASET,
          INDELIBLE_VIEWS_DATASET: VIEWS_DATASET,
          INDELIBLE_WAREHOUSE_TOKEN: access.token("sealer"),
        },
        usualPorts: usualPorts.of({ port: 8081 }),
        onLine,
      }),
    );
    const [receiver, sealer] = await Promise.all([startReceiver, startSealer]);
    signal.throwIfAborted();
    return {
      environment,
      functionOrigin: `http://127.0.0.1:${receiver.ports["port"]}`,
      kill,
      async stop() {
        // The broker first, so that nothing new comes; what the others have begun they can end. What is not
        // acknowledged is delivered again after the next start, and so are the records of the last reads.
        for (const service of [broker, receiver, sealer, warehouse]) await service.stop();
      },
    };
  } catch (error) {
    await Promise.all(services.map((service) => service.stop()));
    throw error;
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

/** Programs are found as packages and run as processes: nothing here imports `local` or `subscriber`. */
function pathOf(specifier: string): string {
  return fileURLToPath(import.meta.resolve(specifier));
}
