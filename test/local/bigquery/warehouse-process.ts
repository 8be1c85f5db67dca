import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ChildProcess } from "node:child_process";
import type { TestContext } from "node:test";

const main = fileURLToPath(new URL("../../../local/bigquery/main.ts", import.meta.url));

export type WarehouseProcess = { readonly child: ChildProcess; readonly port: number; readonly grpcPort: number };

/** The warehouse as a process of its own; killed after the test. Rejects with its stderr when it ends before it is ready. */
export async function spawnWarehouse(
  t: TestContext,
  dataDirectory: string,
  ...more: string[]
): Promise<WarehouseProcess> {
  const args = [main, "--data", dataDirectory, "--port", "0", "--grpc-port", "0", ...more];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => child.kill("SIGKILL"));
  let stderr = "";
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  const { promise, resolve, reject } = Promise.withResolvers<WarehouseProcess>();
  child.stdout.once("data", (line: Buffer) =>
    resolve({ child, ...(JSON.parse(line.toString()) as { port: number; grpcPort: number }) }),
  );
  child.once("exit", (code) => reject(new Error(`exit ${code}: ${stderr}`)));
  return promise;
}

/** Sends a signal and waits for the end. Returns the exit code; null after a kill. */
export async function end({ child }: WarehouseProcess, signal: NodeJS.Signals): Promise<number | null> {
  const exited = once(child, "exit");
  child.kill(signal);
  const [code] = (await exited) as [number | null];
  return code;
}
