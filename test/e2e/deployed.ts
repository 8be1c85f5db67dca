/** What is deployed, built into a folder of its own and started as the cloud would, and the local services that it works against. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { accessAuditTopic } from "@indelible/schemas/names.ts";
import { bigQueryClient } from "../../cli/clients.ts";
import { provideAccess, type Access } from "../../cli/dev/access.ts";
import { provisionWarehouse } from "../../cli/dev/provision.ts";
import { applyEnvironment, type Environment } from "../../cli/environment.ts";
import { ledgerVariables } from "../../cli/ledger-folders.ts";
import { startService, type ServiceProcess } from "../processes.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const framework = "@google-cloud/functions-framework";

/** The folders that `npm run build` makes, elsewhere: nothing of the checkout is above them. To be removed. */
export class Deployables implements Disposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async build(): Promise<Deployables> {
    const path = realpathSync(mkdtempSync(join(tmpdir(), "indelible-deployed-")));
    const build = (program: string): Promise<unknown> =>
      promisify(execFile)(process.execPath, [join(root, program), path]);
    await Promise.all([build("subscriber/bundle.ts"), build("ledger/bundle.ts")]);
    return new Deployables(path);
  }

  folder(name: string): string {
    return join(this.path, name);
  }

  read(name: string, file: string): string {
    return readFileSync(join(this.path, name, file), "utf8");
  }

  /** Packages of the lock file, by where they are installed. */
  locked(name: string): [path: string, entry: LockedPackage][] {
    const { packages } = JSON.parse(this.read(name, "package-lock.json")) as {
      packages: { [path: string]: LockedPackage };
    };
    return Object.entries(packages).filter(([path]) => path !== "");
  }

  /** What `npm ci` would install for the function, from what is installed here: the sealer has the same. */
  install(): void {
    for (const [path] of this.locked("function")) {
      cpSync(join(root, path), join(this.folder("function"), path), {
        recursive: true,
        filter: (source) => !source.slice(root.length + path.length).includes("/node_modules"),
      });
    }
    symlinkSync(join(this.folder("function"), "node_modules"), join(this.folder("sealer"), "node_modules"));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

export interface LockedPackage {
  readonly version: string;
  readonly resolved?: string;
  readonly integrity: string;
}

/** A deployed program in a process of its own. */
export class Program {
  readonly process: ChildProcess;
  #errors = "";
  #out = "";
  readonly #exit: Promise<unknown>;

  /** @param env all that it has, but for the path to Node */
  constructor(folder: string, args: readonly string[], env: { readonly [name: string]: string }) {
    this.process = spawn(process.execPath, args, {
      cwd: folder,
      env: { NODE_ENV: "production", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process.stdout?.setEncoding("utf8").on("data", (text: string) => (this.#out += text));
    this.process.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#errors += text));
    this.#exit = once(this.process, "close");
  }

  get out(): string {
    return this.#out;
  }

  get errors(): string {
    return this.#errors;
  }

  /** Waits until `ready` gives something. */
  async until<T>(ready: () => Promise<T | undefined> | T | undefined): Promise<T> {
    for (;;) {
      const found = await ready();
      if (found !== undefined) return found;
      if (this.process.exitCode !== null) throw new Error(`it ended:\n${this.#errors}${this.#out}`);
      await delay(10);
    }
  }

  async ended(): Promise<void> {
    await this.#exit;
  }

  async stop(): Promise<void> {
    this.process.kill("SIGTERM");
    await this.#exit;
  }
}

/**
 * Starts a function by the command and with the variables that Google's buildpack gives it, and waits until it answers.
 * @returns with where it is
 */
export async function startFunction(
  folder: string,
  target: string,
  env: { readonly [name: string]: string },
): Promise<{ readonly program: Program; readonly origin: string }> {
  const { bin } = JSON.parse(readFileSync(join(folder, "node_modules", framework, "package.json"), "utf8")) as {
    bin: { [name: string]: string };
  };
  const port = await freePort();
  const program = new Program(folder, [join("node_modules", framework, bin["functions-framework"] ?? "")], {
    PORT: String(port),
    K_SERVICE: target,
    FUNCTION_TARGET: target,
    FUNCTION_SIGNATURE_TYPE: "http",
    ...env,
  });
  const origin = `http://127.0.0.1:${port}`;
  await program.until(async () => (await fetch(`${origin}/healthz`).catch(() => undefined))?.ok);
  return { program, origin };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

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
