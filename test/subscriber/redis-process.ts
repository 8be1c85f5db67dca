import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";

const program = (process.env["PATH"] ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "redis-server"))
  .find(isExecutable);

/** The option of node:test: false, or why a test with a real Redis cannot run. */
export const skip: string | false = program === undefined ? "redis-server is not installed" : false;

export interface RedisProcess {
  readonly port: number;
  /** Sends a signal to the server, and waits for its end when that ends it. */
  kill(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<void>;
}

/** Starts a Redis that keeps nothing on disk, and waits until it takes connections. */
export async function startRedis(settings: readonly string[] = [], port?: number): Promise<RedisProcess> {
  const folder = mkdtempSync(join(tmpdir(), "indelible-redis-"));
  const chosen = port ?? (await freePort());
  const args = ["--port", String(chosen), "--bind", "127.0.0.1", "--save", "", "--dir", folder, ...settings];
  const child = spawn(program as string, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit").finally(() => rmSync(folder, { recursive: true }));
  const lines = createInterface(child.stdout);
  const ready = new Promise<boolean>((resolve) =>
    lines.on("line", (line) => line.includes("Ready to accept connections") && resolve(true)),
  );
  if (!(await Promise.race([ready, exited.then(() => false)])))
    throw new Error("redis-server ended before it was ready");
  return {
    port: chosen,
    async kill(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      if (signal === "SIGKILL") await exited;
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
