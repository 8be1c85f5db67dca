/**
 * What is deployed, its size and how long it takes from starting the process to being of use: `npm run build && node bench/cold-start.bench.ts
 * [--rounds 11]`. The function is of use when it has answered its first push with 204, against a write API on this machine that answers at once; the
 * sealer when it answers; the worker when it says that it is ready. In turn, bundled and from the sources.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { answers, scriptedWriteApi } from "../test/subscriber/scripted-write-api.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "11" } } });
const path = (relative: string): string => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const framework = path("node_modules/@google-cloud/functions-framework/build/src/main.js");
const api = await scriptedWriteApi(answers.ok);
const scratch = mkdtempSync(`${tmpdir()}/indelible-cold-start-`);

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
const push = { method: "POST", headers: { "content-type": "application/json" }, body };

interface Program {
  /** What Node is told. */
  readonly command: readonly string[];
  readonly env?: { readonly [name: string]: string };
  /** What is asked until it is answered; default: nothing, it says itself when it is ready. */
  readonly ask?: { readonly path: string; readonly request?: RequestInit };
}

const functionOf = (source: string): Program => ({
  command: [framework, `--source=${path(source)}`, "--target=ingest"],
  ask: { path: "/conversations", request: push },
});
const sealerOf = (source: string): Program => ({
  command: [framework, `--source=${path(source)}`, "--target=seal"],
  ask: { path: "/healthz" },
});
const workerOf = (source: string): Program => ({ command: [path(source), "--table", "conversations"] });
const withCache: Program["env"] = { NODE_COMPILE_CACHE: `${scratch}/cache` };

const programs: { readonly [name: string]: Program } = {
  function: functionOf("dist/function/index.js"),
  "function, sources": functionOf("subscriber/function.ts"),
  "function, NODE_COMPILE_CACHE filled": { ...functionOf("dist/function/index.js"), env: withCache },
  "function, --enable-source-maps": {
    ...functionOf("dist/function/index.js"),
    env: { NODE_OPTIONS: "--enable-source-maps" },
  },
  sealer: sealerOf("dist/sealer/index.js"),
  "sealer, sources": sealerOf("ledger/function.ts"),
  worker: workerOf("dist/worker/index.js"),
  "worker, sources": workerOf("subscriber/worker.ts"),
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Milliseconds from the start until it is of use: of the clock, and of the CPU, which says more on a machine that others use too. */
interface Start {
  readonly wallMs: number;
  readonly cpuMs: number;
}

async function coldStart({ command, env, ask }: Program, signal: NodeJS.Signals = "SIGKILL"): Promise<Start> {
  const port = await freePort();
  const startMs = performance.now();
  const child = spawn(process.execPath, [...command, `--port=${port}`], {
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: undefined,
      NODE_ENV: "production",
      GOOGLE_CLOUD_PROJECT: "bench",
      PUBSUB_EMULATOR_HOST: "127.0.0.1:9",
      BIGQUERY_STORAGE_HOST: `127.0.0.1:${api.port}`,
      INDELIBLE_LEDGER_STORE: `${scratch}/store`,
      INDELIBLE_LEDGER_KEYS: `${scratch}/keys`,
      ...env,
    },
    stdio: ["ignore", ask === undefined ? "pipe" : "ignore", ask === undefined ? "ignore" : "inherit"],
  });
  const exited = once(child, "exit");
  try {
    if (child.stdout !== null) await once(child.stdout, "data");
    else await answered(`http://127.0.0.1:${port}${ask?.path}`, ask?.request, () => child.exitCode === null);
    return { wallMs: performance.now() - startMs, cpuMs: cpuMsOf(child.pid ?? 0) };
  } finally {
    child.kill(signal);
    await exited;
  }
}

/** User and system, all threads; in ticks of 10 ms. Linux only. */
function cpuMsOf(pid: number): number {
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "";
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
    .map(Number);
  return ((user ?? Number.NaN) + (system ?? Number.NaN)) * 10;
}

async function answered(url: string, request: RequestInit | undefined, isAlive: () => boolean): Promise<void> {
  for (;;) {
    try {
      const response = await fetch(url, request);
      if (response.ok) return;
      throw new Error(`answered ${response.status}`, { cause: await response.text() });
    } catch (error) {
      // Not listening yet.
      if (!(error instanceof TypeError) || !isAlive()) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

// What a process has compiled is kept when it ends in peace.
await coldStart(programs["function, NODE_COMPILE_CACHE filled"] as Program, "SIGTERM");
const results = new Map<string, Start[]>(Object.keys(programs).map((name) => [name, []]));
for (let round = 0; round < Number(values.rounds); round += 1) {
  for (const [name, program] of Object.entries(programs)) results.get(name)?.push(await coldStart(program));
}
api.close();
await api.client.close();
rmSync(scratch, { recursive: true });

console.log(`${cpus()[0]?.model ?? "unknown CPU"}, ${availableParallelism()} cores, Node ${process.version}`);
console.table(
  Object.fromEntries(
    [...results].map(([name, starts]) => {
      const wall = starts.map(({ wallMs }) => wallMs).toSorted((a, b) => a - b);
      const cpu = starts.map(({ cpuMs }) => cpuMs).toSorted((a, b) => a - b);
      const middle = Math.floor(starts.length / 2);
      const row = { "min ms": wall[0], "median ms": wall[middle], "max ms": wall.at(-1), "median CPU ms": cpu[middle] };
      return [name, Object.fromEntries(Object.entries(row).map(([of, ms]) => [of, Math.round(ms ?? Number.NaN)]))];
    }),
  ),
);
console.table(
  Object.fromEntries(
    ["function", "sealer", "worker"].map((name) => {
      const program = readFileSync(path(`dist/${name}/index.js`));
      const files = readdirSync(path(`dist/${name}`)).filter((file) => !file.endsWith(".map"));
      const folder = files.reduce((sum, file) => sum + statSync(path(`dist/${name}/${file}`)).size, 0);
      return [
        name,
        { "index.js": program.length, "gzip -9": gzipSync(program, { level: 9 }).length, "folder without map": folder },
      ];
    }),
  ),
);
