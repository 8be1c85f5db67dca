/**
 * What logging an event of about 1.2 KB costs the agent's process, beside what other libraries take for the same event, everything included until
 * a sink on this machine has it; what a broken broker does to it; and what the import costs. Prints Markdown.
 */
import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { conversations } from "./publisher/events.ts";
import { importCosts } from "./publisher/import-cost.ts";
import { Workshop } from "./publisher/processes.ts";
import { rowNames, rows, type RowName } from "./publisher/rows.ts";
import { runRow, type Condition, type Outcome } from "./publisher/run-row.ts";
import { conditionTable, costTable, importTable, medianOf, waitingTable, type Line } from "./publisher/tables.ts";

const parts: readonly string[] = [...rowNames, "conditions", "import"];
const HELP = `node bench/publisher.bench.ts [options]

  --events N        events in a measurement, a multiple of 1,000 (20000)
  --rounds N        rounds, in each of which every row is measured in a process of its own (5)
  --import-runs N   processes that import the publisher, for each form (20)
  --only A,B        some of: ${parts.join(", ")}
  --json            every round as JSON instead of tables

Rivals are measured after: npm ci --prefix bench/rivals`;

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "20000" },
    rounds: { type: "string", default: "5" },
    "import-runs": { type: "string", default: "20" },
    only: { type: "string", default: parts.join(",") },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

function count(name: "events" | "rounds" | "import-runs", step: number): number {
  const value = Number(values[name]);
  if (!Number.isSafeInteger(value) || value < step || value % step !== 0) {
    throw new Error(`--${name} must be a multiple of ${step}, not ${values[name]}`);
  }
  return value;
}

const conditions: { readonly [condition in Condition]?: string } = {
  ok: "up",
  down: "down: the port is closed",
  mute: "hanging: accepts, never says a word",
  hang: "hanging: takes requests, never answers",
  RESOURCE_EXHAUSTED: "refusing: RESOURCE_EXHAUSTED",
  PERMISSION_DENIED: "refusing: PERMISSION_DENIED",
};

interface Job {
  readonly title: string;
  readonly row: RowName;
  readonly condition: Condition;
  readonly overflows: boolean;
}

/** All jobs in turn, again and again, so that a busy minute of the machine meets all of them. */
async function interleaved(
  workshop: Workshop,
  jobs: readonly Job[],
  rounds: number,
  events: number,
): Promise<Outcome[][]> {
  const outcomes: Outcome[][] = jobs.map(() => []);
  for (let round = 1; round <= rounds; round += 1) {
    for (const [index, { title, row, condition, overflows }] of jobs.entries()) {
      // What cannot be measured once cannot be measured the next time.
      if (outcomes[index]!.some((outcome) => "unavailable" in outcome)) continue;
      process.stderr.write(`round ${round} of ${rounds}: ${title}\n`);
      outcomes[index]!.push(await runRow(workshop, row, events, condition, overflows));
    }
  }
  return outcomes;
}

function machine(): string {
  const git = (...argv: string[]): string =>
    execFileSync("git", argv, { cwd: import.meta.dirname, encoding: "utf8" }).trim();
  const commit = git("rev-parse", "--short", "HEAD");
  const isClean = git("status", "--porcelain", "--", "..") === "";
  const memory = `${Math.round(totalmem() / 1024 ** 3)} GiB`;
  const load = loadavg().map((value) => value.toFixed(1));
  return `${availableParallelism()} cores of ${cpus()[0]?.model ?? "an unknown CPU"}, ${memory}, load ${load.join(" ")}, Node ${
    process.version
  }, commit ${commit}${isClean ? "" : " and changes"}`;
}

async function bench(workshop: Workshop): Promise<void> {
  const events = count("events", 1_000);
  const rounds = count("rounds", 1);
  const importRuns = count("import-runs", 1);
  const only = values.only.split(",");
  const unknown = only.filter((name) => !parts.includes(name));
  if (unknown.length > 0) throw new Error(`--only ${unknown.join(",")}: give some of ${parts.join(", ")}`);

  const compared = rowNames
    .filter((row) => only.includes(row))
    .map((row): Job => ({ title: rows[row].title, row, condition: "ok", overflows: false }));
  const stressed = (["ours", "ours-spool"] as const).flatMap((row) =>
    Object.entries(conditions).map(([condition, words]): Job => ({
      title: `${row === "ours" ? "no spool" : "spool"}; broker ${words}`,
      row,
      condition: condition as Condition,
      overflows: true,
    })),
  );
  const started = machine();
  const comparedRounds = await interleaved(workshop, compared, rounds, events);
  const stressedJobs = only.includes("conditions") ? stressed : [];
  const stressedRounds = await interleaved(workshop, stressedJobs, Math.min(rounds, 3), events);
  const imports = only.includes("import") ? importCosts(workshop, importRuns) : [];
  if (values.json) {
    const named = (jobs: readonly Job[], all: Outcome[][]): object =>
      jobs.map((job, index) => ({ ...job, rounds: all[index] }));
    const result = {
      machine: started,
      compared: named(compared, comparedRounds),
      conditions: named(stressedJobs, stressedRounds),
    };
    console.log(JSON.stringify({ ...result, imports }, undefined, 2));
    return;
  }
  const sample = conversations(1_000);
  const size = sample.reduce((sum, event) => sum + Buffer.byteLength(JSON.stringify(event)), 0) / sample.length;
  const lines = (jobs: readonly Job[], all: Outcome[][]): Line[] =>
    jobs.map(({ title }, index) => ({ title, outcome: medianOf(all[index]!) }));
  console.log(
    `${started}.\n${events.toLocaleString("en")} events of ${size.toFixed(0)} bytes as JSON, no two alike; medians of ${rounds} rounds.`,
  );
  if (compared.length > 0) {
    const comparedLines = lines(compared, comparedRounds);
    const floor = comparedLines[compared.findIndex(({ row }) => row === "floor")]?.outcome;
    const floorUs = floor === undefined || "unavailable" in floor ? undefined : floor.mainUs;
    console.log(`\n${costTable(comparedLines, events, floorUs)}\n\n${waitingTable(comparedLines)}`);
  }
  if (stressedJobs.length > 0) console.log(`\n${conditionTable(lines(stressedJobs, stressedRounds))}`);
  if (imports.length > 0) console.log(`\n${importTable(imports)}`);
}

if (values.help) {
  console.log(HELP);
} else {
  const workshop = new Workshop();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      workshop.end();
      process.exit(1);
    });
  }
  try {
    await bench(workshop);
  } finally {
    workshop.end();
  }
}
