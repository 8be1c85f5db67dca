/**
 * Kills processes that log with a spool, a thousand times, and accounts for every event that they were told was logged, in the
 * warehouse:
 *
 *     node test/publisher-crash/run.ts [--kills 1000] [--seed 7] [--lanes 4] [--outages KILLS/25] [--no-warehouse] [--json]
 *
 * Exit code 1 when anything is not accounted for. Progress goes to stderr, the figures to stdout.
 */
import { parseArgs } from "node:util";
import { runCrash } from "./crash.ts";

const { values } = parseArgs({
  allowNegative: true,
  options: {
    kills: { type: "string", default: "1000" },
    seed: { type: "string", default: "7" },
    lanes: { type: "string", default: "4" },
    outages: { type: "string" },
    warehouse: { type: "boolean", default: true },
    json: { type: "boolean", default: false },
  },
});
const MAX_SHOWN = 50;
const kills = Number(values.kills);

const startMs = performance.now();
const seconds = (): string => ((performance.now() - startMs) / 1000).toFixed(0);
const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted.abort(new Error(signal)));

const report = await runCrash({
  seed: Number(values.seed),
  kills,
  lanes: Number(values.lanes),
  outages: Number(values.outages ?? kills / 25),
  floodEvery: 60,
  flushDeadlineMs: 4_000,
  throughWarehouse: values.warehouse,
  onLine: (line) => process.stderr.write(`${seconds().padStart(4)} s  ${line}\n`),
  signal: interrupted.signal,
});
const { findings, figures } = report;
if (values.json) console.log(JSON.stringify({ seed: Number(values.seed), ...report }));
else {
  console.table(Object.fromEntries(Object.entries(figures).map(([name, count]) => [name, { count }])));
  for (const { rule, what } of findings.slice(0, MAX_SHOWN)) console.log(`${rule}: ${what}`);
  if (findings.length > MAX_SHOWN) console.log(`and ${findings.length - MAX_SHOWN} more`);
  const outcome = findings.length === 0 ? "every event is accounted for" : `${findings.length} findings`;
  console.log(`seed ${values.seed}: ${outcome}, ${seconds()} s`);
}
process.exitCode = findings.length === 0 ? 0 : 1;
