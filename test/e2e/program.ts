import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const framework = "@google-cloud/functions-framework";

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
