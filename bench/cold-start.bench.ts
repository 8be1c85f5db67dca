/**
 * From starting a process to its first 2xx: `npm run build && node bench/cold-start.bench.ts [--rounds 11]`. The bundled function and the sources,
 * in turn, under Google's functions-framework, against a write API on this machine that answers at once.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { answers, scriptedWriteApi } from "../test/subscriber/scripted-write-api.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "11" } } });
const path = (relative: string): string => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const framework = path("node_modules/@google-cloud/functions-framework/build/src/main.js");
const api = await scriptedWriteApi(answers.ok);

const event = {
  agent_position: "CFO",
  business_id: "acme",
  conversation_id: "c1",
  log_id: "00000000-0000-7000-8000-000000000001",
  started_at: "2026-01-31T09:30:00Z",
};
const body = JSON.stringify({
  message: {
    data: Buffer.from(JSON.stringify(event)).toString("base64"),
    messageId: "1",
    publishTime: "2026-01-31T09:30:01Z",
  },
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Milliseconds from the start to the answer 204, which is given when the event's row was acknowledged. */
async function coldStart(source: string): Promise<number> {
  const port = await freePort();
  const startMs = performance.now();
  const child = spawn(process.execPath, [framework, `--source=${source}`, "--target=ingest", `--port=${port}`], {
    env: {
      ...process.env,
      NODE_ENV: "production",
      GOOGLE_CLOUD_PROJECT: "bench",
      PUBSUB_EMULATOR_HOST: "127.0.0.1:9",
      BIGQUERY_STORAGE_HOST: `127.0.0.1:${api.port}`,
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const exited = once(child, "exit");
  try {
    for (;;) {
      try {
        const response = await fetch(`http://127.0.0.1:${port}/conversations`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body,
        });
        if (response.status === 204) return performance.now() - startMs;
        throw new Error(`answered ${response.status}`, { cause: await response.text() });
      } catch (error) {
        // Not listening yet.
        if (!(error instanceof TypeError) || child.exitCode !== null) throw error;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
}

const sources = {
  "bundled (dist/function)": path("dist/function"),
  "sources (subscriber/function.ts)": path("subscriber"),
};
const results = new Map<string, number[]>(Object.keys(sources).map((name) => [name, []]));
for (let round = 0; round < Number(values.rounds); round += 1) {
  for (const [name, source] of Object.entries(sources)) {
    // The framework finds a package's main file, and the sources have none.
    const file = name.startsWith("sources") ? `${source}/function.ts` : `${source}/index.js`;
    results.get(name)?.push(await coldStart(file));
  }
}
api.close();
await api.client.close();

console.log(`${cpus()[0]?.model ?? "unknown CPU"}, ${availableParallelism()} cores, Node ${process.version}`);
console.table(
  Object.fromEntries(
    [...results].map(([name, ms]) => {
      const sorted = ms.toSorted((a, b) => a - b);
      const at = (index: number): number => Math.round(sorted[index] ?? Number.NaN);
      return [
        name,
        { "min ms": at(0), "median ms": at(Math.floor(sorted.length / 2)), "max ms": at(sorted.length - 1) },
      ];
    }),
  ),
);
