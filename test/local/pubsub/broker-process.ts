import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../../local/pubsub/main.ts", import.meta.url));

export interface BrokerProcess {
  readonly child: ChildProcess;
  readonly address: string;
}

/** Runs a broker as a process of its own and resolves when it is ready. */
export async function startBrokerProcess(dataDirectory: string, portWanted = 0): Promise<BrokerProcess> {
  const child = forkBroker("--data", dataDirectory, "--port", String(portWanted));
  const [line] = await once(child.stdout!, "data");
  const { host, port } = JSON.parse(String(line)) as { host: string; port: number };
  return { child, address: `${host}:${port}` };
}

/** Runs a broker that is to fail: its exit code and what it said on stderr. */
export async function failingBroker(...options: string[]): Promise<{ code: number; stderr: string }> {
  const child = forkBroker(...options);
  let stderr = "";
  child.stderr!.on("data", (chunk) => (stderr += String(chunk)));
  const [code] = await once(child, "close");
  return { code, stderr };
}

/** Ends it with `signal` and resolves with its exit code; null when the signal killed it. */
export async function stopProcess({ child }: BrokerProcess, signal: "SIGTERM" | "SIGKILL"): Promise<number | null> {
  const exited = once(child, "exit");
  child.kill(signal);
  const [code] = await exited;
  return code;
}

function forkBroker(...options: string[]): ChildProcess {
  return fork(MAIN, options, { stdio: ["ignore", "pipe", "pipe", "ipc"], execArgv: [] });
}
