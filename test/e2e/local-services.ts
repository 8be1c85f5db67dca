import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accessAuditTopic } from "@indelible/schemas/names.ts";
import { bigQueryClient } from "../../cli/clients.ts";
import { provideAccess, type Access } from "../../cli/dev/access.ts";
import { provisionWarehouse } from "../../cli/dev/provision.ts";
import { applyEnvironment, type Environment } from "../../cli/environment.ts";
import { ledgerVariables } from "../../cli/ledger-folders.ts";
import { startService, type ServiceProcess } from "../processes.ts";

/** A broker and a warehouse with every table and view, as `indelible dev` has them; this process finds them in its environment. To be closed. */
export class LocalServices {
  readonly project = "deployed-test";
  readonly data: string;
  readonly #access: Access;
  readonly #broker: ServiceProcess;
  readonly #warehouse: ServiceProcess;

  private constructor(data: string, access: Access, broker: ServiceProcess, warehouse: ServiceProcess) {
    this.data = data;
    this.#access = access;
    this.#broker = broker;
    this.#warehouse = warehouse;
  }

  static async start(): Promise<LocalServices> {
    const data = mkdtempSync(join(tmpdir(), "indelible-deployed-data-"));
    const access = provideAccess(data);
    const broker = await startService("local/pubsub/main.ts", ["--data", join(data, "pubsub"), "--port", "0"]);
    const audit = `projects/deployed-test/topics/${accessAuditTopic()}`;
    const warehouse = await startService(
      "local/bigquery/main.ts",
      [
        "--data",
        join(data, "bigquery"),
        "--port",
        "0",
        "--grpc-port",
        "0",
        "--access",
        access.path,
        "--audit-topic",
        audit,
      ],
      { PUBSUB_EMULATOR_HOST: `127.0.0.1:${broker.ready.port}` },
    );
    const services = new LocalServices(data, access, broker, warehouse);
    applyEnvironment(services.#environment);
    await provisionWarehouse(bigQueryClient(services.project, true, access.token("admin")));
    return services;
  }

  get #environment(): Environment {
    return {
      GOOGLE_CLOUD_PROJECT: this.project,
      PUBSUB_EMULATOR_HOST: `127.0.0.1:${this.#broker.ready.port}`,
      CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB: "",
      BIGQUERY_EMULATOR_HOST: `http://127.0.0.1:${this.#warehouse.ready.port}`,
      BIGQUERY_STORAGE_HOST: `127.0.0.1:${this.#warehouse.ready.grpcPort}`,
    };
  }

  /** What a program is told that writes to the tables, or seals them. */
  variables(role: "writer" | "sealer"): { readonly [name: string]: string } {
    const { GOOGLE_CLOUD_PROJECT, PUBSUB_EMULATOR_HOST, BIGQUERY_STORAGE_HOST } = this.#environment;
    return {
      GOOGLE_CLOUD_PROJECT,
      PUBSUB_EMULATOR_HOST,
      BIGQUERY_STORAGE_HOST,
      INDELIBLE_WAREHOUSE_TOKEN: this.#access.token(role),
      ...(role === "sealer" && { ...ledgerVariables(this.data), INDELIBLE_LEDGER_MARGIN_SECONDS: "0" }),
    };
  }

  async close(): Promise<void> {
    await this.#broker.stop();
    await this.#warehouse.stop();
    rmSync(this.data, { recursive: true });
  }
}
