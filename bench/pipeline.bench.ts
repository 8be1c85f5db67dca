/**
 * The whole way on this machine, from the publisher's call to a row that a query finds: `npm run bench`.
 *
 *     node bench/pipeline.bench.ts [--events 200000] [--paced-rate 5000] [--paced-seconds 15]
 *
 * Sustained: one publisher sends events of about 1 KB as fast as it is allowed, until the last is queryable. Paced: at a fixed rate, the delay from
 * the call to the moment when a query returned the event, for one event in 100. CPU is each process's own accounting
 * (Linux only), so that it is plain where the time goes.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createPublisher, type Publisher } from "@indelible/publisher";
import { RAW_DATASET } from "@indelible/schemas/names.ts";
import { bigQueryClient, pubSubClient } from "../cli/clients.ts";
import { provideAccess } from "../cli/dev/access.ts";
import { provisionTopics, provisionWarehouse } from "../cli/dev/provision.ts";
import { startStack } from "../cli/dev/stack.ts";
import { claimUsualPorts } from "../cli/dev/usual-ports.ts";
import { applyEnvironment } from "../cli/environment.ts";

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "200000" },
    "paced-rate": { type: "string", default: "5000" },
    "paced-seconds": { type: "string", default: "15" },
  },
});
const events = Number(values.events);
const pacedRate = Number(values["paced-rate"]);
const pacedSeconds = Number(values["paced-seconds"]);
const SAMPLED_ONE_IN = 100;
/** Bytes that the publisher may hold before this program waits for it. */
const MAX_QUEUED_BYTES = 48 * 1024 * 1024;

const dataFolder = mkdtempSync(join(tmpdir(), "indelible-bench-"));
const access = provideAccess(dataFolder);
const usualPorts = claimUsualPorts();
const stack = await startStack(
  { project: "bench", dataFolder, access, usualPorts, onLine: (line) => process.stderr.write(`${line}\n`) },
  new AbortController().signal,
);
try {
  applyEnvironment(stack.environment);
  const pubsub = pubSubClient("bench");
  const bigquery = bigQueryClient("bench", true, access.token("admin"));
  await Promise.all([provisionTopics(pubsub, stack.functionOrigin), provisionWarehouse(bigquery)]);
  await pubsub.close();
  const log = createPublisher({ businessId: "acme", agentPosition: "CFO", projectId: "bench" });

  async function select<Row>(query: string, params: object = {}): Promise<Row[]> {
    const [rows] = await bigquery.query({ query, params, defaultDataset: { datasetId: RAW_DATASET } });
    return rows as Row[];
  }
  const countRows = async (): Promise<number> =>
    (await select<{ n: number }>("SELECT COUNT(*) AS n FROM conversations"))[0]?.n ?? 0;

  // Warms every process up, and shows that nothing is refused.
  await publish(log, 5_000);
  await until(async () => (await countRows()) >= 5_000);

  const before = await countRows();
  const cpuBefore = cpuSeconds();
  const startMs = performance.now();
  await publish(log, events);
  await log.flush({ deadlineMs: 600_000 });
  const publishedMs = performance.now() - startMs;
  await until(async () => (await countRows()) >= before + events);
  const queryableMs = performance.now() - startMs;
  const cpuAfter = cpuSeconds();
  const extra = (await countRows()) - before - events;
  const [size] = await select<{ bytes: number }>("SELECT AVG(BYTE_LENGTH(entry)) AS bytes FROM conversations");

  const delays = await paced(log, (since) =>
    select<{ seq: number }>("SELECT seq FROM conversations WHERE seq > @since AND MOD(seq, 100) = 0", { since }),
  );
  if (log.stats().refused > 0) throw new Error(`${log.stats().refused} events were refused`);
  await log.close();

  const perSecond = (count: number, milliseconds: number): string =>
    Math.round((count / milliseconds) * 1000).toLocaleString("en");
  console.log(`\n${cpus()[0]?.model ?? "unknown CPU"}, ${availableParallelism()} cores, Node ${process.version}`);
  console.log(
    `sustained: ${events.toLocaleString("en")} events of ${Math.round(size?.bytes ?? 0)} bytes, ${extra} rows too many`,
  );
  console.table({
    "published and acknowledged": { "events/s": perSecond(events, publishedMs) },
    "queryable rows": { "events/s": perSecond(events, queryableMs) },
  });
  console.table(
    Object.fromEntries(
      Object.entries(cpuAfter).map(([name, seconds]) => [
        name,
        { "CPU us/event": (((seconds - (cpuBefore[name] ?? 0)) / events) * 1e6).toFixed(1) },
      ]),
    ),
  );
  console.log(
    `paced at ${pacedRate.toLocaleString("en")} events/s for ${pacedSeconds} s: delay from call to query result, one event in ${SAMPLED_ONE_IN}`,
  );
  const sorted = delays.toSorted((a, b) => a - b);
  const quantile = (q: number): string =>
    `${Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN)} ms`;
  console.table({ delay: { samples: sorted.length, p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) } });
} finally {
  await stack.stop();
  rmSync(dataFolder, { recursive: true });
}

function event(index: number): Parameters<Publisher["conversation"]>[0] {
  return {
    conversation_id: `conversation-${index}`,
    started_at: "2026-01-31T09:30:00.123Z",
    ended_at: "2026-01-31T09:30:07.123Z",
    duration_seconds: 7,
    model_provider: "openrouter",
    model_name: "claude-3.5-sonnet",
    input_tokens: 1200 + (index % 100),
    output_tokens: 300,
    total_tokens: 1500 + (index % 100),
    cost_usd: 0.0123,
    user_prompt_preview: `What did campaign ${index} cost us in the last quarter? `.repeat(5),
    response_preview: `Campaign ${index} cost \$${index % 1000} and brought "much". `.repeat(4),
    status: "completed",
  };
}

async function publish(to: Publisher, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    to.conversation(event(index));
    if (index % 500 === 499) {
      while (to.stats().queuedBytes > MAX_QUEUED_BYTES) await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** Publishes at the paced rate and asks, over and over, what has arrived; the delay of each sampled event in milliseconds. */
async function paced(to: Publisher, arrivedSince: (seq: number) => Promise<{ seq: number }[]>): Promise<number[]> {
  const total = pacedRate * pacedSeconds;
  const calledAt = new Map<number, number>();
  const delays: number[] = [];
  // `seq` counts every event of this publisher, so far 5,000 and those of the sustained run.
  const first = 5_000 + events;
  let sent = 0;
  const startMs = performance.now();
  const sending = setInterval(() => {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) / 1000) * pacedRate));
    for (; sent < due; sent += 1) {
      to.conversation(event(sent));
      const seq = first + sent + 1;
      if (seq % SAMPLED_ONE_IN === 0) calledAt.set(seq, performance.now());
    }
    if (sent === total) clearInterval(sending);
  }, 5);
  while (sent < total || calledAt.size > 0) {
    const arrived = await arrivedSince(Math.min(first + sent, ...calledAt.keys()) - 1);
    const nowMs = performance.now();
    for (const { seq } of arrived) {
      const called = calledAt.get(seq);
      if (called === undefined) continue;
      delays.push(nowMs - called);
      calledAt.delete(seq);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return delays;
}

async function until(done: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 300_000;
  while (!(await done())) {
    if (performance.now() > deadline) throw new Error("the rows did not arrive within 300 s");
    // Each question costs the warehouse some milliseconds, so it is not asked all the time.
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** CPU seconds so far of this process (the publisher and these queries' client) and of each service. Empty elsewhere than on Linux. */
function cpuSeconds(): { [name: string]: number } {
  const { user, system } = process.cpuUsage();
  const seconds: { [name: string]: number } = { "publisher (this process)": (user + system) / 1e6 };
  if (process.platform !== "linux") return seconds;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(fields[1]) !== process.pid) continue;
      const program = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[1] ?? pid;
      // utime and stime, in ticks of 10 ms.
      seconds[program.split("/").slice(-2).join("/")] = (Number(fields[11]) + Number(fields[12])) / 100;
    } catch {
      // A process that ended in between.
    }
  }
  return seconds;
}
