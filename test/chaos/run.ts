/**
 * Chaos: publishes through the real processes while they are killed and fail on purpose, and accounts for every event.
 *
 *     node test/chaos/run.ts [--events 200000] [--seed 7] [--kills 30] [--cuts 60] [--intensity 1]
 *         [--message-events 120] [--verbose] [--json]
 *
 * Exit code 1 when the oracle finds anything, or a process died by itself. Progress goes to stderr, the figures to stdout.
 */
import { parseArgs } from "node:util";
import { runChaos } from "./chaos.ts";

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "200000" },
    seed: { type: "string", default: "7" },
    kills: { type: "string", default: "30" },
    cuts: { type: "string", default: "60" },
    intensity: { type: "string", default: "1" },
    "message-events": { type: "string", default: "120" },
    verbose: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const MAX_SHOWN = 50;

const startMs = performance.now();
const say = (line: string): void => {
  process.stderr.write(`${((performance.now() - startMs) / 1000).toFixed(0).padStart(4)} s  ${line}\n`);
};
const report = await runChaos({
  seed: Number(values.seed),
  events: Number(values.events),
  kills: Number(values.kills),
  cuts: Number(values.cuts),
  intensity: Number(values.intensity),
  maxEventsPerMessage: Number(values["message-events"]),
  hangs: true,
  deadlineMs: 300_000,
  onLine: say,
  ...(values.verbose && { onServiceLine: say }),
});
const { findings, deaths, figures } = report;
if (values.json) console.log(JSON.stringify({ seed: Number(values.seed), ...report }));
else {
  console.table(Object.fromEntries(Object.entries(figures).map(([name, count]) => [name, { count }])));
  for (const { rule, what } of findings.slice(0, MAX_SHOWN)) console.log(`${rule}: ${what}`);
  if (findings.length > MAX_SHOWN) console.log(`and ${findings.length - MAX_SHOWN} more`);
  for (const death of deaths) console.log(death);
  const outcome =
    findings.length + deaths.length === 0 ? "every event is accounted for" : `${findings.length} findings`;
  console.log(`seed ${values.seed}: ${outcome}, ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
}
process.exitCode = findings.length + deaths.length === 0 ? 0 : 1;
