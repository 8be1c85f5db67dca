import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A service of ours in a process of its own. */
export interface ServiceProcess {
  readonly process: ChildProcess;
  /** What it printed when it was ready. */
  readonly ready: { readonly port: number; readonly grpcPort?: number; readonly host?: string };
  /** All that it wrote to stderr so far. */
  readonly errors: () => string;
  /** Ends it and waits until it has ended. Default SIGTERM. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts `script`, a path from the root of the repository, and waits for its line of readiness. */
export async function startService(
  script: string,
  args: readonly string[],
  env: { readonly [name: string]: string } = {},
): Promise<ServiceProcess> {
  const path = fileURLToPath(new URL(`../${script}`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const firstLine = once(createInterface(child.stdout), "line") as Promise<[string]>;
  const line = await Promise.race([firstLine, exited.then(() => undefined)]);
  if (line === undefined) throw new Error(`${script} ended before it was ready:\n${errors}`);
  return {
    process: child,
    ready: JSON.parse(line[0]) as ServiceProcess["ready"],
    errors: () => errors,
    async stop(signal = "SIGTERM") {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await exited;
    },
  };
}
